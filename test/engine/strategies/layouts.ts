/** Layouts of SSTables with what Cassandra's own strategies pick in them, as test/oracle/java/strategies/Strategies.java prints them, and what ours pick. */
import { hiOf, loOf } from '../../../src/bytes/int64.js';
import { openStrategy } from '../../../src/engine/strategies/open-strategy.js';
import { compactionParams } from '../../../src/engine/strategies/options.js';
import type { Candidate, Decision, Pick, TokenSpan } from '../../../src/engine/strategies/strategy.js';
import { parseDescriptor } from '../../../src/sstable/descriptor.js';
import { type DecoratedKey, partitionerOf, type Token } from '../../../src/sstable/partitioner.js';

export type Layout = {
  readonly name: string;
  readonly options: Readonly<Record<string, string>>;
  readonly nowMillis: number;
  readonly gcBeforeSeconds: number;
  readonly sstables: readonly Candidate[];
  readonly others: readonly Candidate[];
  /** P and E lines: what Cassandra says. */
  readonly answer: readonly string[];
};

export function parseLayouts(text: string): Layout[] {
  const layouts = text.trimEnd().split(/\n(?=L )/);
  return layouts.map((layout) => parseLayout(layout.split('\n')));
}

function parseLayout(lines: readonly string[]): Layout {
  const [, name, ...pairs] = lines[0]!.split(' ');
  const values = Object.fromEntries(pairs.map((pair) => pair.split('=', 2)));
  const { now, gc, ...options } = values;
  const sstables = lines.filter((line) => line.startsWith('S ')).map((line, i) => parseSSTable(line, i + 1));
  const others = lines.filter((line) => line.startsWith('O ')).map((line, i) => parseSSTable(line, i + 1001));
  return {
    name: `${options.class} ${name}`,
    options,
    nowMillis: Number(now),
    gcBeforeSeconds: Number(gc),
    sstables,
    others,
    answer: lines.filter((line) => /^[PE]/.test(line)),
  };
}

const MURMUR3 = partitionerOf('org.apache.cassandra.dht.Murmur3Partitioner');

function parseSSTable(line: string, generation: number): Candidate {
  const [, onDisk, components, plain, created, level, first, last, minTimestamp, maxTimestamp, ...rest] =
    line.split(' ');
  const [maxDeletion, droppable, keys, cellCount, cellMean, informative, repairedAt, coverage] = rest;
  return {
    descriptor: parseDescriptor(`/made/up/oa-${generation}-big-Data.db`).descriptor,
    partitioner: MURMUR3,
    onDiskBytes: Number(onDisk),
    componentBytes: Number(components),
    plainBytes: Number(plain),
    createdMillis: Number(created),
    level: Number(level),
    first: keyOf(first!),
    last: keyOf(last!),
    minTimestampMicros: BigInt(minTimestamp!),
    maxTimestampMicros: BigInt(maxTimestamp!),
    maxLocalDeletionSeconds: maxDeletion === '-' ? Number.POSITIVE_INFINITY : Number(maxDeletion),
    droppableRatio: () => Number(droppable),
    estimatedKeys: () => Number(keys),
    estimatedKeysIn: (spans) => Math.floor((Number(keys) * samplesIn(BigInt(first!), BigInt(last!), spans)) / SAMPLES),
    cellsPerPartition: { count: Number(cellCount), mean: Number(cellMean) },
    isEstimationInformative: informative === '1',
    repairedAtMillis: Number(repairedAt),
    isTransient: false,
    tokenSpaceCoverage: coverage === '-' ? undefined : Number(coverage),
    sketch: undefined,
  };
}

function keyOf(token: string): DecoratedKey {
  const key = new Uint8Array(8);
  const value = BigInt(token);
  new DataView(key.buffer).setBigInt64(0, value);
  return { token: { kind: 'long', hi: hiOf(value), lo: loOf(value) }, key };
}

/** As MadeUpSSTable.java has it: so many keys at equal distances stand for all. */
const SAMPLES = 8;

function samplesIn(first: bigint, last: bigint, spans: readonly TokenSpan[]): number {
  let count = 0;
  for (let i = 0n; i < SAMPLES; i++) {
    const token = first + ((last - first) * i) / BigInt(SAMPLES - 1);
    if (spans.some(({ after, upTo }) => isBetween(token, tokenValue(after), tokenValue(upTo)))) count++;
  }
  return count;
}

function isBetween(token: bigint, after: bigint, upTo: bigint): boolean {
  return after < upTo ? token > after && token <= upTo : token > after || token <= upTo;
}

function tokenValue(token: Token): bigint {
  if (token.kind !== 'long') throw new Error('a token of Murmur3Partitioner is an int64');
  return (BigInt(token.hi) << 32n) | BigInt(token.lo >>> 0);
}

/** What ours decides, with `left` and all reasons. */
export function decide({ options, sstables, others, nowMillis, gcBeforeSeconds }: Layout): Decision {
  const strategy = openStrategy(compactionParams(options, { allowsUnsafeExpiration: true }));
  return strategy.next(sstables, { nowMillis, gcBeforeSeconds, others });
}

/** A decision in the lines of {@link Layout.answer}. */
export function answerOf({ sstables }: Layout, { picks, pendingTasks }: Decision): string[] {
  const inputs = (pick: Pick) => pick.inputs.map((sstable) => sstables.indexOf(sstable)).toSorted((a, b) => a - b);
  return [...picks.map((pick) => `P ${inputs(pick).join(' ')}`), `E ${pendingTasks}`];
}
