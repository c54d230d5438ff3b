/** What somebody who mistyped a command or a flag may have meant. */
import type { ErrorReport } from './exit.js';

/** Names of all commands, `commitlog:ls` for `commitlog ls`, and the flags (without dashes) of the one that was called. */
export type Known = { readonly commands: readonly string[]; readonly flags: readonly string[] };

/** oclif's own, beside ours. */
const FRONT_COMMANDS = ['help', 'autocomplete'];

/** `report` in the words that were typed, with what is near to them as its hint. Other errors stay as they are. */
export function withSuggestion(report: ErrorReport, argv: readonly string[], known: Known): ErrorReport {
  if (report.code !== 'USAGE') return report;
  if (/^command \S+ not found\.?$/.test(report.message)) {
    const commands = [...known.commands, ...FRONT_COMMANDS];
    const id = unknownCommand(argv[0] === 'help' ? argv.slice(1) : argv, commands);
    const near = nearest(id, commands)?.replaceAll(':', ' ');
    const message = `command ${id.replaceAll(':', ' ')} not found`;
    return { ...report, message, hint: near === undefined ? report.hint : `did you mean \`lsmctl ${near}\`?` };
  }
  const flag = /^nonexistent flag: --([\w-]+)$/.exec(report.message)?.[1];
  const near = flag === undefined ? undefined : nearest(flag, known.flags);
  return near === undefined ? report : { ...report, hint: `did you mean --${near}?` };
}

/** The first word that is no topic, with the topics before it. */
function unknownCommand(argv: readonly string[], commands: readonly string[]): string {
  let id = argv[0] ?? '';
  for (let n = 1; n < argv.length && commands.some((command) => command.startsWith(`${id}:`)); n++) {
    id += `:${argv[n]}`;
  }
  return id;
}

/** The candidate that takes fewest keystrokes to mend, where that is about one in three letters or less. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate);
    if (distance >= least) continue;
    least = distance;
    best = candidate;
  }
  return best;
}

/** Letters to add, leave out, replace or swap with their neighbour. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(Math.min(change, last[j]! + 1, row[j - 1]! + 1, isSwap ? beforeLast[j - 2]! + 1 : change));
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
