/** Values against what Cassandra 5.0.9 said of them, recorded by test/oracle/record-cql-values.mjs. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { LsmctlError } from '../../../src/bytes/errors.js';
import { ByteWriter } from '../../../src/bytes/writer.js';
import { marshalTypeName, parseMarshalType } from '../../../src/cql/marshal.js';
import { cqlTypeName, fixedLength, isMultiCell } from '../../../src/cql/type-facts.js';
import { cqlLiteralWriter } from '../../../src/cql/values/cql-literal.js';
import { writeDouble, writeFloat } from '../../../src/cql/values/floating-point.js';
import { jsonWriter, quotedStringWriter } from '../../../src/cql/values/json.js';
import { parseCqlLiteral } from '../../../src/cql/values/parse-literal.js';
import { parseValue } from '../../../src/cql/values/parse-value.js';
import { stringWriter } from '../../../src/cql/values/string.js';
import { toJs } from '../../../src/cql/values/to-js.js';
import { validateValue } from '../../../src/cql/values/validate.js';
import type { ValueWriter } from '../../../src/cql/values/value-writer.js';

type Value = [
  'value',
  type: string,
  hex: string,
  json: string | null,
  string: string | null,
  literal: string | null,
  literalBytes: string | null,
  isValid: boolean,
];
type Text = ['string' | 'literal', type: string, text: string, hex: string | null];
type Facts = ['type', text: string, [name: string, cqlName: string, fixedLength: number, isMultiCell: boolean]];
type Float = ['float', hex: string, text: string];

const lines = gunzipSync(readFileSync(new URL('../../golden/cql-values.jsonl.gz', import.meta.url)))
  .toString()
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Value | Text | Facts | Float);
const values = lines.filter((line): line is Value => line[0] === 'value');
const texts = lines.filter((line): line is Text => line[0] === 'string' || line[0] === 'literal');
const types = lines.filter((line): line is Facts => line[0] === 'type');
const floats = lines.filter((line): line is Float => line[0] === 'float');

/** What `work` returns, or null where it refuses; any other error is a failure. */
function attempt<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (error instanceof LsmctlError && error.code !== 'INVARIANT') return null;
    throw error;
  }
}

/** The bytes stand amid others, so that a writer that reads beyond them is found out. */
function written(writer: ValueWriter, hex: string): string | null {
  const bytes = Buffer.concat([Buffer.from('fefdfc', 'hex'), Buffer.from(hex, 'hex'), Buffer.from('fbfafe', 'hex')]);
  const out = new ByteWriter(1);
  out.ascii('<');
  return attempt(() => {
    writer(bytes, 3, bytes.length - 3, out);
    return out.toString().slice(1);
  });
}

/** Where lsmctl knows better: bytes that Cassandra's own readers would stop at, though its validation passes them or fails to look. */
const STRICTER = new Set([
  'UTF8Type c080', // a NUL in two bytes, surrogates, and beyond Unicode: its decoder stops at them
  'UTF8Type eda080',
  'UTF8Type edbfbf',
  'UTF8Type f4908080',
  'DecimalType 00000000', // a scale without a number
  'FrozenType(ListType(Int32Type)) ffffffff', // -1 elements
  'CounterColumnType ', // it takes counters for longs here
  'CounterColumnType 00',
]);
const isCounterOrOrder = (type: string) => type === 'CounterColumnType' || type.startsWith('PartitionerDefinedOrder');

const typeTexts = [...new Set(values.map(([, type]) => type))];

describe.each(typeTexts)('%s', (text) => {
  const type = parseMarshalType(text);
  const mine = values.filter((line) => line[1] === text);

  it('prints JSON as sstabledump', () => {
    const writer = jsonWriter(type);
    for (const [, , hex, json, , , , isValid] of mine) {
      const ours = written(writer, hex);
      // of invalid bytes it prints something made of a part of them; these may be refused
      const mayRefuse = !isValid || STRICTER.has(`${text} ${hex}`);
      if (json !== null && !(mayRefuse && ours === null)) expect([hex, ours]).toEqual([hex, json]);
    }
  });

  it('prints the text of keys and paths', () => {
    for (const [, , hex, , string, , , isValid] of mine) {
      if (string === null || !isValid) continue;
      expect([hex, written(stringWriter(type), hex)]).toEqual([hex, string]);
      expect(JSON.parse(written(quotedStringWriter(type), hex!) ?? 'null')).toBe(string);
    }
  });

  it('tells valid from invalid', () => {
    if (isCounterOrOrder(text)) return;
    for (const [, , hex, , , , , isValid] of mine) {
      const reason = validateValue(type, Buffer.from(hex, 'hex'), 0, hex.length / 2);
      expect([hex, reason === undefined]).toEqual([hex, isValid && !STRICTER.has(`${text} ${hex}`)]);
    }
  });

  it('prints CQL that reads back as the same bytes', () => {
    for (const [, , hex, , , literal, back, isValid] of mine) {
      const ours = written(cqlLiteralWriter(type), hex);
      if (back === hex) expect(ours).toBe(literal);
      else if (isValid && ours !== null && !ours.includes('null') && !isCounterOrOrder(text)) {
        // Cassandra has no way to take such a value
        if (text === 'LegacyTimeUUIDType') continue;
        expect([ours, parseCqlLiteral(type, ours).toString('hex')]).toEqual([ours, hex]);
      }
    }
  });

  it('becomes JavaScript, or is refused', () => {
    for (const [, , hex, , , , , isValid] of mine) {
      const value = attempt(() => JSON.stringify(toJs(type, Buffer.from(hex, 'hex'))));
      if (isValid && !STRICTER.has(`${text} ${hex}`)) expect([hex, value]).not.toEqual([hex, null]);
    }
  });
});

describe('text to values', () => {
  it.each(['string', 'literal'] as const)('%s', (kind) => {
    const parse = kind === 'string' ? parseValue : parseCqlLiteral;
    const seen = texts
      .filter(([line]) => line === kind)
      .map(([, type, text, hex]) => {
        return [type, text, hex, attempt(() => parse(parseMarshalType(type), text).toString('hex'))];
      });
    expect(seen.filter((line) => line[2] !== line[3])).toEqual([]);
  });
});

describe('types', () => {
  it.each(types)('%s %s', (_kind, text, [name, cqlName, length, multiCell]) => {
    const type = parseMarshalType(text);
    expect([cqlTypeName(type), fixedLength(type), isMultiCell(type)]).toEqual([cqlName, length, multiCell]);
    expect(marshalTypeName(type)).toBe(name);
    expect(parseMarshalType(name)).toEqual(type);
  });
});

describe('floating point', () => {
  it.each([16, 8])('%i hex digits print as in Java', (digits) => {
    const out = new ByteWriter();
    const wrong: string[][] = [];
    const mine = floats.filter(([, hex]) => hex.length === digits);
    for (const [, hex, text] of mine) {
      const bytes = Buffer.from(hex, 'hex');
      out.pos = 0;
      if (digits === 16) writeDouble(bytes.readDoubleBE(), out);
      else writeFloat(bytes.readFloatBE(), out);
      if (out.toString() !== text) wrong.push([hex, text, out.toString()]);
    }
    expect(mine.length).toBeGreaterThan(2500);
    expect(wrong).toEqual([]);
  });
});
