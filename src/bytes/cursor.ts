/**
 * A cursor over bytes that may be hostile. Every read checks what is left first; a short read becomes a `CorruptError` that names the file,
 * the component and the offset. Integers are big-endian, as everywhere in Cassandra.
 *
 * vint (unsigned): the number of leading one bits of the first byte is the number of bytes that follow (0–8); the remaining bits of the
 * first byte and the bytes that follow are the value, big-endian. Signed vints are zigzag over that.
 */
import { CorruptError, type ErrorFacts } from './errors.js';

const TWO32 = 4294967296;
const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export type CursorContext = { readonly file?: string; readonly component?: string };

export class Cursor {
  buf: Uint8Array;
  /** Index in `buf` of the next byte. */
  pos: number;
  /** Index in `buf` after the last byte at hand. */
  end: number;
  /** Absolute position of `buf[0]` in the file (or in its uncompressed form). */
  base: number;
  /** Halves of the last 64-bit read, see `int64.ts`. */
  hi = 0;
  lo = 0;
  readonly context: CursorContext;

  constructor(buf: Uint8Array, context: CursorContext = {}, pos = 0, end = buf.length, base = 0) {
    this.buf = buf;
    this.pos = pos;
    this.end = end;
    this.base = base;
    this.context = context;
  }

  /** Absolute position of the next byte. */
  get offset(): number {
    return this.base + this.pos;
  }

  /** Bytes that can be read before the end of the data, as far as known without fetching. */
  get left(): number {
    return this.end - this.pos;
  }

  /** Makes at least `n` bytes contiguous from `pos`. @throws CorruptError when the data ends before */
  need(n: number): void {
    if (this.end - this.pos < n) this.refill(n);
  }

  /** Called when fewer than `n` bytes are at hand. Streaming cursors fetch; a cursor over a whole component can only fail. */
  protected refill(n: number): void {
    throw this.corrupt('ends too early', { seen: `${this.left} bytes left`, expected: `${n} bytes` });
  }

  corrupt(message: string, facts: ErrorFacts = {}): CorruptError {
    return new CorruptError(message, { ...this.context, offset: this.offset, ...facts });
  }

  skip(n: number): void {
    this.need(n);
    this.pos += n;
  }

  u8(): number {
    if (this.pos >= this.end) this.refill(1);
    return this.buf[this.pos++]!;
  }

  bool(): boolean {
    return this.u8() !== 0;
  }

  i8(): number {
    return (this.u8() << 24) >> 24;
  }

  u16(): number {
    if (this.end - this.pos < 2) this.refill(2);
    const b = this.buf;
    const p = this.pos;
    this.pos = p + 2;
    return (b[p]! << 8) | b[p + 1]!;
  }

  i16(): number {
    return (this.u16() << 16) >> 16;
  }

  i32(): number {
    if (this.end - this.pos < 4) this.refill(4);
    const b = this.buf;
    const p = this.pos;
    this.pos = p + 4;
    return (b[p]! << 24) | (b[p + 1]! << 16) | (b[p + 2]! << 8) | b[p + 3]!;
  }

  u32(): number {
    return this.i32() >>> 0;
  }

  /** Reads eight bytes into `hi` and `lo`. */
  i64(): void {
    this.hi = this.i32();
    this.lo = this.i32();
  }

  /** Eight bytes as a double. @throws CorruptError beyond ±2^53: no length, count or position of a real file is that large */
  i64AsNumber(): number {
    this.i64();
    if (this.hi < -0x200000 || this.hi >= 0x200000) {
      throw this.corrupt('64-bit number out of range', { offset: this.offset - 8, seen: this.i64Last().toString() });
    }
    return this.hi * TWO32 + (this.lo >>> 0);
  }

  i64AsBigInt(): bigint {
    this.i64();
    return this.i64Last();
  }

  private i64Last(): bigint {
    return (BigInt(this.hi) << 32n) | BigInt(this.lo >>> 0);
  }

  f32(): number {
    this.need(4);
    const view = new DataView(this.buf.buffer, this.buf.byteOffset + this.pos, 4);
    this.pos += 4;
    return view.getFloat32(0);
  }

  f64(): number {
    this.need(8);
    const view = new DataView(this.buf.buffer, this.buf.byteOffset + this.pos, 8);
    this.pos += 8;
    return view.getFloat64(0);
  }

  /** Unsigned vint into `hi` and `lo` (as a 64-bit pattern; the top bit makes `hi` negative). */
  uvint64(): void {
    const first = this.u8();
    if (first < 0x80) {
      this.hi = 0;
      this.lo = first;
      return;
    }
    const extra = Math.clz32(~(first << 24));
    if (this.end - this.pos < extra) this.refill(extra);
    const b = this.buf;
    let p = this.pos;
    this.pos = p + extra;
    let hi = 0;
    let lo = extra < 8 ? first & (0xff >> extra) : 0;
    for (let i = 0; i < extra; i++) {
      hi = (hi << 8) | (lo >>> 24);
      lo = (lo << 8) | b[p++]!;
    }
    this.hi = hi;
    this.lo = lo;
  }

  /** Unsigned vint as a double. @throws CorruptError above 2^53 */
  uvint(): number {
    if (this.pos < this.end) {
      const first = this.buf[this.pos]!;
      if (first < 0x80) {
        this.pos++;
        return first;
      }
    }
    const at = this.offset;
    this.uvint64();
    if (this.hi < 0 || this.hi >= 0x200000) throw this.corrupt('vint out of range', { offset: at });
    return this.hi * TWO32 + (this.lo >>> 0);
  }

  /** Unsigned vint that must fit a non-negative int32, such as a length or a count. */
  uvint32(): number {
    const at = this.offset;
    const n = this.uvint();
    if (n > 0x7fffffff) throw this.corrupt('vint out of int range', { offset: at, seen: n });
    return n;
  }

  /** Signed (zigzag) vint into `hi` and `lo`. */
  svint64(): void {
    this.uvint64();
    const sign = -(this.lo & 1);
    const lo = (this.lo >>> 1) | (this.hi << 31);
    const hi = this.hi >>> 1;
    this.hi = hi ^ sign;
    this.lo = lo ^ sign;
  }

  svintAsBigInt(): bigint {
    this.svint64();
    return this.i64Last();
  }

  /** A view (no copy) of the next `n` bytes; valid until the cursor fetches again. */
  view(n: number): Uint8Array {
    if (n < 0) throw this.corrupt('negative length', { seen: n });
    this.need(n);
    const start = this.pos;
    this.pos = start + n;
    return this.buf.subarray(start, start + n);
  }

  /** A copy of the next `n` bytes. */
  bytes(n: number): Uint8Array {
    return this.view(n).slice();
  }

  /** The next `n` bytes as UTF-8. @throws CorruptError when they are not */
  utf8(n: number): string {
    const at = this.offset;
    const bytes = this.view(n);
    try {
      return utf8Decoder.decode(bytes);
    } catch {
      throw this.corrupt('text that is not UTF-8', { offset: at });
    }
  }

  /** Java's DataOutput.writeUTF: u16 length, then UTF-8 (the modified form differs only beyond the BMP and for NUL, which no name here has). */
  javaUtf(): string {
    return this.utf8(this.u16());
  }

  /** A count of items that take at least `minBytesEach`: refused when they can't fit in what is left (whole-component cursors only). */
  count(n: number, minBytesEach: number, what: string): number {
    if (n < 0 || n * minBytesEach > this.left) {
      throw this.corrupt(`count of ${what} exceeds what is left`, {
        seen: n,
        expected: `at most ${Math.floor(this.left / minBytesEach)}`,
      });
    }
    return n;
  }

  /** @throws CorruptError unless everything was read */
  expectEnd(): void {
    if (this.left > 0) throw this.corrupt('unexpected bytes at the end', { seen: `${this.left} bytes` });
  }
}
