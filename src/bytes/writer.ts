/** A growing byte buffer: the one way in which lsmctl makes bytes, text included (text as strings costs several times as much). */
import { hiOfDouble, loOfDouble } from './int64.js';

const POWERS = [1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000];

/** The digits of 00 to 99, as little-endian pairs. */
const PAIRS = new Uint16Array(100);
for (let i = 0; i < 100; i++) PAIRS[i] = (0x30 + ((i / 10) | 0)) | ((0x30 + (i % 10)) << 8);

/** Bytes up to which a loop costs less than a view on them for `set`. */
const SHORT_COPY = 128;

/** Bytes that a template is copied by at a time: two doubles. */
const STRIDE = 16;

/**
 * A fixed text that is written again and again, kept as doubles: eight bytes cost one store. No eight bytes of UTF-8 are the bits of a NaN
 * (which a store might change): that takes 0x7f or 0xff after a byte of 0xf0 or more.
 */
export class Template {
  /** Bytes. */
  readonly length: number;
  /** The text, filled up with zeros to whole strides. */
  readonly words: Float64Array;

  constructor(text: string) {
    const bytes = Buffer.from(text, 'utf8');
    this.length = bytes.length;
    const padded = Buffer.alloc(Math.max(1, Math.ceil(bytes.length / STRIDE)) * STRIDE);
    bytes.copy(padded);
    this.words = Float64Array.from({ length: padded.length / 8 }, (_, i) => padded.readDoubleLE(i * 8));
  }
}

export class ByteWriter {
  buf: Buffer;
  /** Over `buf`, for stores of several bytes; like that, another one after {@link reserve}. */
  words: DataView;
  /** Of `buf`: quicker to ask than its length. */
  private capacity: number;
  /** Bytes written. */
  pos = 0;

  constructor(capacity = 256) {
    this.buf = Buffer.allocUnsafe(capacity);
    this.capacity = capacity;
    this.words = new DataView(this.buf.buffer, this.buf.byteOffset, this.buf.length);
  }

  /** Goes on at the beginning of other memory. What was written is the caller's. */
  replace(buf: Buffer): void {
    this.buf = buf;
    this.capacity = buf.length;
    this.words = new DataView(buf.buffer, buf.byteOffset, buf.length);
    this.pos = 0;
  }

  /** Makes room for `n` more bytes. */
  reserve(n: number): void {
    if (this.capacity - this.pos < n) this.grow(n);
  }

  private grow(n: number): void {
    const { pos } = this;
    const next = Buffer.allocUnsafe(Math.max(this.buf.length * 2, pos + n));
    this.buf.copy(next, 0, 0, pos);
    this.replace(next);
    this.pos = pos;
  }

  /** The bytes written so far, as a view that the next write may overwrite. */
  view(): Buffer {
    return this.buf.subarray(0, this.pos);
  }

  /** The bytes written so far, as a copy. */
  toBytes(): Buffer {
    return Buffer.from(this.view());
  }

  toString(): string {
    return this.buf.toString('utf8', 0, this.pos);
  }

  u8(value: number): void {
    if (this.pos >= this.capacity) this.grow(1);
    this.buf[this.pos++] = value;
  }

  u16(value: number): void {
    this.reserve(2);
    this.buf[this.pos++] = value >>> 8;
    this.buf[this.pos++] = value;
  }

  i32(value: number): void {
    this.reserve(4);
    const b = this.buf;
    const p = this.pos;
    b[p] = value >>> 24;
    b[p + 1] = value >>> 16;
    b[p + 2] = value >>> 8;
    b[p + 3] = value;
    this.pos = p + 4;
  }

  i64(hi: number, lo: number): void {
    this.i32(hi);
    this.i32(lo);
  }

  i64FromNumber(value: number): void {
    this.i64(hiOfDouble(value), loOfDouble(value));
  }

  i64FromBigInt(value: bigint): void {
    this.reserve(8);
    this.buf.writeBigInt64BE(BigInt.asIntN(64, value), this.pos);
    this.pos += 8;
  }

  f64(value: number): void {
    this.reserve(8);
    this.buf.writeDoubleBE(value, this.pos);
    this.pos += 8;
  }

  /** Unsigned vint of a 64-bit pattern. */
  uvint64(hi: number, lo: number): void {
    this.reserve(9);
    const bits = hi !== 0 ? 64 - Math.clz32(hi) : 32 - Math.clz32(lo);
    // n bytes in all hold 7n bits (64 at n = 9)
    const size = bits <= 7 ? 1 : bits > 56 ? 9 : Math.ceil(bits / 7);
    const extra = size - 1;
    const b = this.buf;
    let p = this.pos + size - 1;
    let h = hi;
    let l = lo;
    for (let i = 0; i < size; i++) {
      b[p--] = l & 0xff;
      l = (l >>> 8) | (h << 24);
      h >>>= 8;
    }
    if (extra > 0) b[this.pos] = b[this.pos]! | (extra === 8 ? 0xff : ~(0xff >> extra) & 0xff);
    this.pos += size;
  }

  /** Unsigned vint of an integral double, 0 ≤ value ≤ 2^53. */
  uvint(value: number): void {
    if (value < 0x80) this.u8(value);
    else this.uvint64(hiOfDouble(value), loOfDouble(value));
  }

  /** Signed (zigzag) vint. */
  svint64(hi: number, lo: number): void {
    const sign = hi >> 31;
    this.uvint64(((hi << 1) | (lo >>> 31)) ^ sign, (lo << 1) ^ sign);
  }

  bytes(src: Uint8Array, start = 0, end = src.length): void {
    const n = end - start;
    this.reserve(n);
    const b = this.buf;
    let p = this.pos;
    if (n <= SHORT_COPY) {
      for (let i = start; i < end; i++) b[p++] = src[i]!;
    } else {
      b.set(start === 0 && end === src.length ? src : src.subarray(start, end), p);
    }
    this.pos += n;
  }

  template(template: Template): void {
    const { words: source } = template;
    let p = this.pos;
    const stop = p + template.length;
    if (stop + STRIDE > this.capacity) this.grow(template.length + STRIDE);
    const target = this.words;
    let i = 0;
    do {
      target.setFloat64(p, source[i]!, true);
      target.setFloat64(p + 8, source[i + 1]!, true);
      i += 2;
      p += STRIDE;
    } while (p < stop);
    this.pos = stop;
  }

  /** Text known to be ASCII. */
  ascii(text: string): void {
    const n = text.length;
    this.reserve(n);
    if (n < 24) {
      const b = this.buf;
      let p = this.pos;
      for (let i = 0; i < n; i++) b[p++] = text.charCodeAt(i);
      this.pos = p;
    } else {
      this.pos += this.buf.write(text, this.pos, n, 'latin1');
    }
  }

  /** Text as UTF-8; a lone surrogate becomes U+FFFD. */
  utf8(text: string): void {
    this.reserve(text.length * 3);
    this.pos += this.buf.write(text, this.pos, 'utf8');
  }

  /** Java's DataOutput.writeUTF. */
  javaUtf(text: string): void {
    const bytes = Buffer.from(text, 'utf8');
    this.u16(bytes.length);
    this.bytes(bytes);
  }

  /** Decimal text of an integral double, |value| ≤ 2^53. */
  decimal(value: number): void {
    this.reserve(20);
    let v = value;
    if (v < 0) {
      this.buf[this.pos++] = 0x2d;
      v = -v;
    }
    if (v >= 1e9) {
      const high = Math.floor(v / 1e9);
      this.decimal(high);
      this.padded(v - high * 1e9, 9);
      return;
    }
    let digits = 1;
    while (digits < 10 && v >= POWERS[digits]!) digits++;
    this.padded(v, digits);
  }

  /** Exactly `digits` (1–9) decimal digits of 0 ≤ value < 10^digits, zero-padded. */
  padded(value: number, digits: number): void {
    this.reserve(digits);
    const target = this.words;
    let p = this.pos + digits;
    const first = this.pos;
    this.pos = p;
    let v = value | 0;
    while (p - first >= 2) {
      const q = (v / 100) | 0;
      p -= 2;
      target.setUint16(p, PAIRS[v - q * 100]!, true);
      v = q;
    }
    if (p > first) this.buf[first] = 0x30 + v;
  }

  /** Decimal text of a signed 64-bit value. */
  decimal64(hi: number, lo: number): void {
    if (hi >= -0x200000 && hi < 0x200000) this.decimal(hi * 4294967296 + (lo >>> 0));
    else this.wideDecimal(hi, lo);
  }

  /** Decimal text of a signed 64-bit value beyond ±2^53, as quotient and remainder of 10^9. */
  private wideDecimal(hi: number, lo: number): void {
    let h = hi;
    let l = lo;
    if (hi < 0) {
      this.u8(0x2d);
      l = -l | 0;
      h = l === 0 ? -h | 0 : ~h;
    }
    // at most 1 off, below 2^34; the remainder's low 32 bits are exact and tell
    let quotient = Math.floor((h >>> 0) * 4.294967296 + (l >>> 0) / 1e9);
    let rest = (l - Math.imul(quotient | 0, 1e9)) | 0;
    if (rest < 0) {
      quotient--;
      rest += 1e9;
    } else if (rest >= 1e9) {
      quotient++;
      rest -= 1e9;
    }
    this.decimal(quotient);
    this.padded(rest, 9);
  }
}
