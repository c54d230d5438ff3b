/**
 * When Cassandra's compaction opens what it has of an SSTable of the BTI format (`sstable_preemptive_open_interval`). For that it gives the
 * branches of Partitions.db that it still holds places behind the file's end, which measures them anew: other branches may then be the largest,
 * and the file's pages come out otherwise. So whoever wants the same bytes measures at the same moments.
 *
 * An opening is due at the first partition that is more than the interval behind the last one. It waits until the three files are written as far
 * as they were then. Files are written in buffers, once another byte follows.
 */

export type EarlyOpeningOptions = {
  /** Bytes of plain data from one opening to the next. */
  readonly intervalBytes: number;
  /** Data.db is written in pieces of so many plain bytes: the length of its chunks, or where it isn't compressed, {@link BUFFER_BYTES}. */
  readonly dataBufferBytes: number;
};

/** `sstable_preemptive_open_interval` unless cassandra.yaml says otherwise. */
export const EARLY_OPENING_BYTES = 50 * 1024 * 1024;

/** Cassandra's buffer for a file. */
export const BUFFER_BYTES = 64 * 1024;

export class EarlyOpening {
  private readonly options: EarlyOpeningOptions;
  private openedAt = 0;
  /** How far the files must be written for the opening that waits; those of data, Rows.db and Partitions.db. */
  private isWaiting = false;
  private readonly wanted = new Float64Array(3);
  private readonly written = new Float64Array(3);
  private keys = 0;

  constructor(options: EarlyOpeningOptions) {
    this.options = options;
  }

  /** Whether one begins before the partition at `data`, when `keys` keys are in the trie and the indexes end at these positions. */
  begins(data: number, rows: number, partitions: number, keys: number): boolean {
    if (this.isWaiting || data - this.openedAt <= this.options.intervalBytes || keys === this.keys) return false;
    this.isWaiting = true;
    this.wanted[DATA] = data;
    this.wanted[ROWS] = rows;
    this.wanted[PARTITIONS] = partitions;
    this.keys = keys;
    return true;
  }

  /** Data.db has grown to `data` plain bytes. */
  dataAt(data: number): void {
    const { dataBufferBytes } = this.options;
    const written = flushed(data, dataBufferBytes);
    const wasMissing = this.isMissing(DATA);
    this.written[DATA] = written;
    if (!wasMissing || !this.isComplete()) return;
    this.open(Math.ceil(this.wanted[DATA]! / dataBufferBytes) * dataBufferBytes);
  }

  /** Rows.db has grown to `rows` bytes while Data.db was at `data`. */
  rowsAt(rows: number, data: number): void {
    this.written[ROWS] = flushed(rows, BUFFER_BYTES);
    if (this.isComplete()) this.open(data);
  }

  /** Partitions.db has grown to `partitions` bytes while Data.db was at `data`. */
  partitionsAt(partitions: number, data: number): void {
    this.written[PARTITIONS] = flushed(partitions, BUFFER_BYTES);
    if (this.isComplete()) this.open(data);
  }

  private isMissing(file: number): boolean {
    return this.written[file]! < this.wanted[file]!;
  }

  private isComplete(): boolean {
    return this.isWaiting && !this.isMissing(DATA) && !this.isMissing(ROWS) && !this.isMissing(PARTITIONS);
  }

  private open(data: number): void {
    this.isWaiting = false;
    this.openedAt = data;
  }
}

const DATA = 0;
const ROWS = 1;
const PARTITIONS = 2;

/** How much of a file of `position` bytes is written. */
function flushed(position: number, bufferBytes: number): number {
  return position === 0 ? 0 : Math.floor((position - 1) / bufferBytes) * bufferBytes;
}
