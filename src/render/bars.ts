/** Histograms for people: a line a group of buckets, with its count, its share and a bar, within 80 columns. */
import { countText, shareText } from './bytes.js';

export type Bar = { readonly label: string; readonly count: number };

const BAR_COLUMNS = 30;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

export function barLines(bars: readonly Bar[], indent = 2): string[] {
  const max = bars.reduce((most, { count }) => Math.max(most, count), 0);
  const sum = bars.reduce((total, { count }) => total + count, 0);
  const labelWidth = Math.max(0, ...bars.map(({ label }) => label.length));
  const counts = bars.map(({ count }) => countText(count));
  const countWidth = Math.max(0, ...counts.map((text) => text.length));
  return bars.map(({ label, count }, i) => {
    const share = shareText(count / sum).padStart(7);
    return `${' '.repeat(indent)}${label.padStart(labelWidth)}  ${counts[i]!.padStart(countWidth)} ${share}  ${bar(count / max)}`;
  });
}

/** Neighbouring items put together until there are at most `most`. */
export function grouped<T>(items: readonly T[], most: number, merge: (a: T, b: T) => T): T[] {
  const size = Math.ceil(items.length / most);
  const groups: T[] = [];
  for (let i = 0; i < items.length; i += size) groups.push(items.slice(i, i + size).reduce(merge));
  return groups;
}

/** At least a sliver: what was counted shows. */
function bar(share: number): string {
  const eighths = Math.max(1, Math.round(share * BAR_COLUMNS * 8));
  return '█'.repeat(eighths >> 3) + EIGHTHS[eighths & 7]!;
}
