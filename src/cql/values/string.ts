/**
 * Values as AbstractType.getString prints them: partition keys, cell paths and the values of `--key`.
 *
 *   collections, vectors, counters, custom classes: hex. Tuples and UDTs: fields with `:` between, null is `@`, both escaped by a backslash
 *   inside a field; missing fields at the end are left out. Composites: components with `:` between, escaped likewise, and a `!` after a
 *   component that ends in a backslash or `!`; a bound ends in `:!` or `:_`. Dynamic composites: `alias@value` or `type text@value`.
 *
 * Empty values are no text. (Cassandra stops at the empty tinyint, smallint, date, time and duration, and at a timeuuid of another version
 * than 1; these are printed here.)
 */
import { ByteWriter } from '../../bytes/writer.js';
import type { CqlType } from '../type.js';
import { NATIVE_TEXT } from './native-text.js';
import { componentsOf, elementLength } from './structure.js';
import { writeHex } from './text.js';
import type { ValueWriter } from './value-writer.js';

const COLON = 0x3a;
const AT = 0x40;
const BACKSLASH = 0x5c;
const EXCLAMATION = 0x21;

export function stringWriter(type: CqlType): ValueWriter {
  switch (type.kind) {
    case 'native': {
      const writer = NATIVE_TEXT[type.name];
      return (buf, start, end, out) => {
        if (end > start) writer(buf, start, end, out);
      };
    }
    case 'reversed':
      return stringWriter(type.of);
    case 'tuple':
      return fieldsString(type.elements);
    case 'udt':
      return fieldsString(type.fields.map((field) => field.type));
    case 'composite':
    case 'dynamicComposite':
      return compositeString(type);
    default:
      return writeHex;
  }
}

function fieldsString(types: readonly CqlType[]): ValueWriter {
  const writers = types.map(stringWriter);
  const scratch = new ByteWriter();
  return (buf, start, end, out) => {
    let at = start;
    for (let i = 0; i < writers.length && at < end; i++) {
      if (i > 0) out.u8(COLON);
      const length = elementLength('tuple', buf, at, end);
      at += 4;
      if (length < 0) {
        out.u8(AT);
        continue;
      }
      scratch.pos = 0;
      writers[i]!(buf, at, at + length, scratch);
      writeEscaped(scratch, true, out);
      at += length;
    }
  };
}

function writeEscaped(text: ByteWriter, escapeAt: boolean, out: ByteWriter): void {
  for (let i = 0; i < text.pos; i++) {
    const byte = text.buf[i]!;
    if (byte === COLON || (escapeAt && byte === AT)) out.u8(BACKSLASH);
    out.u8(byte);
  }
}

function compositeString(type: Extract<CqlType, { kind: 'composite' | 'dynamicComposite' }>): ValueWriter {
  return (buf, start, end, out) => {
    componentsOf(type, buf, start, end).forEach((component, i) => {
      if (i > 0) out.u8(COLON);
      if (component.label !== undefined) out.utf8(`${component.label}@`);
      const text = new ByteWriter(component.end - component.start + 16);
      stringWriter(component.type)(buf, component.start, component.end, text);
      writeEscaped(text, false, out);
      const last = text.buf[text.pos - 1];
      if (text.pos > 0 && (last === BACKSLASH || last === EXCLAMATION)) out.u8(EXCLAMATION);
      if (component.endOfComponent !== 0) out.ascii(component.endOfComponent < 0 ? ':_' : ':!');
    });
  };
}
