/**
 * SSTables that a compaction would write, made up from what is known of its inputs. A plan asks the strategy again with them in the inputs' place.
 *
 *   bytes    those of the inputs, in the share of their keys that are different, less what has expired or may be purged
 *   keys     by the merged sketches (HyperLogLog), spread over several outputs in the share of their bytes
 *   tokens   each input's bytes are taken to be even between its first and its last token
 *
 * All of it is an estimate: overwritten cells of a partition, and rows that deletions hide, are not known without reading Data.db.
 */
import { hiOf, loOf, toBigInt } from '../../bytes/int64.js';
import type { Descriptor } from '../../sstable/descriptor.js';
import type { HyperLogLog } from '../../sstable/metadata/hyper-log-log.js';
import { tokenSpaceCoverage } from '../../sstable/metadata/token-space-coverage.js';
import { compareDecorated, type DecoratedKey, type Partitioner } from '../../sstable/partitioner.js';
import { splitRatios } from '../compaction/output-cuts.js';
import { outputRepairState, type PlannedTask, type TaskShape } from '../compaction/planned-task.js';
import { localDensity, ownershipOf, ShardTracker, shardCount, splitToken } from '../compaction/shards.js';
import { spanOf } from '../compaction/sstable-facts.js';
import type { Candidate, TokenSpan } from '../strategies/strategy.js';

/** What is known of the whole of a task's output. */
export type SimulatedTotals = {
  readonly onDiskBytes: number;
  readonly keys: number;
  readonly sketch: (() => HyperLogLog | undefined) | undefined;
  /** Share of cells that are tombstones droppable in the output. */
  readonly droppableRatio: (gcBeforeSeconds: number) => number;
};

export class SimulatedSSTable implements Candidate {
  readonly descriptor: Descriptor;
  readonly partitioner: Partitioner;
  readonly first: DecoratedKey;
  readonly last: DecoratedKey;
  readonly level: number;
  readonly onDiskBytes: number;
  readonly createdMillis: number;
  readonly repairedAtMillis: number;
  readonly pendingRepair?: string;
  readonly isTransient: boolean;
  readonly minTimestampMicros: bigint;
  readonly maxTimestampMicros: bigint;
  readonly maxLocalDeletionSeconds: number;
  readonly tokenSpaceCoverage: number | undefined;
  readonly cellsPerPartition: { readonly count: number; readonly mean: number };
  private readonly inputs: readonly Candidate[];
  // inputs may be made up of others again, and so on: each is asked once
  private knownComponentBytes: number | undefined;
  private knownPlainBytes: number | undefined;
  private knownIsInformative: boolean | undefined;
  private lastRatio: { readonly gcBeforeSeconds: number; readonly ratio: number } | undefined;
  private readonly keys: number;
  private readonly totals: SimulatedTotals;

  constructor(
    inputs: readonly Candidate[],
    piece: Piece,
    totals: SimulatedTotals,
    made: { readonly descriptor: Descriptor; readonly nowMillis: number },
  ) {
    const repair = outputRepairState(inputs);
    const share = totals.onDiskBytes > 0 ? piece.bytes / totals.onDiskBytes : 1;
    const sum = (of: (input: Candidate) => number) => inputs.reduce((all, input) => all + of(input), 0);
    const partitions = sum(({ cellsPerPartition }) => cellsPerPartition.count);
    const cells = sum(({ cellsPerPartition }) => cellsPerPartition.count * cellsPerPartition.mean);
    const timestamps = { least: inputs[0]!.minTimestampMicros, most: inputs[0]!.maxTimestampMicros };
    for (const { minTimestampMicros, maxTimestampMicros } of inputs) {
      if (minTimestampMicros < timestamps.least) timestamps.least = minTimestampMicros;
      if (maxTimestampMicros > timestamps.most) timestamps.most = maxTimestampMicros;
    }
    this.inputs = inputs;
    this.totals = totals;
    this.descriptor = made.descriptor;
    this.createdMillis = made.nowMillis;
    this.partitioner = inputs[0]!.partitioner;
    this.first = piece.first;
    this.last = piece.last;
    this.level = piece.level;
    this.onDiskBytes = piece.bytes;
    this.repairedAtMillis = repair.repairedAtMillis;
    if (repair.pendingRepair !== undefined) this.pendingRepair = repair.pendingRepair;
    this.isTransient = repair.isTransient;
    this.minTimestampMicros = timestamps.least;
    this.maxTimestampMicros = timestamps.most;
    this.maxLocalDeletionSeconds = inputs.reduce((most, input) => Math.max(most, input.maxLocalDeletionSeconds), 0);
    this.tokenSpaceCoverage = piece.tokenSpaceCoverage;
    this.keys = Math.max(1, Math.round(totals.keys * share));
    this.cellsPerPartition = { count: this.keys, mean: partitions > 0 ? cells / partitions : 0 };
  }

  get plainBytes(): number {
    this.knownPlainBytes ??= this.inShare(({ plainBytes }) => plainBytes);
    return this.knownPlainBytes;
  }

  get componentBytes(): number {
    this.knownComponentBytes ??= this.inShare(({ componentBytes }) => componentBytes, sampleOf(this.inputs));
    return this.knownComponentBytes;
  }

  get isEstimationInformative(): boolean {
    this.knownIsInformative ??= this.inputs.some((input) => input.isEstimationInformative);
    return this.knownIsInformative;
  }

  /** What the inputs have of something, in the share of Data.db that this SSTable has of theirs. */
  private inShare(of: (input: Candidate) => number, inputs = this.inputs): number {
    const stored = inputs.reduce((all, { onDiskBytes }) => all + onDiskBytes, 0);
    const theirs = inputs.reduce((all, input) => all + of(input), 0);
    return stored > 0 ? Math.round((theirs * this.onDiskBytes) / stored) : theirs;
  }

  get sketch(): HyperLogLog | undefined {
    return this.totals.sketch?.();
  }

  readonly estimatedKeys = (): number => this.keys;

  droppableRatio(gcBeforeSeconds: number): number {
    if (this.lastRatio?.gcBeforeSeconds !== gcBeforeSeconds) {
      this.lastRatio = { gcBeforeSeconds, ratio: this.totals.droppableRatio(gcBeforeSeconds) };
    }
    return this.lastRatio.ratio;
  }

  estimatedKeysIn(spans: readonly TokenSpan[]): number {
    const [first, last] = [tokenNumber(this.first), tokenNumber(this.last)];
    if (first === undefined || last === undefined || last === first) return this.keys;
    let covered = 0;
    for (const { after, upTo } of spans) {
      const from = after.kind === 'long' ? Math.max(first, Number(toBigInt(after.hi, after.lo))) : first;
      const to = upTo.kind === 'long' ? Math.min(last, Number(toBigInt(upTo.hi, upTo.lo))) : last;
      if (to > from) covered += to - from;
    }
    return Math.round(this.keys * Math.min(1, covered / (last - first)));
  }
}

/** Inputs whose components are looked up: a file each, and an input may itself stand for thousands. */
const SAMPLE = 16;

/** Some of them, evenly chosen. */
function sampleOf<T>(all: readonly T[]): readonly T[] {
  return all.length <= SAMPLE
    ? all
    : Array.from({ length: SAMPLE }, (_, i) => all[Math.floor((i * all.length) / SAMPLE)]!);
}

/** One SSTable of the output. */
type Piece = {
  readonly first: DecoratedKey;
  readonly last: DecoratedKey;
  readonly bytes: number;
  readonly level: number;
  readonly tokenSpaceCoverage?: number | undefined;
};

/**
 * What a task would write.
 * @param compacted its inputs without what is dropped unread; where there are none, nothing is written
 * @param describe the name of the next output
 */
export function simulateOutputs(
  task: PlannedTask<Candidate>,
  compacted: readonly Candidate[],
  totals: SimulatedTotals,
  made: { readonly nowMillis: number; readonly describe: () => Descriptor },
): SimulatedSSTable[] {
  if (compacted.length === 0 || totals.onDiskBytes <= 0) return [];
  const pieces = piecesOf(task.output, compacted, totals.onDiskBytes);
  const whole = pieces.length === 1 ? totals : { ...totals, sketch: undefined };
  const { nowMillis, describe } = made;
  return pieces.map((piece) => new SimulatedSSTable(compacted, piece, whole, { nowMillis, descriptor: describe() }));
}

function piecesOf(shape: TaskShape, inputs: readonly Candidate[], bytes: number): Piece[] {
  const { partitioner } = inputs[0]!;
  const span = spanOf(inputs, partitioner);
  switch (shape.kind) {
    case 'one':
      return [{ ...span, bytes, level: shape.level }];
    case 'leveled': {
      const count = Math.max(1, Math.ceil(bytes / shape.maxSSTableBytes));
      return cutBySize(inputs, evenly(bytes, count, shape.maxSSTableBytes), () => shape.level);
    }
    case 'cutAt':
      return cutAtTokens(inputs, bytes, shape.upTo, shape.level);
    case 'majorLeveled': {
      const count = Math.max(1, Math.ceil(bytes / shape.maxSSTableBytes));
      const levels = majorLevels(count, shape);
      return cutBySize(inputs, evenly(bytes, count, shape.maxSSTableBytes), (i) => levels[i]!);
    }
    case 'sizeTieredSplit': {
      const total = inputs.reduce((sum, { onDiskBytes }) => sum + onDiskBytes, 0);
      const sizes: number[] = [];
      let rest = bytes;
      const ratios = splitRatios(total, shape.minSSTableBytes);
      ratios.forEach((ratio, i) => {
        const size = i === ratios.length - 1 ? rest : Math.min(rest, Math.round(total * ratio));
        if (size > 0) sizes.push(size);
        rest -= size;
      });
      return cutBySize(inputs, sizes, () => 0);
    }
    case 'sharded':
      return cutAtShards(inputs, bytes, shape.shards);
    case 'byDensity':
      return cutAtShards(inputs, bytes, shardCount(localDensity(inputs, ownershipOf(partitioner)), shape.options));
  }
}

function evenly(bytes: number, count: number, size: number): number[] {
  return Array.from({ length: count }, (_, i) => (i === count - 1 ? bytes - size * (count - 1) : size));
}

/** Levels fill from 1 up, each a fanout larger than the one before. */
function majorLevels(count: number, { fanoutSize }: Extract<TaskShape, { kind: 'majorLeveled' }>): number[] {
  const levels: number[] = [];
  for (let level = 1, left = fanoutSize; levels.length < count; left--) {
    levels.push(level);
    if (left <= 0) left = fanoutSize ** ++level;
  }
  return levels;
}

/** Pieces of these sizes, one after the other along the ring. */
function cutBySize(
  inputs: readonly Candidate[],
  sizes: readonly number[],
  levelOf: (index: number) => number,
): Piece[] {
  const { partitioner } = inputs[0]!;
  const { first, last } = spanOf(inputs, partitioner);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  let done = 0;
  const ends = sizes.slice(0, -1).map((size) => {
    done += size;
    return done / total;
  });
  const cuts = keysAt(inputs, ends);
  return sizes.map((bytes, i) => ({
    first: i === 0 ? first : (cuts[i - 1]?.after ?? last),
    last: i === sizes.length - 1 ? last : (cuts[i]?.upTo ?? last),
    bytes,
    level: levelOf(i),
  }));
}

type Cut = { readonly upTo: DecoratedKey; readonly after: DecoratedKey };

/** Where these shares of the inputs' bytes, ascending, are reached. */
function keysAt(inputs: readonly Candidate[], shares: readonly number[]): (Cut | undefined)[] {
  if (shares.length === 0) return [];
  const { partitioner } = inputs[0]!;
  const spans = inputs.map(({ first, last, onDiskBytes }) => [tokenNumber(first), tokenNumber(last), onDiskBytes]);
  if (spans.some(([first, last]) => first === undefined || last === undefined)) {
    // tokens that can't be reckoned with: borders are first keys of the inputs
    const keys = inputs.map(({ first }) => first).sort((a, b) => compareDecorated(partitioner, a, b));
    return shares.map((share) => {
      const key = keys[Math.min(keys.length - 1, Math.floor(share * keys.length))]!;
      return { upTo: key, after: key };
    });
  }
  const total = inputs.reduce((sum, { onDiskBytes }) => sum + onDiskBytes, 0);
  // doubles of tokens are inexact: a cut lies between keys that are there all the same
  const whole = spanOf(inputs, partitioner);
  const [least, most] = [tokenValue(whole.first)!, tokenValue(whole.last)!];
  const events = spans.flatMap(([first, last, bytes]) => {
    const density = bytes! / Math.max(1, last! - first!);
    return [
      { at: first!, density },
      { at: last!, density: -density },
    ];
  });
  events.sort((a, b) => a.at - b.at);
  const cuts: (Cut | undefined)[] = [];
  const ends: bigint[] = [];
  let [done, density, at] = [0, 0, events[0]!.at];
  for (const event of events) {
    const next = done + density * (event.at - at);
    for (let share = shares[cuts.length]; share !== undefined && share * total <= next && density > 0; ) {
      const token = at + (share * total - done) / density;
      const upTo = clamp(BigInt(Math.round(token)), least, most);
      cuts.push(upTo > (ends.at(-1) ?? least - 1n) ? cutAfter(upTo) : undefined);
      ends.push(upTo);
      share = shares[cuts.length];
    }
    done = next;
    at = event.at;
    density += event.density;
  }
  return cuts;
}

/** As the plan has cut them: pieces of one size, without those that none of the inputs reaches. */
function cutAtTokens(inputs: readonly Candidate[], bytes: number, upTo: readonly bigint[], level: number): Piece[] {
  const { first, last } = spanOf(inputs, inputs[0]!.partitioner);
  const [least, most] = [tokenValue(first)!, tokenValue(last)!];
  const cuts = [...new Set(upTo)].filter((token) => token >= least && token < most).map(cutAfter);
  const size = Math.max(1, Math.round(bytes / (cuts.length + 1)));
  return Array.from({ length: cuts.length + 1 }, (_, i) => ({
    first: cuts[i - 1]?.after ?? first,
    last: cuts[i]?.upTo ?? last,
    bytes: size,
    level,
  }));
}

function cutAtShards(inputs: readonly Candidate[], bytes: number, shards: number): Piece[] {
  const { partitioner } = inputs[0]!;
  const { first, last } = spanOf(inputs, partitioner);
  const ownership = ownershipOf(partitioner);
  if (!ownership) return [{ first, last, bytes, level: 0, tokenSpaceCoverage: 1 }];
  const tracker = new ShardTracker(shards, ownership);
  const total = inputs.reduce((sum, { onDiskBytes }) => sum + onDiskBytes, 0);
  const pieces: Piece[] = [];
  const lastToken = tokenValue(last)!;
  for (let from = tokenValue(first)!; ; ) {
    tracker.advanceTo(hiOf(from), loOf(from));
    const end = tracker.index + 1 < shards ? splitToken(ownership.ranges[0]!, (tracker.index + 1) / shards) : lastToken;
    const isLast = end >= lastToken;
    const to = isLast ? lastToken : end;
    let inShard = 0;
    for (const input of inputs) {
      inShard += input.onDiskBytes * tracker.fractionInShard(tokenValue(input.first)!, tokenValue(input.last)!);
    }
    const piece = {
      first: pieces.length === 0 ? first : keyOfToken(from),
      last: isLast ? last : keyOfToken(to),
      bytes: total > 0 ? Math.round((bytes * inShard) / total) : 0,
      level: 0,
      tokenSpaceCoverage: tokenSpaceCoverage(from, to),
    };
    if (piece.bytes > 0) pieces.push(piece);
    if (isLast) break;
    from = to + 1n;
  }
  return pieces;
}

function tokenValue({ token }: DecoratedKey): bigint | undefined {
  return token.kind === 'long' ? toBigInt(token.hi, token.lo) : undefined;
}

function tokenNumber(key: DecoratedKey): number | undefined {
  const value = tokenValue(key);
  return value === undefined ? undefined : Number(value);
}

/** A place between keys, not a key that is there. */
function keyOfToken(token: bigint): DecoratedKey {
  return { token: { kind: 'long', hi: hiOf(token), lo: loOf(token) }, key: new Uint8Array(0) };
}

/** No token lies between the two. */
function cutAfter(token: bigint): Cut {
  return { upTo: keyOfToken(token), after: keyOfToken(token + 1n) };
}

function clamp(value: bigint, least: bigint, most: bigint): bigint {
  return value < least ? least : value >= most ? (most > least ? most - 1n : most) : value;
}
