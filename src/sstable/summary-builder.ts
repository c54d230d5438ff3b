/**
 * The sample of Index.db that becomes Summary.db: the first key and each `interval`-th after it (Cassandra's IndexSummaryBuilder at the full
 * sampling level, the only one at which SSTables are written).
 */
import { InvariantError } from '../bytes/errors.js';
import { BASE_SAMPLING_LEVEL, type NewIndexSummary } from './summary.js';
import { POSITION_BYTES, type SummaryEntry } from './summary-entries.js';

const MAX_SIZE = 0x7fffffff;
/** Cassandra's cassandra.index_summary_expected_key_size. */
const EXPECTED_KEY_BYTES = 64;

/** A table's min_index_interval, or the least at which a summary of as many keys is expected to stay below 2 GiB. */
export function summaryInterval(expectedKeys: number, minIndexInterval: number): number {
  const entryBytes = EXPECTED_KEY_BYTES + POSITION_BYTES;
  if (Math.floor(expectedKeys / minIndexInterval) * entryBytes <= MAX_SIZE) return minIndexInterval;
  return Math.ceil((expectedKeys * entryBytes) / MAX_SIZE);
}

export class SummaryBuilder {
  private readonly interval: number;
  private readonly entries: SummaryEntry[] = [];
  private entriesBytes = 0;
  private keys = 0;
  private nextSample = 0;
  private lastKey = new Uint8Array(64);
  private lastKeyLength = 0;

  /** For an SSTable of about `expectedKeys` keys, of a table with this min_index_interval. */
  constructor(expectedKeys: number, minIndexInterval: number) {
    this.interval = summaryInterval(expectedKeys, minIndexInterval);
  }

  /** The next key of the SSTable is `key[0, length)`, the caller's; its entry begins at `position` of Index.db. */
  add(key: Uint8Array, length: number, position: number): void {
    if (this.keys === this.nextSample) this.sample(key, length, position);
    this.keys++;
    this.keepLast(key, length);
  }

  /** As many keys, at least one; `at` tells of those that are asked for. */
  addMany(count: number, at: (i: number) => SummaryEntry): void {
    for (let next = this.nextSample; next < this.keys + count; next = this.nextSample) {
      const { key, position } = at(next - this.keys);
      this.sample(key, key.length, position);
      if (this.nextSample === next) break; // full
    }
    this.keys += count;
    const { key } = at(count - 1);
    this.keepLast(key, key.length);
  }

  private keepLast(key: Uint8Array, length: number): void {
    if (length > this.lastKey.length) this.lastKey = new Uint8Array(length * 2);
    const { lastKey } = this;
    for (let i = 0; i < length; i++) lastKey[i] = key[i]!;
    this.lastKeyLength = length;
  }

  private sample(key: Uint8Array, length: number, position: number): void {
    const bytes = length + POSITION_BYTES;
    if (this.entriesBytes + bytes > MAX_SIZE) return; // full: the rest of the SSTable is not covered
    this.entriesBytes += bytes;
    this.entries.push({ key: new Uint8Array(key.subarray(0, length)), position });
    this.nextSample += this.interval;
  }

  /** @throws InvariantError without any key: there is no such SSTable */
  build(): NewIndexSummary {
    const first = this.entries[0];
    if (!first) throw new InvariantError('summary of an SSTable without partitions');
    return {
      minIndexInterval: this.interval,
      samplingLevel: BASE_SAMPLING_LEVEL,
      sizeAtFullSampling: Math.ceil(this.keys / this.interval),
      entries: this.entries,
      firstKey: first.key,
      lastKey: this.lastKey.slice(0, this.lastKeyLength),
    };
  }
}
