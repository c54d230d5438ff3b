/**
 * Values as CQL that Cassandra reads back as the same bytes. Where Cassandra's own literal does not (empty values, addresses mapped from
 * IPv4, integers with needless leading bytes, booleans of another byte than 0 and 1), it is `blobAs<Type>(0x…)`, which 4.x and 5.x know; timestamps outside the years 1 to 9999 are
 * their milliseconds. Custom and composite types are written as blobs, which CQL takes for them. A counter is its total: what an UPDATE has to
 * add. Missing fields of UDTs are null, of tuples left out, unless all are missing. NaN loses its payload.
 */
import type { ByteWriter } from '../../bytes/writer.js';
import { maybeQuote } from '../identifier.js';
import type { CqlType, NativeName } from '../type.js';
import { durationOf, hasExactTimestampText } from './calendar.js';
import { decodeCounterContext } from './counter.js';
import { isMinimal } from './integers.js';
import { NATIVE_TEXT } from './native-text.js';
import { countAt, elementLength, presentLength, vectorWalker } from './structure.js';
import { checkAscii, isMappedIpv4, writeCqlQuoted, writeHex } from './text.js';
import { badValue, i32At, needLength, type ValueWriter } from './value-writer.js';

const QUOTE = 0x27;
const STAR = 0x2a;
const SLASH = 0x2f;

/**
 * How text stands in a literal. `plain`: in quotes as it is, line breaks included. `script`: text that a script of cqlsh would not bring over
 * unharmed (control characters, and what cqlsh takes for the marks of a comment even within quotes) as its bytes; the literal is one line.
 */
export type LiteralText = 'plain' | 'script';

export function cqlLiteralWriter(type: CqlType, text: LiteralText = 'plain'): ValueWriter {
  const of = (part: CqlType) => cqlLiteralWriter(part, text);
  switch (type.kind) {
    case 'native':
      if (text === 'script' && (type.name === 'text' || type.name === 'ascii')) return scriptText(type.name);
      return type.className === 'LexicalUUIDType' ? writeBlob : nativeLiteral(type.name);
    case 'list':
      return collectionLiteral('list', '[', ']', of(type.element));
    case 'set':
      return collectionLiteral('set', '{', '}', of(type.element));
    case 'map':
      return mapLiteral(of(type.key), of(type.value));
    case 'tuple':
      return fieldsLiteral('tuple', '(', ')', type.elements.map(of));
    case 'udt': {
      const labels = type.fields.map((field) => `${maybeQuote(field.name)}: `);
      return fieldsLiteral(
        'udt',
        '{',
        '}',
        type.fields.map((field) => of(field.type)),
        labels,
      );
    }
    case 'vector':
      return vectorLiteral(type, of(type.element));
    case 'reversed':
      return of(type.of);
    default:
      return writeBlob;
  }
}

function writeBlob(buf: Uint8Array, start: number, end: number, out: ByteWriter): void {
  out.ascii('0x');
  writeHex(buf, start, end, out);
}

function writeBlobAs(type: NativeName, buf: Uint8Array, start: number, end: number, out: ByteWriter): void {
  out.ascii(`blobAs${type[0]!.toUpperCase()}${type.slice(1)}(`);
  writeBlob(buf, start, end, out);
  out.u8(0x29);
}

/** Text as `'…'`, or as `blobAsText(0x…)` where it has control characters or the marks of a comment. */
function scriptText(name: 'text' | 'ascii'): ValueWriter {
  const quoted = nativeLiteral(name);
  return (buf, start, end, out) => {
    let i = start;
    while (i < end && isSafeIn(buf, i, end)) i++;
    if (i === end) quoted(buf, start, end, out);
    else writeBlobAs(name, buf, start, end, out);
  };
}

/** Whether what begins at `at` may stand in a script: no control character, no other line break of Unicode, no `/*` and its end. */
function isSafeIn(buf: Uint8Array, at: number, end: number): boolean {
  const byte = buf[at]!;
  if (byte < 0x20 || byte === 0x7f) return false;
  const next = at + 1 < end ? buf[at + 1]! : 0;
  if ((byte === STAR && next === SLASH) || (byte === SLASH && next === STAR)) return false;
  if (byte === 0xc2) return next > 0x9f; // U+0080 to U+009F
  return !(byte === 0xe2 && next === 0x80 && at + 2 < end && (buf[at + 2]! & 0xfe) === 0xa8); // U+2028, U+2029
}

/** The text form of non-empty values; anything that `isExact` refuses is written as bytes. */
function nativeLiteral(name: NativeName): ValueWriter {
  switch (name) {
    case 'text':
      return writeCqlQuoted;
    case 'ascii':
      return (buf, start, end, out) => {
        checkAscii(buf, start, end);
        writeCqlQuoted(buf, start, end, out);
      };
    case 'blob':
      return writeBlob;
    case 'empty':
      return (buf, start, end, out) => {
        if (end > start) throw badValue('empty', 'no bytes', buf, start, end, 'has bytes');
        out.ascii('null');
      };
    case 'counter':
      return (buf, start, end, out) => out.ascii(decodeCounterContext(buf, start, end).total.toString());
    case 'timestamp':
      return orBytes(name, (buf, start, end, out) => {
        needLength('timestamp', 8, buf, start, end);
        const hi = i32At(buf, start);
        const lo = i32At(buf, start + 4);
        if (hasExactTimestampText(hi, lo)) writeQuoted(NATIVE_TEXT.timestamp, buf, start, end, out);
        else out.decimal64(hi, lo);
      });
    case 'date':
    case 'time':
      return orBytes(name, (buf, start, end, out) => writeQuoted(NATIVE_TEXT[name], buf, start, end, out));
    case 'inet':
      return orBytes(name, (buf, start, end, out) => {
        if (end - start === 16 && isMappedIpv4(buf, start)) writeBlobAs(name, buf, start, end, out);
        else writeQuoted(NATIVE_TEXT.inet, buf, start, end, out);
      });
    case 'varint':
      return orBytes(name, (buf, start, end, out) => {
        if (isMinimal(buf, start, end)) NATIVE_TEXT.varint(buf, start, end, out);
        else writeBlobAs(name, buf, start, end, out);
      });
    case 'decimal':
      return orBytes(name, (buf, start, end, out) => {
        if (end - start > 4 && !isPrintableDecimal(buf, start, end)) writeBlobAs(name, buf, start, end, out);
        else NATIVE_TEXT.decimal(buf, start, end, out);
      });
    case 'boolean':
      return orBytes(name, (buf, start, end, out) => {
        if (end - start === 1 && buf[start]! > 1) writeBlobAs(name, buf, start, end, out);
        else NATIVE_TEXT.boolean(buf, start, end, out);
      });
    case 'duration':
      return orBytes(name, (buf, start, end, out) => {
        const { months, days, nanoseconds } = durationOf(buf, start, end);
        if (months === 0 && days === 0 && nanoseconds === 0n) out.ascii('0s');
        else NATIVE_TEXT.duration(buf, start, end, out);
      });
    default:
      return orBytes(name, NATIVE_TEXT[name]);
  }
}

/** Cassandra reads exponents of 32 bits; the digits before the point count too. */
function isPrintableDecimal(buf: Uint8Array, start: number, end: number): boolean {
  return isMinimal(buf, start + 4, end) && i32At(buf, start) > -2_147_000_000;
}

function orBytes(name: NativeName, writer: ValueWriter): ValueWriter {
  return (buf, start, end, out) => {
    if (end > start) writer(buf, start, end, out);
    else writeBlobAs(name, buf, start, end, out);
  };
}

function writeQuoted(writer: ValueWriter, buf: Uint8Array, start: number, end: number, out: ByteWriter): void {
  out.u8(QUOTE);
  writer(buf, start, end, out);
  out.u8(QUOTE);
}

function collectionLiteral(kind: string, open: string, close: string, element: ValueWriter): ValueWriter {
  return (buf, start, end, out) => {
    const count = countAt(kind, buf, start, end);
    out.ascii(open);
    let at = start + 4;
    for (let i = 0; i < count; i++) {
      if (i > 0) out.ascii(', ');
      const length = presentLength(kind, buf, at, end);
      element(buf, at + 4, at + 4 + length, out);
      at += 4 + length;
    }
    out.ascii(close);
  };
}

function mapLiteral(key: ValueWriter, value: ValueWriter): ValueWriter {
  return (buf, start, end, out) => {
    const count = countAt('map', buf, start, end);
    out.ascii('{');
    let at = start + 4;
    for (let i = 0; i < count; i++) {
      if (i > 0) out.ascii(', ');
      const keyLength = presentLength('map', buf, at, end);
      key(buf, at + 4, at + 4 + keyLength, out);
      at += 4 + keyLength;
      out.ascii(': ');
      const length = presentLength('map', buf, at, end);
      value(buf, at + 4, at + 4 + length, out);
      at += 4 + length;
    }
    out.ascii('}');
  };
}

function fieldsLiteral(
  kind: string,
  open: string,
  close: string,
  writers: readonly ValueWriter[],
  labels?: readonly string[],
): ValueWriter {
  return (buf, start, end, out) => {
    out.ascii(open);
    let at = start;
    for (let i = 0; i < writers.length; i++) {
      if (at === end && end > start && !labels) break;
      if (i > 0) out.ascii(', ');
      if (labels) out.utf8(labels[i]!);
      const length = at === end ? -1 : elementLength(kind, buf, at, end);
      if (at < end) at += 4;
      if (length < 0) {
        out.ascii('null');
      } else {
        writers[i]!(buf, at, at + length, out);
        at += length;
      }
    }
    if (at < end) throw badValue(kind, `${writers.length} fields`, buf, start, end, `has ${end - at} bytes too many`);
    out.ascii(close);
  };
}

function vectorLiteral(type: Extract<CqlType, { kind: 'vector' }>, element: ValueWriter): ValueWriter {
  const walk = vectorWalker(type);
  return (buf, start, end, out) => {
    out.ascii('[');
    walk(buf, start, end, (index, bytes, from, to) => {
      if (index > 0) out.ascii(', ');
      element(bytes, from, to, out);
    });
    out.ascii(']');
  };
}
