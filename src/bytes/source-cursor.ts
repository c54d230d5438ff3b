/** A cursor that reads a file in blocks: for components that may be larger than memory. */
import { Cursor, type CursorContext } from './cursor.js';
import type { ByteSource } from './source.js';

export class SourceCursor extends Cursor {
  private readonly source: ByteSource;
  private blockBytes: number;
  private readonly mostBytes: number;
  /** Absolute position where reading stops. */
  private readonly limit: number;

  /** @param mostBytes where it is more than `blockBytes`, each block is twice as large as the one before, up to this */
  constructor(
    source: ByteSource,
    context: CursorContext,
    start = 0,
    limit = source.size,
    blockBytes = 1 << 16,
    mostBytes = blockBytes,
  ) {
    super(new Uint8Array(Math.min(blockBytes, Math.max(limit - start, 0))), context, 0, 0, start);
    this.source = source;
    this.blockBytes = blockBytes;
    this.mostBytes = mostBytes;
    this.limit = limit;
  }

  /** Bytes until the limit, fetched or not. */
  override get left(): number {
    return this.limit - this.base - this.pos;
  }

  /** Goes to an absolute position, without reading where it is at hand. @throws CorruptError beyond the limit */
  seek(position: number): void {
    if (position < 0 || position > this.limit) {
      throw this.corrupt('position is outside of the file', { seen: position, expected: `at most ${this.limit}` });
    }
    if (position >= this.base && position <= this.base + this.end) {
      this.pos = position - this.base;
      return;
    }
    this.base = position;
    this.pos = 0;
    this.end = 0;
  }

  override skip(n: number): void {
    if (n <= this.end - this.pos) this.pos += n;
    else if (n > this.left) this.need(n);
    else this.seek(this.offset + n);
  }

  protected override refill(n: number): void {
    if (n > this.left) super.refill(n);
    const kept = this.end - this.pos;
    const wanted = Math.min(Math.max(n, this.blockBytes), this.left);
    this.blockBytes = Math.min(this.blockBytes * 2, this.mostBytes);
    const target = wanted > this.buf.length ? new Uint8Array(wanted) : this.buf;
    target.set(this.buf.subarray(this.pos, this.end));
    this.base += this.pos;
    this.pos = 0;
    this.end = kept;
    this.buf = target;
    this.end += this.source.read(this.base + kept, target, kept, wanted - kept);
    // the file was cut since it was opened
    if (this.end < n) super.refill(n);
  }
}
