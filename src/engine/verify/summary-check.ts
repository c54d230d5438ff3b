/**
 * Summary.db against Index.db, entry by entry as the index is walked: each sample stands where it says, with its key; at the full sampling level
 * each interval-th key is there.
 */
import { COMPONENT, componentPath } from '../../sstable/descriptor.js';
import { BASE_SAMPLING_LEVEL, type IndexSummary } from '../../sstable/summary.js';
import type { SummaryEntries } from '../../sstable/summary-entries.js';
import type { FindingLog } from './finding.js';
import { hexOf, sameBytes } from './index-cursor.js';
import type { Parts } from './parts.js';

export type SummaryState = { readonly next: number; readonly keys: number };

export class SummaryCheck {
  private readonly summary: IndexSummary;
  private readonly log: FindingLog;
  private readonly file: string;
  private readonly interval: number;
  private next = 0;
  private keys = 0;

  constructor(summary: IndexSummary, { descriptor }: Parts, isForeign: boolean, log: FindingLog) {
    this.summary = summary;
    this.log = log;
    this.file = componentPath(descriptor, COMPONENT.summary);
    // thinned summaries and Scylla's, which samples by bytes, have no interval to hold them to
    const isFull = summary.samplingLevel === BASE_SAMPLING_LEVEL && !isForeign;
    this.interval = isFull ? Math.max(summary.minIndexInterval, 0) : 0;
  }

  /** What its header says by itself. */
  checkHeader(): void {
    const { samplingLevel, minIndexInterval, sizeAtFullSampling, entries } = this.summary;
    if (samplingLevel < 1 || samplingLevel > BASE_SAMPLING_LEVEL)
      this.tell('impossible sampling level', samplingLevel, `1 to ${BASE_SAMPLING_LEVEL}`);
    if (minIndexInterval < 1) this.tell('impossible interval', minIndexInterval, '1 or more');
    if (sizeAtFullSampling < entries.length)
      this.tell('size at full sampling', sizeAtFullSampling, `at least ${entries.length}`);
  }

  /** Whether samples are of each n-th key. */
  get hasInterval(): boolean {
    return this.interval > 0;
  }

  /** Where it stands: the sample that comes next, and how many keys there were. */
  get state(): SummaryState {
    return { next: this.next, keys: this.keys };
  }

  /** Each so many-th key is sampled; 0 where samples have no interval. */
  get keysASample(): number {
    return this.interval;
  }

  get entries(): SummaryEntries {
    return this.summary.entries;
  }

  /** Goes on as if so many keys had been told. */
  resume({ next, keys }: SummaryState): void {
    this.next = next;
    this.keys = keys;
  }

  /** How many keys of Index.db stand before sample `i`; 0 where samples have no interval, and nothing is held to it. */
  keysBefore(i: number): number {
    return this.interval * i;
  }

  /** How many entries are certain to be none that is sampled, as far as the interval tells. */
  get ahead(): number {
    if (this.interval === 0 || this.next >= this.summary.entries.length) return Number.POSITIVE_INFINITY;
    const rest = this.keys % this.interval;
    return rest === 0 ? 0 : this.interval - rest;
  }

  /** Where in Index.db the next sample says that it is. */
  get nextPosition(): number {
    const { entries } = this.summary;
    return this.next < entries.length ? entries.position(this.next) : Number.POSITIVE_INFINITY;
  }

  /** `count` entries that are none of those. */
  pass(count: number): void {
    this.keys += count;
  }

  /** The next entry of Index.db, at `position`. */
  entry(position: number, key: Uint8Array, length: number): void {
    const index = this.keys++;
    const sample = this.summary.entries.at(this.next);
    const isDue = this.interval > 0 && index % this.interval === 0;
    if (!sample || sample.position > position) {
      if (isDue && sample) this.tell(`entry ${this.next} does not stand for key ${index}`, sample.position, position);
      return;
    }
    if (sample.position < position) {
      this.tell(`entry ${this.next} points between entries of Index.db`, sample.position, position);
      while (this.nextPosition < position) this.next++;
      return;
    }
    this.next++;
    if (sample.key.length !== length || !sameBytes(sample.key, key, length)) {
      this.log.add('summary', `entry ${this.next - 1} has another key than Index.db at its position`, {
        component: COMPONENT.summary,
        file: this.file,
        seen: `0x${hexOf(sample.key, sample.key.length)}`,
        expected: `0x${hexOf(key, length)}`,
      });
    } else if (this.interval > 0 && !isDue) {
      this.tell(
        `entry ${this.next - 1} stands for key ${index}, between two that are sampled`,
        index,
        index - (index % this.interval),
      );
    }
  }

  /** After the last entry; the keys are those of the data. */
  finish(firstKey: Uint8Array | undefined, lastKey: Uint8Array): void {
    const { summary } = this;
    if (this.next < summary.entries.length) {
      this.tell(
        `entry ${this.next} points behind Index.db`,
        summary.entries.position(this.next),
        'a position in Index.db',
      );
    }
    const isEnd = (name: string, seen: Uint8Array, expected: Uint8Array) => {
      if (Buffer.compare(seen, expected) === 0) return;
      this.log.add('key-range', `${name} key of Summary.db is not that of the data`, {
        component: COMPONENT.summary,
        file: this.file,
        seen: `0x${hexOf(seen, seen.length)}`,
        expected: `0x${hexOf(expected, expected.length)}`,
      });
    };
    if (firstKey) {
      isEnd('first', summary.firstKey, firstKey);
      isEnd('last', summary.lastKey, lastKey);
    }
    if (this.interval === 0) return;
    const expected = Math.ceil(this.keys / this.interval);
    if (summary.entries.length !== expected)
      this.tell('has another number of entries', summary.entries.length, expected);
    else if (summary.sizeAtFullSampling !== expected)
      this.tell('size at full sampling', summary.sizeAtFullSampling, expected);
  }

  private tell(message: string, seen: number, expected: number | string): void {
    this.log.add('summary', message, { component: COMPONENT.summary, file: this.file, seen, expected });
  }
}
