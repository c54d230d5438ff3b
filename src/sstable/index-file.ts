/**
 * Index.db (BIG), all keys in the order of the SSTable:
 *
 *   u16 key length, key | row index entry (row-index-entry.ts)
 *
 * It may be as large as memory: it is read in blocks, and look-ups begin where Summary.db says.
 */
import type { CursorContext } from '../bytes/cursor.js';
import { CorruptError } from '../bytes/errors.js';
import type { ByteSource, Storage } from '../bytes/source.js';
import { SourceCursor } from '../bytes/source-cursor.js';
import type { ByteWriter } from '../bytes/writer.js';
import type { CqlType } from '../cql/type.js';
import { COMPONENT, componentPath, type Descriptor } from './descriptor.js';
import {
  compareDecorated,
  type DecoratedKey,
  decorate,
  type Partitioner,
  placeInRange,
  type TokenRange,
} from './partitioner.js';
import { openPromotedIndex, type PromotedIndex, writeRowIndexEntry } from './row-index-entry.js';
import { floorEntry, type IndexSummary } from './summary.js';
import type { SummaryEntry } from './summary-entries.js';
import type { Version } from './version.js';

/** How much of Index.db a look-up reads at a time: an interval of the summary, as a rule. */
const LOOKUP_BYTES = 1 << 13;
/** How much at a time where many entries are read. */
const SCAN_BYTES = 1 << 16;

export type IndexEntry = {
  readonly key: Uint8Array;
  /** Position of this entry in Index.db. */
  readonly position: number;
  /** Position of the partition in the plain Data.db. */
  readonly dataPosition: number;
  /** Where the promoted index lies in Index.db; empty where there is none. */
  readonly promotedStart: number;
  readonly promotedEnd: number;
};

export class IndexFile {
  readonly file: string;
  /** Bytes of Index.db. */
  readonly size: number;
  private readonly source: ByteSource;
  private readonly version: Version;
  private readonly clusteringTypes: readonly CqlType[];
  private readonly context: CursorContext;

  constructor(source: ByteSource, version: Version, clusteringTypes: readonly CqlType[]) {
    this.file = source.path;
    this.size = source.size;
    this.source = source;
    this.version = version;
    this.clusteringTypes = clusteringTypes;
    this.context = { file: source.path, component: COMPONENT.index };
  }

  /** Entries from that of position `start` (where one must begin) to position `end`. @throws CorruptError */
  *entries(start = 0, end = this.size, blockBytes = SCAN_BYTES, mostBytes = blockBytes): Generator<IndexEntry> {
    const cursor = new SourceCursor(this.source, this.context, 0, this.size, blockBytes, mostBytes);
    cursor.seek(start);
    while (cursor.offset < end) yield readEntry(cursor);
  }

  /** Shows every key, as `bytes[start, end)` of an array that is reused, and takes nothing else apart. @returns how many. @throws CorruptError */
  visitKeys(visit: (bytes: Uint8Array, start: number, end: number) => void): number {
    const cursor = new SourceCursor(this.source, this.context, 0, this.size);
    let count = 0;
    for (; cursor.offset < this.size; count++) {
      const length = cursor.u16();
      cursor.need(length);
      visit(cursor.buf, cursor.pos, cursor.pos + length);
      cursor.pos += length;
      cursor.uvint();
      cursor.skip(cursor.uvint32());
    }
    return count;
  }

  /** The entry of `key`, sought from where `summary` says; without one, from the beginning. */
  find(partitioner: Partitioner, key: DecoratedKey, summary?: IndexSummary): IndexEntry | undefined {
    const sample =
      summary &&
      floorEntry(summary.entries, ({ key: k }) => compareDecorated(partitioner, decorate(partitioner, k), key) <= 0);
    for (const entry of this.entriesFrom(sample, summary ? LOOKUP_BYTES : SCAN_BYTES)) {
      const c = compareDecorated(partitioner, decorate(partitioner, entry.key), key);
      if (c === 0) return entry;
      if (c > 0) return undefined;
    }
    return undefined;
  }

  /** Entries whose tokens lie in the range. */
  *entriesInRange(partitioner: Partitioner, range: TokenRange, summary?: IndexSummary): Generator<IndexEntry> {
    if (!range.from && !range.to) {
      yield* this.entries();
      return;
    }
    for (const entry of this.entriesFrom(rangeStart(partitioner, range, summary), LOOKUP_BYTES, SCAN_BYTES)) {
      const place = placeInRange(partitioner, partitioner.tokenOf(entry.key), range);
      if (place > 0) return;
      if (place === 0) yield entry;
    }
  }

  /** Entries from the one that the summary's sample is of, else from the beginning. @throws CorruptError where the summary does not fit */
  private *entriesFrom(
    sample: SummaryEntry | undefined,
    blockBytes: number,
    mostBytes = blockBytes,
  ): Generator<IndexEntry> {
    const entries = this.entries(sample?.position ?? 0, this.size, blockBytes, mostBytes);
    if (sample) yield this.sampled(entries, sample);
    yield* entries;
  }

  private sampled(entries: Generator<IndexEntry>, sample: SummaryEntry): IndexEntry {
    let cause: unknown;
    try {
      const entry = entries.next();
      if (!entry.done && Buffer.compare(entry.value.key, sample.key) === 0) return entry.value;
    } catch (error) {
      cause = error;
    }
    const file = this.file.replace(COMPONENT.index, COMPONENT.summary);
    const facts = {
      file,
      component: COMPONENT.summary,
      seen: sample.position,
      partition: Buffer.from(sample.key).toString('hex'),
    };
    throw new CorruptError('does not fit Index.db: the key is not where it says', facts, { cause });
  }

  /** The promoted index of an entry; `undefined` where it has none. @throws CorruptError */
  promotedIndex({ promotedStart, promotedEnd }: IndexEntry): PromotedIndex | undefined {
    if (promotedEnd === promotedStart) return undefined;
    return openPromotedIndex(this.source, promotedStart, promotedEnd, this.version, this.clusteringTypes, this.context);
  }

  close(): void {
    this.source.close();
  }
}

/** @throws UsageError (missing file) */
export function openIndexFile(
  storage: Storage,
  descriptor: Descriptor,
  clusteringTypes: readonly CqlType[],
): IndexFile {
  const source = storage.open(componentPath(descriptor, COMPONENT.index));
  return new IndexFile(source, descriptor.version, clusteringTypes);
}

function rangeStart(partitioner: Partitioner, { from }: TokenRange, summary?: IndexSummary): SummaryEntry | undefined {
  if (!from || !summary) return undefined;
  return floorEntry(summary.entries, ({ key }) => partitioner.compareTokens(partitioner.tokenOf(key), from.token) < 0);
}

function readEntry(cursor: SourceCursor): IndexEntry {
  const position = cursor.offset;
  const key = cursor.bytes(cursor.u16());
  const dataPosition = cursor.uvint();
  const promotedLength = cursor.uvint32();
  const promotedStart = cursor.offset;
  cursor.skip(promotedLength);
  return { key, position, dataPosition, promotedStart, promotedEnd: promotedStart + promotedLength };
}

/** Appends an entry; `promoted` as {@link writeRowIndexEntry} takes it. */
export function writeIndexEntry(out: ByteWriter, key: Uint8Array, dataPosition: number, promoted?: Uint8Array): void {
  out.u16(key.length);
  out.bytes(key);
  writeRowIndexEntry(out, dataPosition, promoted);
}
