/** Histograms as Cassandra's tools draw them (tools/Util.TermHistogram): a bar a line, then percentiles. */
import {
  histogramMax,
  histogramMin,
  histogramPercentile,
  makeHistogram,
} from '../sstable/metadata/estimated-histogram.js';

export const ANSI = { reset: '\u001b[0m', blue: '\u001b[34m', cyan: '\u001b[36m', white: '\u001b[37m' } as const;

export type TermStyle = {
  readonly color: boolean;
  /** Block characters in place of letters. */
  readonly unicode: boolean;
};

type Bin = readonly [offset: number, count: number];

const BAR_LENGTH = 30;
/** Buckets over which the tools take percentiles, whatever histogram they print. */
const PERCENTILE_BUCKETS = 165;

/** The full piece of a bar, then what ends it by the fraction that is left, largest first. */
const UNICODE_BAR: readonly (readonly [least: number, piece: string])[] = [
  [1, '▉'],
  [7 / 8, '▉'],
  [3 / 4, '▊'],
  [5 / 8, '▋'],
  [3 / 8, '▍'],
  [1 / 4, '▎'],
  [1 / 8, '▏'],
];
const ASCII_BAR: typeof UNICODE_BAR = [
  [1, 'O'],
  [0.75, 'o'],
  [0.3, '.'],
];

/** Lines of a histogram. `offsetName` may hold colours. */
export function termHistogram(
  bins: readonly Bin[],
  title: string,
  offsetName: (offset: number) => string,
  style: TermStyle,
): string[] {
  const { color } = style;
  const paint = (code: keyof typeof ANSI) => (color ? ANSI[code] : '');
  const max = bins.reduce((most, [, count]) => Math.max(most, count), 0);
  const sum = bins.reduce((total, [, count]) => total + count, 0);
  const offsetWidth = Math.max(title.length, ...bins.map(([offset]) => visibleLength(offsetName(offset))));
  const countWidth = Math.max(5, ...bins.map(([, count]) => String(count).length));
  const head = `   ${padEnd(paint('blue') + title, offsetWidth)} ${paint('cyan')}|${paint('blue')} ${'Count'.padEnd(countWidth)}`;
  const rows = bins.map(([offset, count]) => {
    const share = quiet(String(Math.trunc(100 * (count / sum))).padStart(3), color);
    const bar = `${paint('white')}${barText(count, max, style.unicode)}${paint('reset')}`;
    return `   ${padEnd(offsetName(offset), offsetWidth)} ${paint('cyan')}|${paint('reset')} ${String(count).padStart(countWidth)} ${share} ${bar}`;
  });
  return [
    `${head}  ${quiet('%', color)}  ${paint('blue')}Histogram${paint('reset')} `,
    ...rows,
    ...percentileLines(bins, offsetName, color),
  ];
}

/** In parentheses, dimmed; nothing for nothing. */
export function quiet(text: string | undefined, color: boolean): string {
  if (!text) return '';
  return color ? `${ANSI.white}(${text})${ANSI.reset}` : `(${text})`;
}

function percentileLines(bins: readonly Bin[], offsetName: (offset: number) => string, color: boolean): string[] {
  const histogram = makeHistogram(bins, PERCENTILE_BUCKETS);
  const values: readonly (readonly [string, number])[] = [
    ['50th', histogramPercentile(histogram, 0.5)],
    ['75th', histogramPercentile(histogram, 0.75)],
    ['95th', histogramPercentile(histogram, 0.95)],
    ['98th', histogramPercentile(histogram, 0.98)],
    ['99th', histogramPercentile(histogram, 0.99)],
    ['Min', histogramMin(histogram)],
    ['Max', histogramMax(histogram)],
  ];
  const [blue, reset] = color ? [ANSI.blue, ANSI.reset] : ['', ''];
  return [
    `${blue}   Percentiles${reset}`,
    ...values.map(([name, value]) => `   ${blue}${name.padEnd(10)}${reset}${offsetName(value)}`),
  ];
}

function barText(count: number, max: number, unicode: boolean): string {
  const pieces = unicode ? UNICODE_BAR : ASCII_BAR;
  const width = (count / max) * BAR_LENGTH;
  const whole = Math.trunc(width);
  const rest = width - whole;
  return pieces[0]![1].repeat(Math.max(0, whole)) + (pieces.find(([least]) => least <= rest)?.[1] ?? '');
}

/** Pads to `width` visible characters, and so past the colours. */
function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - visibleLength(text)));
}

function visibleLength(text: string): number {
  return Object.values(ANSI).reduce((plain, code) => plain.replaceAll(code, ''), text).length;
}
