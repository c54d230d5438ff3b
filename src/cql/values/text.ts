/**
 * Text into other quotings, byte by byte and without strings.
 *
 * JSON as Cassandra's tools write it (Jackson, both `quoteAsString` and its generators): `"` `\` and the characters below 0x20 are escaped,
 * by their letter (b t n f r) or as \u00XX in upper-case hex; all else, 0x7f and non-ASCII included, is raw UTF-8. CQL: `'` is doubled.
 *
 * Valid UTF-8 is what Java's decoder takes: no surrogates (ED A0..BF), nothing overlong, nothing above U+10FFFF.
 */
import type { ByteWriter } from '../../bytes/writer.js';
import { badValue } from './value-writer.js';

const PLAIN = 0;
const NON_ASCII = 1;
const HEX = 2;
const LETTER = 3;

/** What to do with each byte in a JSON string. */
const JSON_CLASS = new Uint8Array(256);
/** The letter after the backslash. */
const JSON_LETTER = new Uint8Array(256);
for (let i = 0; i < 0x20; i++) JSON_CLASS[i] = HEX;
for (let i = 0x80; i < 0x100; i++) JSON_CLASS[i] = NON_ASCII;
for (const [char, letter] of Object.entries({
  '\b': 'b',
  '\t': 't',
  '\n': 'n',
  '\f': 'f',
  '\r': 'r',
  '"': '"',
  '\\': '\\',
})) {
  JSON_CLASS[char.charCodeAt(0)] = LETTER;
  JSON_LETTER[char.charCodeAt(0)] = letter.charCodeAt(0);
}
const UPPER_HEX = Buffer.from('0123456789ABCDEF', 'latin1');

/** Index after the UTF-8 sequence that begins at `at` with a byte above 0x7f; -1 where it is invalid. */
export function utf8SequenceEnd(buf: Uint8Array, at: number, end: number): number {
  const first = buf[at]!;
  if (first < 0xc2 || first > 0xf4) return -1;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (at + length > end) return -1;
  const second = buf[at + 1]!;
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return -1;
  for (let i = at + 2; i < at + length; i++) if ((buf[i]! & 0xc0) !== 0x80) return -1;
  return at + length;
}

/** Index of the first byte that is not valid UTF-8, or -1. */
export function invalidUtf8At(buf: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end) {
    if (buf[at]! < 0x80) {
      at++;
      continue;
    }
    const next = utf8SequenceEnd(buf, at, end);
    if (next < 0) return at;
    at = next;
  }
  return -1;
}

/** Index of the first byte that is not ASCII, or -1. */
export function nonAsciiAt(buf: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) if (buf[at]! >= 0x80) return at;
  return -1;
}

/** UTF-8 text as the inside of a JSON string. @throws CorruptError where it is not UTF-8 */
export function writeJsonEscaped(buf: Uint8Array, start: number, end: number, out: ByteWriter): void {
  let at = start;
  while (at < end) at = writeEscapedBlock(buf, start, at, end, out);
}

/** Text that is escaped at a time, so that a long one does not ask for six times its length. */
const BLOCK_BYTES = 1 << 14;

/** Bytes of text from which going through it four at a time pays. */
const WORTH_WORDS = 16;

let viewed: Uint8Array = new Uint8Array(0);
let view = new DataView(viewed.buffer);

/** A view of `buf`; values come from the same buffer most of the time. */
function viewOf(buf: Uint8Array): DataView {
  if (buf !== viewed) {
    viewed = buf;
    view = new DataView(buf.buffer, buf.byteOffset, buf.length);
  }
  return view;
}

/**
 * Whether one of four bytes is not {@link PLAIN}: its highest bit is set, or gets set by a borrow when 0x20 is taken from it, or when 1 is
 * taken from what is left of it without the bits of `"` or `\`.
 */
function hasSpecial(word: number): boolean {
  const quote = word ^ 0x22222222;
  const backslash = word ^ 0x5c5c5c5c;
  return ((word | (word - 0x20202020) | (quote - 0x01010101) | (backslash - 0x01010101)) & 0x80808080) !== 0;
}

/** Escapes from `from` on; returns where it stopped, between two characters. `start` is the value's, for errors. */
function writeEscapedBlock(buf: Uint8Array, start: number, from: number, end: number, out: ByteWriter): number {
  const stop = end - from > BLOCK_BYTES ? from + BLOCK_BYTES : end;
  out.reserve((stop - from) * 6 + 4);
  const target = out.buf;
  const { words } = out;
  let pos = out.pos;
  let at = from;
  while (at < stop) {
    if (stop - at >= WORTH_WORDS) {
      const source = viewOf(buf);
      for (; at + 4 <= stop; at += 4) {
        const word = source.getInt32(at, true);
        if (hasSpecial(word)) break;
        words.setInt32(pos, word, true);
        pos += 4;
      }
    } else {
      while (at < stop && JSON_CLASS[buf[at]!] === PLAIN) target[pos++] = buf[at++]!;
    }
    if (at >= stop) break;
    const byte = buf[at]!;
    const kind = JSON_CLASS[byte]!;
    if (kind === PLAIN) {
      target[pos++] = byte;
      at++;
    } else if (kind === NON_ASCII) {
      do {
        const next = utf8SequenceEnd(buf, at, end);
        if (next < 0) throw badValue('text', 'UTF-8', buf, start, end, `is not UTF-8 at byte ${at - start}`);
        while (at < next) target[pos++] = buf[at++]!;
      } while (at < stop && buf[at]! >= 0x80);
    } else {
      pos = writeJsonEscape(byte, target, pos);
      at++;
    }
  }
  out.pos = pos;
  return at;
}

function writeJsonEscape(byte: number, target: Uint8Array, at: number): number {
  target[at] = 0x5c;
  if (JSON_CLASS[byte] === LETTER) {
    target[at + 1] = JSON_LETTER[byte]!;
    return at + 2;
  }
  target[at + 1] = 0x75;
  target[at + 2] = 0x30;
  target[at + 3] = 0x30;
  target[at + 4] = UPPER_HEX[byte >> 4]!;
  target[at + 5] = UPPER_HEX[byte & 15]!;
  return at + 6;
}

/** UTF-8 text as it is. @throws CorruptError where it is not UTF-8 */
export function writeText(buf: Uint8Array, start: number, end: number, out: ByteWriter): void {
  const bad = invalidUtf8At(buf, start, end);
  if (bad >= 0) throw badValue('text', 'UTF-8', buf, start, end, `is not UTF-8 at byte ${bad - start}`);
  out.bytes(buf, start, end);
}

/** @throws CorruptError where it is not ASCII */
export function checkAscii(buf: Uint8Array, start: number, end: number): void {
  const bad = nonAsciiAt(buf, start, end);
  if (bad >= 0) throw badValue('ascii', 'ASCII', buf, start, end, `is not ASCII at byte ${bad - start}`);
}

/** UTF-8 text as a CQL string literal. @throws CorruptError where it is not UTF-8 */
export function writeCqlQuoted(buf: Uint8Array, start: number, end: number, out: ByteWriter): void {
  const bad = invalidUtf8At(buf, start, end);
  if (bad >= 0) throw badValue('text', 'UTF-8', buf, start, end, `is not UTF-8 at byte ${bad - start}`);
  out.reserve((end - start) * 2 + 2);
  const target = out.buf;
  let pos = out.pos;
  target[pos++] = 0x27;
  for (let at = start; at < end; at++) {
    const byte = buf[at]!;
    target[pos++] = byte;
    if (byte === 0x27) target[pos++] = byte;
  }
  target[pos++] = 0x27;
  out.pos = pos;
}

/** Two lower-case hex digits of each byte, the first in the low eight bits. */
const HEX_PAIRS = new Uint16Array(256);
for (let i = 0; i < 256; i++) HEX_PAIRS[i] = Buffer.from(i.toString(16).padStart(2, '0'), 'latin1').readUInt16LE();

/** Two lower-case hex digits a byte. */
export function writeHex(buf: Uint8Array, start: number, end: number, out: ByteWriter): void {
  out.reserve((end - start) * 2);
  const { words } = out;
  let pos = out.pos;
  for (let at = start; at < end; at++) {
    words.setUint16(pos, HEX_PAIRS[buf[at]!]!, true);
    pos += 2;
  }
  out.pos = pos;
}

const DASH = 0x2d;

/** Sixteen bytes as 8-4-4-4-12 hex digits. */
export function writeUuid(buf: Uint8Array, at: number, out: ByteWriter): void {
  out.reserve(36);
  const { words } = out;
  let pos = out.pos;
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) words.setUint8(pos++, DASH);
    words.setUint16(pos, HEX_PAIRS[buf[at + i]!]!, true);
    pos += 2;
  }
  out.pos = pos;
}

/** An address as Java's getHostAddress: IPv4 dotted (also where it is mapped into IPv6), IPv6 as eight hex groups without `::`. */
export function writeInet(buf: Uint8Array, start: number, end: number, out: ByteWriter): void {
  const length = end - start;
  if (length !== 4 && length !== 16) throw badValue('inet', '4 or 16 bytes', buf, start, end, 'has the wrong length');
  if (length === 4 || isMappedIpv4(buf, start)) {
    for (let at = end - 4; at < end; at++) {
      if (at > end - 4) out.u8(0x2e);
      out.decimal(buf[at]!);
    }
    return;
  }
  for (let at = start; at < end; at += 2) {
    if (at > start) out.u8(0x3a);
    out.ascii(((buf[at]! << 8) | buf[at + 1]!).toString(16));
  }
}

/** Whether 16 bytes are ::ffff:a.b.c.d. */
export function isMappedIpv4(buf: Uint8Array, start: number): boolean {
  for (let i = 0; i < 10; i++) if (buf[start + i] !== 0) return false;
  return buf[start + 10] === 0xff && buf[start + 11] === 0xff;
}
