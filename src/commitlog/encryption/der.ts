/**
 * ASN.1 in DER (and BER's indefinite lengths, which some PKCS12 writers use):
 *
 *   element   u8 tag | length: u8 below 0x80, or 0x80 + n and n bytes, or 0x80: up to two zero bytes | content
 *
 * Tags used here: 0x02 integer, 0x04 octets, 0x06 object id, 0x30 sequence, 0x31 set, 0x1e BMP string, 0xa0 and 0x80 context 0 (with elements, or
 * bare), 0x24 octets in pieces.
 */
import { Cursor, type CursorContext } from '../../bytes/cursor.js';

export type Der = {
  readonly tag: number;
  readonly content: Uint8Array;
  /** The element's own bytes, with tag and length. */
  readonly bytes: Uint8Array;
  readonly context: CursorContext;
};

const MAX_DEPTH = 24;

/** The element at the start of `bytes`. @throws CorruptError */
export function readDer(bytes: Uint8Array, context: CursorContext = {}): Der {
  return readElement(new Cursor(bytes, context), 0);
}

/** The elements that `of` is made of. @throws CorruptError */
export function derChildren(of: Der): Der[] {
  const c = new Cursor(of.content, of.context);
  const children: Der[] = [];
  while (c.left > 0) children.push(readElement(c, 0));
  return children;
}

function readElement(c: Cursor, depth: number): Der {
  if (depth > MAX_DEPTH) throw c.corrupt('ASN.1 is nested too deeply');
  const start = c.pos;
  const tag = c.u8();
  if ((tag & 0x1f) === 0x1f) throw c.corrupt('ASN.1 tag that is not known', { seen: tag });
  const first = c.u8();
  if (first === 0x80) {
    const from = c.pos;
    let end = c.pos;
    for (;;) {
      c.need(2);
      if (c.buf[c.pos] === 0 && c.buf[c.pos + 1] === 0) break;
      readElement(c, depth + 1);
      end = c.pos;
    }
    c.skip(2);
    return { tag, content: c.buf.subarray(from, end), bytes: c.buf.subarray(start, c.pos), context: c.context };
  }
  let length = first;
  if (first > 0x80) {
    if (first > 0x84) throw c.corrupt('ASN.1 length is out of range', { seen: first });
    length = 0;
    for (let i = first & 0x7f; i > 0; i--) length = length * 256 + c.u8();
  }
  const content = c.view(length);
  return { tag, content, bytes: c.buf.subarray(start, c.pos), context: c.context };
}

/** The one of `children` at `index`, with the tag that belongs there. @throws CorruptError */
export function derChild(of: Der, index: number, tag: number): Der {
  const child = derChildren(of)[index];
  if (child?.tag === tag) return child;
  const c = new Cursor(of.content, of.context);
  throw c.corrupt('ASN.1 element is another than expected', { seen: child?.tag ?? 'none', expected: tag });
}

/** A small non-negative integer. @throws CorruptError */
export function derInteger(of: Der): number {
  const { content } = of;
  const c = new Cursor(content, of.context);
  if (of.tag !== 2 || content.length === 0 || content.length > 4 || content[0]! >= 0x80) {
    throw c.corrupt('ASN.1 integer is out of range', { seen: content.length });
  }
  return content.reduce((value, byte) => value * 256 + byte, 0);
}

/** An object id in dots. @throws CorruptError */
export function derObjectId(of: Der): string {
  const c = new Cursor(of.content, of.context);
  if (of.tag !== 6 || of.content.length === 0) throw c.corrupt('no ASN.1 object id', { seen: of.tag });
  const parts: number[] = [];
  while (c.left > 0) {
    let part = 0;
    let byte: number;
    do {
      byte = c.u8();
      part = part * 128 + (byte & 0x7f);
      if (!Number.isSafeInteger(part)) throw c.corrupt('ASN.1 object id is out of range');
    } while (byte & 0x80);
    parts.push(part);
  }
  const [first, ...rest] = parts;
  const top = Math.min(2, Math.floor(first! / 40));
  return [top, first! - top * 40, ...rest].join('.');
}

/** Octets, of one piece or several. @throws CorruptError */
export function derOctets(of: Der): Uint8Array {
  if ((of.tag & 0x20) === 0) return of.content;
  return Buffer.concat(derChildren(of).map(derOctets));
}
