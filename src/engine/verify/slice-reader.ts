/**
 * An SSTable verified by slices of its partitions, each for itself: on several threads at a time (`join-slices.ts` puts them together), or over several
 * nights.
 * Slice `i` of `n` has the partitions that begin in the `i`-th n-th of the plain Data.db, so that the slices have each partition once.
 *
 * Of a slice everything is held to what `verify-sstable.ts` holds the whole to, but for what only the whole tells: Digest.crc32, bits of Filter.db that no
 * key sets, and what Statistics.db counts.
 */
import { LsmctlError } from '../../bytes/errors.js';
import type { Storage } from '../../bytes/source.js';
import { componentPath } from '../../sstable/descriptor.js';
import { FilterBits } from '../../sstable/filter-bits.js';
import { type EstimatedHistogram, EstimatedHistogramBuilder } from '../../sstable/metadata/estimated-histogram.js';
import type { SSTableFiles } from '../sstable-directory.js';
import type { CheckedPart } from './checked-data.js';
import { countedOf, deepCheck } from './deep-check.js';
import { type Finding, FindingLog } from './finding.js';
import { BigIndexCursor, type IndexCursor } from './index-cursor.js';
import { LANE_BYTES } from './index-lane.js';
import { KeyCheck } from './key-check.js';
import { hasKnownOrder, isForeignWriter, openData, openIndex } from './opening.js';
import { type Parts, readParts } from './parts.js';
import type { Counted } from './statistics-check.js';
import { SummaryCheck } from './summary-check.js';
import type { VerifyOptions } from './verify-sstable.js';
import { walkData, walkIndex } from './walk.js';

export type Slice = { readonly index: number; readonly of: number };

/** What was seen of a slice. */
export type Gathered = {
  readonly slice: Slice;
  readonly findings: readonly Finding[];
  /** Every entry of the index leads where it should, every partition could be read. */
  readonly isSound: boolean;
  /** Its first partition, and the first one behind it, in the plain Data.db. */
  readonly start: number;
  readonly end: number;
  readonly partitions: number;
  readonly unread: number;
  readonly rows: number;
  readonly cells: number;
  readonly firstKey?: Uint8Array;
  readonly lastKey?: Uint8Array;
  readonly sizes: EstimatedHistogram;
  /** Keys of the index before the slice, as Summary.db samples them, and before what is behind it. */
  readonly keysBefore: number;
  readonly keysAfter: number;
  /** Samples of Summary.db that lead to those. */
  readonly samplesAfter: number;
  /** The chunks that begin in it. */
  readonly checked: CheckedPart;
  /** Of a deep check, from the rows. */
  readonly counted?: Counted;
};

/** What was seen of all slices of an SSTable, whoever took which. */
export type GatheredWhole = {
  readonly slices: readonly Gathered[];
  /** Of filters like Filter.db: the bits that the keys of all slices set, some in each. */
  readonly filters: readonly Uint8Array[];
};

/** See {@link SliceReader}. Reads the small components; what is wrong of those is told elsewhere. */
export function openSlices(
  storage: Storage,
  { descriptor, components }: SSTableFiles,
  options: VerifyOptions,
  keepsBits = false,
): SliceReader {
  const log = new FindingLog(componentPath(descriptor, '').slice(0, -1));
  return new SliceReader(storage, readParts(storage, descriptor, components, log), options, keepsBits);
}

/** Read at a time where one entry of Index.db is wanted. */
const SEARCH_BYTES = 1 << 10;

export class SliceReader {
  private readonly storage: Storage;
  private readonly parts: Parts;
  private readonly options: VerifyOptions;
  private readonly prefix: string;
  private readonly kept: FilterBits | undefined;

  /** @param keepsBits the filter's are not compared slice by slice, but had by {@link finishBits} */
  constructor(storage: Storage, parts: Parts, options: VerifyOptions, keepsBits = false) {
    this.storage = storage;
    this.options = options;
    this.prefix = componentPath(parts.descriptor, '').slice(0, -1);
    this.parts = parts;
    const { filter } = parts;
    if (keepsBits && filter) this.kept = new FilterBits(filter.bits.length / 8, filter.hashCount, LANE_BYTES);
  }

  /** The bits of Filter.db that the keys of all slices so far set; absent where they are not kept. Nothing is gathered any more. */
  finishBits(): Uint8Array | undefined {
    const bits = this.kept?.bits.slice();
    this.kept?.release();
    return bits;
  }

  /** `undefined` where the SSTable can't be taken by slices: its header, data or index can't be read. */
  async gather(slice: Slice): Promise<Gathered | undefined> {
    const { parts, storage, options } = this;
    const log = new FindingLog(this.prefix);
    const isDeep = options.level === 'deep';
    if (!parts.header || !parts.stats) return undefined;
    const data = await openData(storage, parts, isDeep, log);
    const index = openIndex(storage, parts, log);
    try {
      if (!data || !index) return undefined;
      const isForeign = isForeignWriter(parts);
      const summary = parts.summary && new SummaryCheck(parts.summary, parts, isForeign, log);
      const lower = Math.floor((data.length / slice.of) * slice.index);
      const end = slice.index + 1 === slice.of ? data.length : Math.floor((data.length / slice.of) * (slice.index + 1));
      const start = this.goTo(lower, data.length, index, summary);
      if (start === undefined) return undefined;
      data.takePart(lower, end);
      const keysBefore = summary?.state.keys ?? 0;
      const partitioner = hasKnownOrder(parts) ? parts.partitioner : undefined;
      const keys = new KeyCheck(partitioner, parts.filter, log, LANE_BYTES, this.kept);
      const sizes = new EstimatedHistogramBuilder(Math.min(parts.stats.estimatedPartitionSize.offsets.length, 1000));
      const { onPosition = () => {}, isSlow = false } = options;
      const range = { start, end: Math.max(start, end) };
      const walkParts = { parts, log, index, data, keys, summary, sizes, onPosition, hasLane: !isSlow, range };
      const deep = isDeep ? deepCheck(parts, options, log) : undefined;
      const walked = deep ? walkData(walkParts, deep) : walkIndex(walkParts);
      const position = slice.index + 1 === slice.of ? data.length : walked.position;
      const { deniesKeys } = keys.finish(false);
      if (deniesKeys) log.add('filter-denies', 'Filter.db says that keys are not here which are', { component: 'Filter.db', seen: 'some keys denied', expected: 'none' }); // biome-ignore format: one line
      const checked = data.finishPart(log);
      const findings = log.finish();
      const lastKey = keys.key.slice(0, keys.keyLength);
      const isSound = walked.indexIsSound && walked.keysAreComplete && walked.unread === 0 && findings.length === 0;
      return {
        slice,
        findings,
        isSound,
        start,
        end: position,
        partitions: keys.partitions,
        unread: walked.unread,
        rows: deep?.rows.rows ?? 0,
        cells: deep?.rows.cells ?? 0,
        ...(keys.firstKey && { firstKey: keys.firstKey, lastKey }),
        sizes: sizes.build(),
        keysBefore,
        keysAfter: summary?.state.keys ?? 0,
        samplesAfter: summary?.state.next ?? 0,
        checked,
        ...(deep && keys.firstKey && { counted: countedOf(parts, deep, keys.firstKey, lastKey) }),
      };
    } finally {
      data?.close();
      index?.close();
    }
  }

  /** Puts the index before the first partition at `lower` or behind, and returns where that is: `length` where there is none. */
  private goTo(
    lower: number,
    length: number,
    index: IndexCursor,
    summary: SummaryCheck | undefined,
  ): number | undefined {
    if (lower === 0) return 0;
    try {
      if (!(index instanceof BigIndexCursor)) {
        index.skipTo(lower);
        return index.dataPosition >= lower ? index.dataPosition : length;
      }
      const entries = this.parts.summary?.entries;
      const sample = this.sampleBefore(lower);
      index.resumeAt(entries?.at(sample)?.position ?? 0);
      const passed = index.skipTo(lower);
      const { nextPosition } = index;
      let next = sample;
      while (entries && next < entries.length && entries.position(next) < nextPosition) next++;
      summary?.resume({ next, keys: summary.keysBefore(sample) + passed });
      return index.dataPosition >= lower ? index.dataPosition : length;
    } catch (error) {
      if (!(error instanceof LsmctlError)) throw error;
      return undefined;
    }
  }

  /** The last sample of Summary.db that leads before `lower`, else 0. */
  private sampleBefore(lower: number): number {
    const entries = this.parts.summary?.entries;
    if (!entries) return 0;
    const index = new BigIndexCursor(this.storage, this.parts.descriptor, SEARCH_BYTES);
    try {
      let low = 0;
      let high = entries.length;
      while (low + 1 < high) {
        const middle = (low + high) >> 1;
        index.resumeAt(entries.position(middle));
        if (index.next() && index.dataPosition < lower) low = middle;
        else high = middle;
      }
      return low;
    } finally {
      index.close();
    }
  }
}
