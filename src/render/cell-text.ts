/**
 * Values as people and spreadsheets read them: text as it is, numbers, uuids and times as CQL prints them without quotes, blobs `0x…`,
 * counters their total; what holds other values (collections, tuples, UDTs, vectors) as its CQL literal. An empty value is no text.
 */
import type { CqlType } from '../cql/type.js';
import { decodeCounterContext } from '../cql/values/counter.js';
import { cqlLiteralWriter } from '../cql/values/cql-literal.js';
import { NATIVE_TEXT } from '../cql/values/native-text.js';
import { stringWriter } from '../cql/values/string.js';
import { writeHex } from '../cql/values/text.js';
import type { ValueWriter } from '../cql/values/value-writer.js';

export function cellTextWriter(type: CqlType): ValueWriter {
  switch (type.kind) {
    case 'native':
      return nativeText(type.name);
    case 'reversed':
      return cellTextWriter(type.of);
    case 'composite':
    case 'dynamicComposite':
      return stringWriter(type);
    case 'custom':
      return type.of ? cellTextWriter(type.of) : writeBlob;
    default: {
      const literal = cqlLiteralWriter(type);
      return (buf, start, end, out) => {
        if (end > start) literal(buf, start, end, out);
      };
    }
  }
}

const writeBlob: ValueWriter = (buf, start, end, out) => {
  out.ascii('0x');
  writeHex(buf, start, end, out);
};

function nativeText(name: keyof typeof NATIVE_TEXT): ValueWriter {
  if (name === 'blob') return writeBlob;
  const writer: ValueWriter =
    name === 'counter'
      ? (buf, start, end, out) => out.ascii(decodeCounterContext(buf, start, end).total.toString())
      : NATIVE_TEXT[name];
  return (buf, start, end, out) => {
    if (end > start) writer(buf, start, end, out);
  };
}

const NUMBERS = new Set(['bigint', 'counter', 'decimal', 'double', 'float', 'int', 'smallint', 'tinyint', 'varint']);

/** Whether values are numbers, which tables set to the right. */
export function isNumber(type: CqlType): boolean {
  if (type.kind === 'reversed') return isNumber(type.of);
  return type.kind === 'native' && NUMBERS.has(type.name);
}
