/** What no recorded answer says: counters, values as JavaScript, escapes, and bytes that are hostile. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CorruptError, LsmctlError, UsageError } from '../../../src/bytes/errors.js';
import { ByteWriter } from '../../../src/bytes/writer.js';
import { parseMarshalType } from '../../../src/cql/marshal.js';
import { decodeCounterContext, hasLegacyShards } from '../../../src/cql/values/counter.js';
import { cqlLiteralWriter } from '../../../src/cql/values/cql-literal.js';
import { jsonWriter, quotedStringWriter } from '../../../src/cql/values/json.js';
import { parseCqlLiteral } from '../../../src/cql/values/parse-literal.js';
import { parseValue } from '../../../src/cql/values/parse-value.js';
import { stringWriter } from '../../../src/cql/values/string.js';
import { writeJsonEscaped } from '../../../src/cql/values/text.js';
import { toJs } from '../../../src/cql/values/to-js.js';
import { validateValue } from '../../../src/cql/values/validate.js';
import type { ValueWriter } from '../../../src/cql/values/value-writer.js';

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const text = (writer: ValueWriter, value: Uint8Array) => {
  const out = new ByteWriter();
  writer(value, 0, value.length, out);
  return out.toString();
};
const js = (type: string, hex: string) => toJs(parseMarshalType(type), bytes(hex));

const ID = '00112233445566778899aabbccddeeff';
const shard = (clock: number, count: number) => {
  const body = Buffer.alloc(16);
  body.writeBigInt64BE(BigInt(clock), 0);
  body.writeBigInt64BE(BigInt(count), 8);
  return ID + body.toString('hex');
};

describe('counter contexts', () => {
  it('say of each shard whether it is global, local or remote', () => {
    const { shards, total } = decodeCounterContext(
      bytes(`0002 8000 0001 ${shard(1, 5)} ${shard(2, -7)} ${shard(3, 100)}`),
    );
    expect(total).toBe(98n);
    expect(shards.map(({ clock, count, kind }) => [clock, count, kind])).toEqual([
      [1n, 5n, 'global'],
      [2n, -7n, 'local'],
      [3n, 100n, 'remote'],
    ]);
    expect(shards[0]!.id).toBe('00112233-4455-6677-8899-aabbccddeeff');
  });

  it('may ask for their local shards to be cleared', () => {
    expect(decodeCounterContext(bytes(`ffff 0000 ${shard(1, 5)}`)).shards[0]!.kind).toBe('local');
  });

  it.each([
    ['global shards', `0002 8000 8001 ${shard(1, 5)} ${shard(2, 7)}`, false],
    ['a local shard', `0002 8000 0001 ${shard(1, 5)} ${shard(2, 7)}`, true],
    ['a remote shard', `0001 8000 ${shard(1, 5)} ${shard(2, 7)}`, true],
    ['local shards to be cleared', `ffff 0000 ${shard(1, 5)}`, true],
    ['no shards', '0000', false],
  ])('of %s: legacy %#', (_, hex, isLegacy) => {
    const context = bytes(hex);
    const placed = Uint8Array.of(0xee, ...context, 0xee);
    expect(hasLegacyShards(placed, 1, placed.length - 1)).toBe(isLegacy);
  });

  it.each(['', '00', '0002 8000'])('whether %s has legacy shards is refused', (hex) => {
    const context = bytes(hex);
    expect(() => hasLegacyShards(context, 0, context.length)).toThrow(CorruptError);
  });

  it.each([
    ['', 'ends in its header'],
    ['0002 8000', 'ends in its header'],
    [`0001 8000 ${ID}`, 'ends within a shard'],
    [`0001 8001 ${shard(1, 1)}`, 'names shard 1'],
  ])('%s is refused', (hex, message) => {
    expect(() => decodeCounterContext(bytes(hex))).toThrow(CorruptError);
    expect(() => decodeCounterContext(bytes(hex))).toThrow(message);
  });

  it('print their total as a literal, and what sstabledump takes for it as JSON', () => {
    const value = bytes(`0001 8000 ${shard(1, -5)}`);
    expect(text(cqlLiteralWriter(parseMarshalType('CounterColumnType')), value)).toBe('-5');
    expect(text(jsonWriter(parseMarshalType('CounterColumnType')), value)).toBe('422212466188851');
    expect(js('CounterColumnType', `0001 8000 ${shard(1, -5)}`)).toEqual({
      total: -5,
      shards: [{ id: '00112233-4455-6677-8899-aabbccddeeff', clock: 1, count: -5, kind: 'global' }],
    });
  });
});

describe('values as JavaScript', () => {
  it.each([
    ['Int32Type', 'ffffffff', -1],
    ['Int32Type', '', ''],
    ['LongType', '001fffffffffffff', 9007199254740991],
    ['LongType', '0020000000000000', '9007199254740992'],
    ['IntegerType', 'ff', -1],
    ['DecimalType', '00000002 0096', '1.50'],
    ['DoubleType', '3ff8000000000000', 1.5],
    ['DoubleType', '7ff8000000000000', 'NaN'],
    ['DoubleType', '8000000000000000', '-0.0'],
    ['FloatType', '3dcccccd', 0.1],
    ['BooleanType', '01', true],
    ['UTF8Type', '6122', 'a"'],
    ['BytesType', 'cafe', '0xcafe'],
    ['BytesType', '', '0x'],
    ['InetAddressType', '00000000000000000000ffff01020304', '::ffff:1.2.3.4'],
    ['DurationType', '000000', '0s'],
    ['TimestampType', '0000018bcfe56800', '2023-11-14T22:13:20.000Z'],
    ['TimestampType', '7fffffffffffffff', { millis: '9223372036854775807' }],
    ['SimpleDateType', '80000000', '1970-01-01'],
    ['TimeUUIDType', '00112233445546778899aabbccddeeff', '00112233-4455-4677-8899-aabbccddeeff'],
    ['FrozenType(ListType(Int32Type))', '00000001 00000004 00000007', [7]],
    ['FrozenType(MapType(UTF8Type,Int32Type))', '00000001 00000001 61 00000004 00000007', { a: 7 }],
    ['FrozenType(MapType(Int32Type,Int32Type))', '00000001 00000004 00000001 00000004 00000007', [[1, 7]]],
    ['TupleType(Int32Type,Int32Type,Int32Type)', '00000004 00000001 ffffffff', [1, null, null]],
    ['FrozenType(UserType(ks,74,61:Int32Type,62:Int32Type))', 'ffffffff 00000004 00000007', { a: null, b: 7 }],
    ['VectorType(ShortType , 2)', '02 0001 02 ffff', [1, -1]],
    ['CompositeType(Int32Type,UTF8Type)', '0004 00000001 00 0001 61 00', [1, 'a']],
    ['DynamicCompositeType(a=>Int32Type)', '8061 0004 00000001 00', [{ type: 'a', value: 1 }]],
    ['com.example.Point', '01', '0x01'],
  ])('%s %s', (type, hex, value) => {
    expect(JSON.parse(JSON.stringify(js(type, hex)))).toEqual(value);
  });

  it('keep keys that objects have by nature', () => {
    const value = js(
      'FrozenType(MapType(UTF8Type,Int32Type))',
      `00000001 00000009 ${Buffer.from('__proto__').toString('hex')} 00000004 00000007`,
    );
    expect(JSON.stringify(value)).toBe('{"__proto__":7}');
  });
});

describe('text', () => {
  it('is escaped as JSON that reads back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (value) => {
        const source = Buffer.from(value, 'utf8');
        expect(JSON.parse(`"${text(writeJsonEscaped, source)}"`)).toBe(source.toString('utf8'));
      }),
    );
    expect(text(writeJsonEscaped, Buffer.from('\b\t\n\f\r"\\/\u0001\u001f\u007f\u2028é'))).toBe(
      '\\b\\t\\n\\f\\r\\"\\\\/\\u0001\\u001F\u007f\u2028é',
    );
  });

  it('may be long', () => {
    for (const unit of ['é', '🙂"', '漢\n', 'abc\u0001']) {
      const source = Buffer.from(`x${unit.repeat(20_000)}`);
      const out = new ByteWriter(16);
      writeJsonEscaped(source, 0, source.length, out);
      expect(JSON.parse(`"${out.toString()}"`)).toBe(source.toString());
    }
  });

  it('that is not UTF-8 is refused where Java refuses it', () => {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 6, min: 0x70 }), (value) => {
        let valid = true;
        try {
          decoder.decode(value);
        } catch {
          valid = false;
        }
        expect(validateValue(parseMarshalType('UTF8Type'), value, 0, value.length) === undefined).toBe(valid);
      }),
      { numRuns: 2000 },
    );
  });

  it('names the byte at which it stops being UTF-8', () => {
    expect(() => text(jsonWriter(parseMarshalType('UTF8Type')), bytes('6162ff'))).toThrow(
      'text value is not UTF-8 at byte 2',
    );
  });
});

const U = 'UserType(ks,74,41:Int32Type,62:UTF8Type)';
const HOSTILE = [
  'AsciiType BooleanType ByteType BytesType CounterColumnType DateType DecimalType DoubleType DurationType EmptyType FloatType',
  'InetAddressType Int32Type IntegerType LongType ShortType SimpleDateType TimeType TimestampType TimeUUIDType UTF8Type UUIDType',
]
  .join(' ')
  .split(' ')
  .concat([
    'FrozenType(ListType(Int32Type))',
    `FrozenType(MapType(UTF8Type,FrozenType(${U})))`,
    `TupleType(Int32Type,FrozenType(${U}),DecimalType)`,
    'VectorType(UTF8Type , 3)',
    'VectorType(FloatType , 2)',
    'CompositeType(Int32Type,UTF8Type)',
    'DynamicCompositeType(a=>Int32Type,b=>UTF8Type)',
  ]);

describe('hostile bytes', () => {
  it.each(HOSTILE)('%s prints them, or refuses them', (name) => {
    const type = parseMarshalType(name);
    const writers = [jsonWriter, stringWriter, quotedStringWriter, cqlLiteralWriter].map((make) => make(type));
    const structured = fc.array(
      fc.oneof(
        fc.constantFrom(
          '00000000',
          '00000001',
          '00000004',
          'ffffffff',
          '7fffffff',
          '80000000',
          '0004',
          '8061',
          '61',
          'ff',
        ),
        fc.uint8Array({ maxLength: 6 }).map((value) => Buffer.from(value).toString('hex')),
      ),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(structured, (parts) => {
        const value = bytes(parts.join(''));
        const valid = validateValue(type, value, 0, value.length) === undefined;
        for (const work of [...writers.map((writer) => () => text(writer, value)), () => toJs(type, value)]) {
          try {
            work();
          } catch (error) {
            expect(error).toBeInstanceOf(LsmctlError);
            expect(valid).toBe(false);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('round trips', () => {
  const plain = [
    'BytesType',
    'LongType',
    'IntegerType',
    'DecimalType',
    'UUIDType',
    'InetAddressType',
    'TimestampType',
    'SimpleDateType',
  ];
  it.each([...plain, 'DoubleType', 'FloatType', 'FrozenType(ListType(LongType))', `FrozenType(${U})`])(
    '%s by its literal and text',
    (name) => {
      const type = parseMarshalType(name);
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 20 }), (value) => {
          if (validateValue(type, value, 0, value.length) !== undefined) return;
          const literal = text(cqlLiteralWriter(type), value);
          // NaN loses its payload; fields that are missing come back as null
          if (!/NaN|null/.test(literal))
            expect([literal, parseCqlLiteral(type, literal).toString('hex')]).toEqual([
              literal,
              Buffer.from(value).toString('hex'),
            ]);
          if (plain.includes(name) && literal.startsWith("'"))
            expect(parseValue(type, text(stringWriter(type), value))).toEqual(Buffer.from(value));
        }),
      );
    },
  );

  it('name what is wrong with a literal', () => {
    expect(() => parseCqlLiteral(parseMarshalType('Int32Type'), "'a'")).toThrow(UsageError);
    expect(() => parseCqlLiteral(parseMarshalType('Int32Type'), "'a'")).toThrow('a literal of type int expected');
    expect(() => parseCqlLiteral(parseMarshalType('Int32Type'), '1 2')).toThrow('the end expected');
    expect(() => parseValue(parseMarshalType('Int32Type'), 'a')).toThrow('not a value of type int');
  });
});
