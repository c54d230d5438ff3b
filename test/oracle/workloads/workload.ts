/**
 * What a workload is: a keyspace, and rounds of statements with a flush after each. Timestamps are explicit and values come from a seed, so
 * that the same seed gives the same cells; only the times of deletion and expiry, list positions and counters come from the node's clock.
 */
import { createHash } from 'node:crypto';

export type Workload = {
  readonly keyspace: string;
  readonly create: readonly string[];
  /** Statements of a round, its changes of the schema first. */
  readonly rounds: readonly (readonly string[])[];
};

/** Microseconds since the epoch of the first round's writes: 2023-11-14T22:13:20Z. */
export const START_MICROS = 1_700_000_000_000_000n;
export const HOUR_MICROS = 3_600_000_000n;

/** A generator of numbers in [0, 1) that a seed decides (mulberry32). */
export type Random = {
  next(): number;
  /** An integer in [low, high]. */
  int(low: number, high: number): number;
  pick<T>(of: readonly T[]): T;
};

export function random(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    int: (low, high) => low + Math.floor(next() * (high - low + 1)),
    pick: (of) => of[Math.floor(next() * of.length)]!,
  };
}

export const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

/** A text as CQL writes it. */
export const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;

const WORDS = [
  'order',
  'shipped',
  'box',
  'café',
  '東京',
  'naïve',
  '"quoted"',
  'back\\slash',
  'tab\tnew',
  'line\nend',
  '𝄞',
  'emoji😀',
  "it's",
  'plain',
  '\u0001',
  '</b>',
];

export const words = (r: Random, count: number): string =>
  range(0, count)
    .map(() => r.pick(WORDS))
    .join(' ');

export const hex = (r: Random, bytes: number): string =>
  range(0, bytes)
    .map(() => r.int(0, 255).toString(16).padStart(2, '0'))
    .join('');

/** A version 4 UUID that a small number decides. */
export function uuid(n: number, space = 'id'): string {
  const digits = createHash('md5').update(`${space} ${n}`).digest('hex');
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-a${digits.slice(17, 20)}-${digits.slice(20)}`;
}

/** A CREATE TABLE with a table id that its names decide, so that its directory has the same name whenever it is made. */
export function table(keyspace: string, name: string, columns: string, options: readonly string[] = []): string {
  const digits = createHash('md5').update(`${keyspace}.${name}`).digest('hex');
  const id = `${digits.slice(0, 8)}-${digits.slice(8, 12)}-3${digits.slice(13, 16)}-b${digits.slice(17, 20)}-${digits.slice(20)}`;
  return `CREATE TABLE ${keyspace}.${name} (${columns}) WITH ${[`id = ${id}`, ...options].join(' AND ')}`;
}
