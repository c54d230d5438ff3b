/**
 * Two states of a table held against each other, partition by partition: what a query answers of the one, and what of the other.
 *
 *   gone      a row is answered of the first alone
 *   older     a row is answered of both, with other values
 *   back      a row is answered of the second alone: what deleted it is lost
 *
 * A static column is part of every row of its partition, as in an answer.
 */
import { murmur3 } from '../../bytes/murmur3.js';
import type { Table, View } from '../../cql/schema.js';
import { compareBytes } from '../../cql/token.js';
import { histogramCount } from '../../sstable/metadata/estimated-histogram.js';
import type { PartitionIndex } from '../../sstable/partition-index.js';
import type { Partitioner, Token } from '../../sstable/partitioner.js';
import type { RowBuffer } from '../../sstable/row-buffer.js';
import type { SerializationHeader } from '../../sstable/serialization-header.js';
import type { SSTable } from '../../sstable/sstable.js';
import { droppedTimes, outputHeader } from '../compaction/output-header.js';
import { columnMap, MergeSource } from '../merge/merge-source.js';
import { type MergeSink, PartitionMerge } from '../merge/partition-merge.js';
import { hasLiveData } from '../read/row-liveness.js';
import { byToken, KeyedSource } from './keyed-source.js';

/** Rows as an answer has them: a line a row. As `render`'s JsonRows. */
export interface RowText {
  partition(key: Uint8Array, length: number): void;
  staticRow(row: RowBuffer, isLive: boolean): void;
  row(row: RowBuffer): Uint8Array | undefined;
  staticOnly(): Uint8Array | undefined;
}

export type AnswerSetup = {
  readonly before: readonly SSTable[];
  readonly after: readonly SSTable[];
  readonly definition: Table | View | undefined;
  readonly nowSeconds: number;
  /** A view's rows live by their liveness alone. */
  readonly isStrict: boolean;
  readonly textOf: (header: SerializationHeader) => RowText;
  /** Partitions that are looked at, by key as latin1; all by default. */
  readonly keys?: ReadonlySet<string> | undefined;
  /** Of one of the SSTables; whoever opens it closes it. */
  readonly indexOf: (sstable: SSTable) => PartitionIndex;
  /** An SSTable that has more partitions than so many for each key is not read through: its index is asked. */
  readonly seekFactor?: number | undefined;
};

/** What a lookup costs, in partitions that could be passed over instead. */
const SEEK_FACTOR = 32;

export type PartitionDifference = {
  readonly key: Uint8Array;
  gone: number;
  older: number;
  back: number;
  /** Least of the newest timestamps of the rows that are gone or older, microseconds. */
  firstMicros: number | undefined;
};

export type AnswerCounts = {
  partitions: number;
  rows: number;
  gone: number;
  older: number;
  back: number;
  /** Partitions of which anything differs. */
  keys: number;
  firstMicros: number | undefined;
};

/** Walks both in the order of their tokens; `each` is told of every partition that differs. @throws CorruptError */
export function* compareAnswers(
  setup: AnswerSetup,
  each: (difference: PartitionDifference) => void,
): Generator<number, AnswerCounts> {
  const counts: AnswerCounts = { partitions: 0, rows: 0, gone: 0, older: 0, back: 0, keys: 0, firstMicros: undefined };
  const all = [...setup.before, ...setup.after];
  if (all.length === 0) return counts;
  const { partitioner } = all[0]!;
  // one header for both, so that a column that only one state has is in the lines of both
  const inputs = all.map(({ descriptor: { id }, header, statistics: { stats } }) => ({ id, header, stats }));
  const header = outputHeader(inputs, setup.definition);
  const sourceOf = sourcesOf(setup, partitioner, header);
  const before = new Answers(setup.before, setup, partitioner, header, sourceOf);
  const after = new Answers(setup.after, setup, partitioner, header, sourceOf);
  let [hasBefore, hasAfter] = [before.next(), after.next()];
  while (hasBefore || hasAfter) {
    const order = !hasBefore ? 1 : !hasAfter ? -1 : before.compare(after);
    const difference = differ(order <= 0 ? before : undefined, order >= 0 ? after : undefined);
    counts.partitions++;
    counts.rows += order <= 0 ? before.rows.size : 0;
    if (difference) {
      counts.keys++;
      counts.gone += difference.gone;
      counts.older += difference.older;
      counts.back += difference.back;
      counts.firstMicros = least(counts.firstMicros, difference.firstMicros);
      each(difference);
    }
    if (order <= 0) hasBefore = before.next();
    if (order >= 0) hasAfter = after.next();
    if (counts.partitions % 256 === 0) yield counts.partitions;
  }
  return counts;
}

/** What a merge reads of an SSTable. */
type SourceOf = (sstable: SSTable) => MergeSource;

function sourcesOf(
  { keys, indexOf, definition, seekFactor = SEEK_FACTOR }: AnswerSetup,
  partitioner: Partitioner,
  header: SerializationHeader,
): SourceOf {
  const dropped = droppedTimes(definition);
  const wants =
    keys && ((key: Uint8Array) => keys.has(Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')));
  let ordered: Uint8Array[] | undefined;
  return (sstable) => {
    const map = columnMap(sstable.header, header, dropped);
    const partitions = histogramCount(sstable.statistics.stats.estimatedPartitionSize);
    if (!keys || partitions <= keys.size * seekFactor) {
      return new MergeSource(sstable.cursor(), map, partitioner, wants);
    }
    ordered ??= byToken(
      [...keys].map((key) => Buffer.from(key, 'latin1')),
      partitioner,
    );
    return new KeyedSource(sstable, map, indexOf(sstable), ordered);
  };
}

function differ(before: Answers | undefined, after: Answers | undefined): PartitionDifference | undefined {
  const difference = {
    key: (before ?? after)!.key,
    gone: 0,
    older: 0,
    back: 0,
    firstMicros: undefined as number | undefined,
  };
  for (const [name, row] of before?.rows ?? []) {
    const now = after?.rows.get(name);
    if (now?.hash === row.hash) continue;
    if (now) difference.older++;
    else difference.gone++;
    difference.firstMicros = least(difference.firstMicros, row.newestMicros);
  }
  for (const name of after?.rows.keys() ?? []) if (!before?.rows.has(name)) difference.back++;
  return difference.gone + difference.older + difference.back > 0 ? difference : undefined;
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || (b !== undefined && b < a) ? b : a;
}

type AnsweredRow = { readonly hash: string; readonly newestMicros: number | undefined };

const STATIC_ONLY = '';
const hash = new Int32Array(4);

/** The partitions of one state, of which something is answered, one after the other. */
class Answers implements MergeSink {
  key: Uint8Array = new Uint8Array(0);
  private token: Token | undefined;
  /** By clustering. */
  rows = new Map<string, AnsweredRow>();
  private readonly merge: PartitionMerge | undefined;
  private readonly text: RowText | undefined;
  private readonly setup: AnswerSetup;
  private readonly partitioner: Partitioner;
  private staticMicros: number | undefined;

  constructor(
    sstables: readonly SSTable[],
    setup: AnswerSetup,
    partitioner: Partitioner,
    header: SerializationHeader,
    sourceOf: SourceOf,
  ) {
    this.setup = setup;
    this.partitioner = partitioner;
    if (sstables.length === 0) return;
    const sources = sstables.map(sourceOf);
    this.text = setup.textOf(header);
    this.merge = new PartitionMerge({ sources, header });
  }

  /** Goes to the next partition that answers anything. */
  next(): boolean {
    if (!this.merge) return false;
    do {
      this.rows = new Map();
      if (!this.merge.next(this)) return false;
    } while (this.rows.size === 0);
    return true;
  }

  compare(other: Answers): number {
    const c = this.partitioner.compareTokens(this.token!, other.token!);
    return c !== 0 ? c : compareBytes(this.key, 0, this.key.length, other.key, 0, other.key.length);
  }

  startPartition({ cursor }: MergeSource): void {
    this.key = cursor.key.slice(0, cursor.keyLength);
    this.token = this.partitioner.tokenOf(this.key);
    this.text!.partition(this.key, this.key.length);
    this.staticMicros = undefined;
  }

  staticRow(row: RowBuffer): void {
    this.staticMicros = newest(row);
    this.text!.staticRow(row, this.isLive(row));
  }

  row(row: RowBuffer): void {
    if (this.isLive(row)) this.add(clusteringOf(row), this.text!.row(row), newest(row));
  }

  marker(): void {}

  endPartition(): void {
    this.add(STATIC_ONLY, this.text!.staticOnly(), this.staticMicros);
  }

  private add(name: string, line: Uint8Array | undefined, newestMicros: number | undefined): void {
    if (!line) return;
    murmur3(line, 0, line.length, hash);
    this.rows.set(name, { hash: hash.join(' '), newestMicros });
  }

  private isLive(row: RowBuffer): boolean {
    return hasLiveData(row, this.setup.nowSeconds, this.setup.isStrict && !row.isStatic);
  }
}

/** Clustering values, each with its length, so that no two rows have the same. */
function clusteringOf({ clusteringBuf, clusteringStart, clusteringEnd, clusteringSize }: RowBuffer): string {
  let text = 'c';
  for (let i = 0; i < clusteringSize; i++) {
    const start = clusteringStart[i]!;
    const end = clusteringEnd[i]!;
    text += start < 0 ? '-' : `${end - start}:${Buffer.from(clusteringBuf.subarray(start, end)).toString('latin1')}`;
  }
  return text;
}

/** Of its liveness and its cells; microseconds. */
function newest(row: RowBuffer): number | undefined {
  let micros = row.hasLiveness ? row.livenessHi * 4294967296 + (row.livenessLo >>> 0) : Number.NEGATIVE_INFINITY;
  for (let i = 0; i < row.cellCount; i++) {
    micros = Math.max(micros, row.cellHi[i]! * 4294967296 + (row.cellLo[i]! >>> 0));
  }
  return micros === Number.NEGATIVE_INFINITY ? undefined : micros;
}
