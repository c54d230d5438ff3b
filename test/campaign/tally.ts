/** Counts of a campaign by version and component. */
import { type Outcome, type Result, versionOf } from './campaign.js';

const OUTCOMES: readonly Outcome[] = ['located', 'detected', 'harmless', 'unproved', 'missed'];

export class Tally {
  readonly byComponent = new Map<string, Map<Outcome, number>>();
  readonly byVersion = new Map<string, Map<Outcome, number>>();

  add({ component, outcome, subject }: Result): void {
    const kind = component.startsWith('SAI+') ? 'SAI+…' : component;
    count(this.byComponent, kind, outcome);
    count(this.byVersion, versionOf(subject), outcome);
  }

  of(outcome: Outcome): number {
    let sum = 0;
    for (const counts of this.byComponent.values()) sum += counts.get(outcome) ?? 0;
    return sum;
  }
}

function count(map: Map<string, Map<Outcome, number>>, key: string, outcome: Outcome): void {
  const counts = map.get(key) ?? new Map<Outcome, number>();
  counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  map.set(key, counts);
}

export function summaryText(tally: Tally): string {
  const lines = [`| | ${OUTCOMES.join(' | ')} |`, `|---|${OUTCOMES.map(() => '---:').join('|')}|`];
  const row = (name: string, counts: Map<Outcome, number>) =>
    `| ${name} | ${OUTCOMES.map((outcome) => counts.get(outcome) ?? 0).join(' | ')} |`;
  for (const map of [tally.byComponent, tally.byVersion]) {
    for (const [name, counts] of [...map].sort(([a], [b]) => (a < b ? -1 : 1))) lines.push(row(name, counts));
  }
  lines.push(row('all', new Map(OUTCOMES.map((outcome) => [outcome, tally.of(outcome)]))));
  return lines.join('\n');
}
