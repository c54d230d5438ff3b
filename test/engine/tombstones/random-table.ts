/** Random SSTables full of deletions, in the notation of merge/notation.ts, and what their text says of them. */
import { sequence16 } from '../../sequence.js';
import { type Contents, MAP, type Made, type Shape, TEXT, TestTable } from '../merge/build.js';

export const NOW = 1000;
export const GC_BEFORE = 900;

const SHAPE: Shape = { clustering: [TEXT], statics: { s: TEXT, sm: MAP }, regulars: { m: MAP, v: TEXT, w: TEXT } };
const PLACES = ['a', 'b', 'c', 'd', 'e', 'f'];

/** Lines of one write. What expires has its expiry by its timestamp: two of the same would be told apart by who comes first. */
function randomLines(below: (n: number) => number, places: readonly string[]): string[] {
  const at = below(7);
  const local = [880, 899, 900, 950][below(4)]!;
  const place = places[below(places.length)]!;
  const path = ['p', 'q'][below(2)];
  const expiry = `@${at}+${20 + at}=${[850, 899, 910, 950, 1000, 1001, 1500, 860][at + 1]}`;
  const [from, to] = [below(places.length), below(places.length)].toSorted((a, b) => a - b) as [number, number];
  const lines = [
    [`deletion ${at}/${local}`],
    [`static: s-@${at}/${local}`],
    [`static: sm[${path}]=x${expiry}`],
    [`static: sm-${at}/${local}`],
    [`${place}: -${at}/${local}`],
    [`${place}: ${expiry}`],
    [`${place}: @${at}`],
    [`${place}: @${at} v=x@${at} w=y@${at}`],
    [`${place}: v-@${at}/${local}`],
    [`${place}: v=x${expiry}`],
    [`${place}: m[${path}]-@${at}/${local}`],
    [`${place}: m[${path}]=x@${at}`],
    [`${place}: m-${at}/${local}`],
    [`[${places[from]} ${at}/${local}`, `${places[to]}] ${at}/${local}`],
    [`(${places[from]} ${at}/${local}`, `${places[to]}] ${at}/${local}`],
  ];
  return lines[from === to && below(2) === 0 ? below(13) : below(14)]!;
}

/** @param isDense few keys and clusterings: the same cells come again and again */
export async function randomTable(
  seed: number,
  sstables: number,
  isDense = false,
): Promise<{ table: TestTable; parts: Made[] }> {
  const places = isDense ? PLACES.slice(0, 2) : PLACES;
  const keys = isDense ? 2 : 4;
  const next = sequence16(seed);
  const below = (n: number) => next() % n;
  const table = new TestTable(SHAPE, below(2) === 0 ? 'oa' : 'da');
  const parts: Made[] = [];
  while (parts.length < sstables) {
    const writes = Array.from({ length: 1 + below(9) }, () =>
      table.make({ [`k${below(keys)}`]: randomLines(below, places) }),
    );
    const { made } = await table.merge(writes);
    if (made) parts.push(made);
  }
  return { table, parts };
}

export type TextCounts = { partition: number; range: number; row: number; collection: number; ends: number };

/** Deletions and expired data by what the lines say; cells that are deleted and all that has expired in one. */
export function countText(contents: Contents): TextCounts {
  const counts = { partition: 0, range: 0, row: 0, collection: 0, ends: 0 };
  for (const line of Object.values(contents).flat()) {
    if (line.startsWith('deletion ')) counts.partition++;
    else if (isMarker(line)) counts.range += line.split(' ').filter((word) => word.includes('/')).length;
    else {
      for (const item of itemsOf(line)) {
        if (/^[-~]/.test(item)) counts.row++;
        else if (/^\w+-\d|^\w+--1/.test(item)) counts.collection++;
        else if (isDead(item)) counts.ends++;
      }
    }
  }
  return counts;
}

/** What a read of a partition meets by these lines of it, merged and purged; the rule of ReadCommand's MetricRecording, on text. */
export function readText(
  lines: readonly string[],
  limit: number,
): { whole: number; first: number; last: number; live: number } {
  const [fixed, ...sequences] = [
    lines.filter((line) => line.startsWith('static:')),
    lines.filter((line) => !/^(static:|deletion )/.test(line)),
  ];
  const [inOrder] = sequences;
  const head = costOf(fixed, Number.POSITIVE_INFINITY);
  return {
    whole: head.cost + costOf(inOrder!, Number.POSITIVE_INFINITY).cost,
    first: head.cost + costOf(inOrder!, limit).cost,
    last: head.cost + costOf(inOrder!.toReversed(), limit).cost,
    live: head.live + costOf(inOrder!, Number.POSITIVE_INFINITY).live,
  };
}

function costOf(lines: readonly string[], limit: number): { cost: number; live: number } {
  let [cost, live] = [0, 0];
  for (const line of lines) {
    if (isMarker(line)) {
      cost++;
      continue;
    }
    const items = itemsOf(line);
    const cells = items.filter((item) => /^\w+(\[\w+\])?(=|-@)/.test(item));
    const dead = cells.filter(isDead).length;
    const isLive = dead < cells.length || items.some((item) => item.startsWith('@') && !isDead(item));
    cost += dead > 0 ? dead : isLive ? 0 : 1;
    if (isLive && ++live === limit) break;
  }
  return { cost, live };
}

function isMarker(line: string): boolean {
  return /^[[(]|^\w+[\])]/.test(line);
}

function itemsOf(line: string): string[] {
  return line.slice(line.indexOf(':') + 2).split(' ');
}

/** A cell or liveness that is deleted or has expired. */
function isDead(item: string): boolean {
  const expiry = /\+\d+=(\d+)$/.exec(item)?.[1];
  return item.includes('-@') || (expiry !== undefined && Number(expiry) <= NOW);
}
