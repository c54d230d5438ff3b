/**
 * Values as AbstractType.toCQLString of Cassandra 5.0 prints them: clusterings in `sstabledump -d`. Not for reading back: empty values are
 * `null` (but for text, ascii and blob), and UDTs and tuples end where their bytes end.
 */
import { maybeQuote } from '../cql/identifier.js';
import type { CqlType, NativeName } from '../cql/type.js';
import { NATIVE_TEXT } from '../cql/values/native-text.js';
import { countAt, elementLength, vectorWalker } from '../cql/values/structure.js';
import { checkAscii, writeCqlQuoted, writeHex } from '../cql/values/text.js';
import type { ValueWriter } from '../cql/values/value-writer.js';

const QUOTE = 0x27;
const QUOTED = new Set<NativeName>(['date', 'inet', 'time', 'timestamp']);

export function debugLiteralWriter(type: CqlType): ValueWriter {
  switch (type.kind) {
    case 'native':
      return type.className === 'LexicalUUIDType' ? writeBlob : nativeLiteral(type.name);
    case 'list':
      return elementsLiteral('[', ']', [debugLiteralWriter(type.element)]);
    case 'set':
      return elementsLiteral('{', '}', [debugLiteralWriter(type.element)]);
    case 'map':
      return elementsLiteral('{', '}', [debugLiteralWriter(type.key), debugLiteralWriter(type.value)]);
    case 'tuple':
      return fieldsLiteral('(', ')', type.elements, undefined);
    case 'udt': {
      const labels = type.fields.map((field) => `${maybeQuote(field.name)}: `);
      return fieldsLiteral(
        '{',
        '}',
        type.fields.map((field) => field.type),
        labels,
      );
    }
    case 'vector':
      return vectorLiteral(type);
    case 'reversed':
      return debugLiteralWriter(type.of);
    default:
      return writeBlob;
  }
}

function writeBlob(buf: Uint8Array, start: number, end: number, out: Parameters<ValueWriter>[3]): void {
  out.ascii('0x');
  writeHex(buf, start, end, out);
}

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
    default: {
      const writer = NATIVE_TEXT[name];
      const isQuoted = QUOTED.has(name);
      return (buf, start, end, out) => {
        if (start === end) {
          out.ascii('null');
          return;
        }
        if (isQuoted) out.u8(QUOTE);
        writer(buf, start, end, out);
        if (isQuoted) out.u8(QUOTE);
      };
    }
  }
}

/** One writer for lists and sets; two for maps, whose values follow a colon. */
function elementsLiteral(open: string, close: string, writers: readonly ValueWriter[]): ValueWriter {
  return (buf, start, end, out) => {
    const count = countAt('collection', buf, start, end);
    out.ascii(open);
    let at = start + 4;
    for (let i = 0; i < count; i++) {
      if (i > 0) out.ascii(', ');
      for (let j = 0; j < writers.length; j++) {
        if (j > 0) out.ascii(': ');
        const length = elementLength('collection', buf, at, end);
        at += 4;
        if (length < 0) out.ascii('null');
        else writers[j]!(buf, at, at + length, out);
        at += Math.max(length, 0);
      }
    }
    out.ascii(close);
  };
}

function fieldsLiteral(
  open: string,
  close: string,
  types: readonly CqlType[],
  labels: readonly string[] | undefined,
): ValueWriter {
  const writers = types.map(debugLiteralWriter);
  return (buf, start, end, out) => {
    out.ascii(open);
    let at = start;
    for (let i = 0; i < writers.length && at < end; i++) {
      const length = elementLength('tuple', buf, at, end);
      at += 4;
      if (i > 0) out.ascii(', ');
      if (labels) out.utf8(labels[i]!);
      if (length < 0) out.ascii('null');
      else writers[i]!(buf, at, at + length, out);
      at += Math.max(length, 0);
    }
    out.ascii(close);
  };
}

function vectorLiteral(type: Extract<CqlType, { kind: 'vector' }>): ValueWriter {
  const element = debugLiteralWriter(type.element);
  const walk = vectorWalker(type);
  return (buf, start, end, out) => {
    if (start === end) {
      out.ascii('null');
      return;
    }
    out.ascii('[');
    walk(buf, start, end, (index, bytes, from, to) => {
      if (index > 0) out.ascii(', ');
      element(bytes, from, to, out);
    });
    out.ascii(']');
  };
}
