/** Layouts of SSTables with what Cassandra's own strategies pick in them, as test/oracle/java/strategies/Strategies.java prints them, and what ours pick. */
import { hiOf, loOf } from '../../../src/bytes/int64.js';
import { openStrategy } from '../../../src/engine/strategies/open-strategy.js';
import { compactionParams } from '../../../src/engine/strategies/options.js';
import type {
  Candidate,
  Decision,
  Pick,
  Strategy,
  StrategyContext,
  TokenSpan,
} from '../../../src/engine/strategies/strategy.js';
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
  /** Inputs that it could have picked first instead, by chance, as in A lines. */
  readonly alternatives: readonly string[];
  /** Where one compaction was done after the other: what each took, as a P line without its P, and what came out. */
  readonly rounds: readonly Round[];
};

export type Round = { readonly answer: string; readonly outputs: readonly Candidate[] };

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
    alternatives: lines.filter((line) => line.startsWith('A ')),
    rounds: parseRounds(lines.filter((line) => /^[NR]/.test(line))),
  };
}

function parseRounds(lines: readonly string[]): Round[] {
  const rounds: { answer: string; outputs: Candidate[] }[] = [];
  for (const [i, line] of lines.entries()) {
    if (line.startsWith('N')) rounds.push({ answer: line.slice(2), outputs: [] });
    else rounds.at(-1)!.outputs.push(parseSSTable(line, 10_001 + i));
  }
  return rounds;
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
export function decide(layout: Layout): Decision {
  return strategyOf(layout).next(layout.sstables, contextOf(layout));
}

function strategyOf({ options }: Layout): Strategy {
  return openStrategy(compactionParams(options, { allowsUnsafeExpiration: true }));
}

function contextOf({ others, nowMillis, gcBeforeSeconds }: Layout): StrategyContext {
  return { nowMillis, gcBeforeSeconds, others };
}

/** A decision in the lines of {@link Layout.answer}. */
export function answerOf({ sstables, options }: Layout, { picks, pendingTasks }: Decision): string[] {
  return [...picks.map((pick) => `P ${pickText(pick, sstables, options.class!)}`), `E ${pendingTasks}`];
}

/** What Cassandra takes in each round; the empty text where it has nothing left to do. */
export function roundsOf({ rounds }: Layout): string[] {
  return rounds.map(({ answer }) => answer);
}

/** What ours takes in each round, as {@link Round.answer}; outputs are the recorded ones. Ends at the first that differs. */
export function playRounds(layout: Layout): { readonly answers: string[]; readonly picks: Pick[] } {
  let strategy = strategyOf(layout);
  let living = layout.sstables;
  const places: Candidate[] = [...living];
  const answers: string[] = [];
  const picks: Pick[] = [];
  for (const { answer, outputs } of layout.rounds) {
    const [pick] = strategy.next(living, contextOf(layout)).picks;
    answers.push(pick ? pickText(pick, places, layout.options.class!) : '');
    if (!pick || answers.at(-1) !== answer) break;
    picks.push(pick);
    strategy = strategy.after?.(living, pick, outputs) ?? strategy;
    living = [...living.filter((sstable) => !pick.inputs.includes(sstable)), ...outputs];
    places.push(...outputs);
  }
  return { answers, picks };
}

function pickText(pick: Pick, places: readonly Candidate[], strategy: string): string {
  const inputs = pick.inputs.map((sstable) => places.indexOf(sstable)).toSorted((a, b) => a - b);
  return `${inputs.join(' ')}${outputText(pick, strategy)}`;
}

/** What of the output a mode tells: nothing where it is always one SSTable. */
function outputText({ kind, output }: Pick, strategy: string): string {
  switch (output.kind) {
    case 'leveled':
      return kind === 'uplevel' ? ` ; uplevel ${output.level}` : ` ; ${kind} ${output.level} ${output.maxSSTableBytes}`;
    case 'sharded':
      return ` ; ${output.shards}`;
    case 'one':
      return strategy === 'LeveledCompactionStrategy' ? ` ; ${kind} ${output.level} ${2n ** 63n - 1n}` : '';
    default:
      return '';
  }
}
