/** The cursor with which Data.db is read, and whatever else has the shape of a DataFile. */
import { Cursor } from '../bytes/cursor.js';
import type { DataFile } from './data-file.js';
import { COMPONENT } from './descriptor.js';

/**
 * A cursor that slides over a DataFile. Bytes from `mark` on (or from `pos`, where `mark` is -1) survive a fetch, at another index: keep
 * offsets relative to `mark`, or take them anew after `need`.
 */
export class DataCursor extends Cursor {
  private readonly data: DataFile;
  /** First index that a fetch must keep, or -1. */
  mark = -1;
  /** Absolute position at which the data ends for this cursor. */
  limit: number;
  /** Absolute position beyond which nothing is fetched for now: the end of a row whose bytes are all at hand. */
  fence = Number.POSITIVE_INFINITY;

  constructor(data: DataFile, position = 0, limit: number = data.length, component: string = COMPONENT.data) {
    super(
      new Uint8Array(Math.min(data.windowBytes, Math.max(64, limit - position))),
      { file: data.file, component },
      0,
      0,
      position,
    );
    this.data = data;
    this.limit = limit;
  }

  /** Whether nothing is left up to `limit`. */
  get atEnd(): boolean {
    return this.base + this.pos >= this.limit;
  }

  /** The window lies in `bytes`, as long as rows fit; to be told before anything is read. */
  useWindow(bytes: Uint8Array): void {
    this.home = bytes;
    this.buf = bytes;
    this.end = 0;
  }

  private home: Uint8Array | undefined;

  /** Whether the window is where {@link useWindow} wants it. */
  get isAtHome(): boolean {
    return this.buf === this.home;
  }

  /** Bytes that the window takes at first, and mostly. */
  get windowBytes(): number {
    return this.buf.length;
  }

  /** Whether there is more before `limit` than what is at hand. */
  get hasMore(): boolean {
    return this.base + this.end < this.limit;
  }

  /** Fetches more than is at hand from `pos` on; what is before it goes. @throws CorruptError */
  fetchMore(): void {
    this.mark = -1;
    this.fence = Number.POSITIVE_INFINITY;
    this.refill(this.end - this.pos + 1);
  }

  /** Continues at another position. */
  seek(position: number): void {
    const p = position - this.base;
    this.mark = -1;
    this.fence = Number.POSITIVE_INFINITY;
    if (p >= 0 && p <= this.end) {
      this.pos = p;
      return;
    }
    this.base = position;
    this.pos = 0;
    this.end = 0;
  }

  protected override refill(n: number): void {
    const left = Math.min(this.limit, this.fence) - this.base - this.pos;
    if (n > left) {
      throw this.corrupt('ends too early', { seen: `${Math.max(0, left)} bytes left`, expected: `${n} bytes` });
    }
    const keep = this.mark >= 0 ? this.mark : this.pos;
    const kept = this.end - keep;
    const needed = this.pos - keep + n;
    if (keep > 0) this.shiftTo(keep, needed);
    else if (needed > this.buf.length) this.shiftTo(0, needed);
    while (this.end - this.pos < n) {
      const at = this.base + this.end;
      const room = Math.min(this.buf.length - this.end, this.limit - at);
      const got = this.data.read(at, this.buf, this.end, Math.min(room, n - (this.end - this.pos)), room);
      if (got <= 0) throw this.corrupt('ends too early', { seen: `${kept} bytes left`, expected: `${n} bytes` });
      this.end += got;
    }
  }

  /** Moves the bytes from index `keep` to the front of a window of at least `needed` bytes. */
  private shiftTo(keep: number, needed: number): void {
    const { windowBytes } = this.data;
    if (needed > this.buf.length) {
      const next = new Uint8Array(Math.max(needed, Math.min(this.buf.length * 2, needed + windowBytes)));
      next.set(this.buf.subarray(keep, this.end));
      this.buf = next;
    } else if (
      this.home &&
      this.buf !== this.home &&
      this.end - keep <= this.home.length &&
      needed <= this.home.length
    ) {
      this.home.set(this.buf.subarray(keep, this.end));
      this.buf = this.home;
    } else if (this.buf.length > windowBytes * 8 && needed <= windowBytes) {
      const next = new Uint8Array(windowBytes); // a row of many megabytes is behind us
      if (this.end - keep > next.length) this.buf.copyWithin(0, keep, this.end);
      else {
        next.set(this.buf.subarray(keep, this.end));
        this.buf = next;
      }
    } else {
      this.buf.copyWithin(0, keep, this.end);
    }
    this.base += keep;
    this.pos -= keep;
    this.end -= keep;
    if (this.mark >= 0) this.mark -= keep;
  }
}
