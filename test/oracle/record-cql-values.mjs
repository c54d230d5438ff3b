/**
 * Records what Cassandra says of values, for test/golden/cql-values.jsonl.gz:
 *
 *   ["value", type, hex, json, string, literal, bytes of the literal, isValid]      null where Cassandra throws
 *   ["string", type, text, bytes] ["literal", type, text, bytes] ["type", text, [toString, CQL name, fixed length, isMultiCell]]
 *   ["float", hex, text]                                                             by JDK 19 or later
 *
 * node test/oracle/record-cql-values.mjs        needs Cassandra's jars in $ORACLE_HOME/5.0.9, JDK 17 as `java`, a later one as $JAVA_LATER
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const here = fileURLToPath(new URL('java/', import.meta.url));
const home = process.env.ORACLE_HOME ?? join(homedir(), '.cache/cassandra-oracle');
const dir = mkdtempSync(join(tmpdir(), 'cql-values-'));

let seed = 20240611;
/** 0 ≤ x < n */
function random(n) {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((((t ^ (t >>> 14)) >>> 0) / 4294967296) * n) | 0;
}
const pick = (items) => items[random(items.length)];
const times = (n, make) => Array.from({ length: n }, (_, i) => make(i));
const bytesHex = (n) => times(n, () => random(256).toString(16).padStart(2, '0')).join('');
const int = (value, bytes) =>
  BigInt.asUintN(8 * bytes, BigInt(value))
    .toString(16)
    .padStart(2 * bytes, '0');
const text = (value) => Buffer.from(value, 'utf8').toString('hex');
const withLength = (hex) => (hex === null ? 'ffffffff' : int(hex.length / 2, 4) + hex);
const double = (value) => {
  const b = Buffer.alloc(8);
  b.writeDoubleBE(value);
  return b.toString('hex');
};
const float = (value) => {
  const b = Buffer.alloc(4);
  b.writeFloatBE(value);
  return b.toString('hex');
};
/** Zeros, ones and random bits of random length: numbers of all sizes. */
const shifted = (bytes) => {
  const bits = random(8 * bytes);
  const value = BigInt.asIntN(8 * bytes, BigInt(`0x${bytesHex(bytes)}`)) >> BigInt(bits);
  return int(value, bytes);
};
const svint = (value) => {
  let v = BigInt.asUintN(64, value < 0n ? (-value << 1n) - 1n : value << 1n);
  let size = 1;
  while (size < 9 && v >> BigInt(7 * size) > 0n) size++;
  let out = '';
  for (let i = 0; i < size; i++, v >>= 8n)
    out =
      Number(v & 255n)
        .toString(16)
        .padStart(2, '0') + out;
  if (size === 1) return out;
  const first = Number.parseInt(out.slice(0, 2), 16) | (size === 9 ? 0xff : (0xff00 >> (size - 1)) & 0xff);
  return first.toString(16).padStart(2, '0') + out.slice(2);
};

const words = [
  '',
  'a',
  "it's",
  'say "hi"',
  'back\\slash',
  'tab\tnew\nline',
  '\u0001\u001f\u007f',
  'é',
  '漢字',
  '🙂',
  'a:b',
  '@',
  '!',
  'x!',
  'x\\',
  '\u0000',
  'https://x/?a=b&c=d',
];

/** Values of each native type: hand-picked, then random ones. */
const natives = {
  AsciiType: ['', '41', '7f', '80', text('a"b\\c'), text("it's")],
  BooleanType: ['', '00', '01', '02', 'ff'],
  ByteType: ['', '00', '7f', '80', 'ff'],
  BytesType: ['', '00', 'cafe', ...times(5, () => bytesHex(random(20)))],
  CounterColumnType: [
    '',
    '00',
    `00018000${bytesHex(16)}${int(3, 8)}${int(-7, 8)}`,
    `0000${bytesHex(16)}${int(3, 8)}${int(-7, 8)}`,
  ],
  DateType: ['', int(1700000000000, 8), int(-1, 8)],
  DecimalType: [
    '',
    '00000000',
    '0000000000',
    '000000050a',
    'ffffffff01',
    'fffffffd7b',
    '0000000701',
    '0000000601',
    '00000007ff',
    '7fffffff01',
    '8000000001',
    '000000020005',
    '00000000ff00',
    '0000001480',
    '0000000480000000',
    `00000003${'80'.padEnd(16, '0')}`,
    `0000000a${'7f'.padEnd(40, 'f')}`,
    ...times(
      600,
      () =>
        int(pick([0, 1, 2, 3, 6, 7, 8, 10, 20, -1, -3, -20, 100, random(60) - 20]), 4) +
        bytesHex(1 + random(pick([2, 4, 8, 9, 20]))),
    ),
  ],
  DoubleType: [
    '',
    '00',
    double(0.1),
    double(NaN),
    double(-Infinity),
    double(-0),
    double(1e7),
    double(1e-3),
    double(100),
  ],
  DurationType: [
    '',
    '000000',
    '0000',
    '020404',
    '010303',
    '020304',
    '000001',
    ...times(500, () => {
      const sign = pick([1n, -1n]);
      const part = (bits) => (random(3) === 0 ? 0n : BigInt(`0x${bytesHex(8)}`) >> BigInt(64 - 1 - random(bits)));
      return svint(sign * part(30)) + svint(sign * part(30)) + svint(sign * part(62));
    }),
  ],
  EmptyType: ['', '00'],
  FloatType: ['', '00', float(0.1), float(NaN), float(Infinity), float(-0), float(1e10), float(16777216)],
  InetAddressType: [
    '',
    '01',
    '7f000001',
    'ffffffff',
    '00000000000000000000ffff01020304',
    '00'.repeat(16),
    '20010db8000000000000000000000001',
    ...times(20, () => bytesHex(pick([4, 16]))),
  ],
  Int32Type: ['', '00', '00000000', '7fffffff', '80000000', 'ffffffff', ...times(60, () => shifted(4))],
  IntegerType: [
    '',
    '00',
    'ff',
    '0000',
    'ffff',
    '0080',
    'ff7f',
    ...times(300, () => bytesHex(1 + random(pick([3, 8, 9, 30])))),
  ],
  LegacyTimeUUIDType: ['', '00112233445516778899aabbccddeeff', '00112233445546778899aabbccddeeff'],
  LexicalUUIDType: ['', '00112233445566778899aabbccddeeff'],
  LongType: [
    '',
    '00',
    '8000000000000000',
    '7fffffffffffffff',
    '0020000000000000',
    'ffe0000000000000',
    ...times(400, () => shifted(8)),
  ],
  ShortType: ['', '0000', '7fff', '8000', 'ffff', '00ff'],
  SimpleDateType: [
    '',
    '80000000',
    '7fffffff',
    '00000000',
    'ffffffff',
    int(2147483648 - 719528, 4),
    int(2147483648 - 719529, 4),
    int(2147483648 + 2932896, 4),
    int(2147483648 + 2932897, 4),
    ...times(300, () => int(0x80000000 + (random(2) ? random(100000) - 50000 : random(4000000) - 2000000), 4)),
    ...times(50, () => bytesHex(4)),
  ],
  TimeType: [
    '',
    '00',
    int(0, 8),
    int(86399999999999, 8),
    ...times(100, () => int((BigInt(`0x${bytesHex(8)}`) >> BigInt(random(40))) % 86400000000000n, 8)),
  ],
  TimestampType: [
    '',
    '00',
    int(0, 8),
    int(-1, 8),
    int(-62135596800000, 8),
    int(-62135596800001, 8),
    int(253402300799999, 8),
    int(253402300800000, 8),
    '8000000000000000',
    '7fffffffffffffff',
    ...times(500, () => int(random(2) ? 1700000000000 + random(1e9) * 50 : -1e12 + random(1e9) * 4000, 8)),
    ...times(200, () => shifted(8)),
  ],
  TimeUUIDType: [
    '',
    '00',
    '00112233445516778899aabbccddeeff',
    '00112233445506778899aabbccddeeff',
    '00112233445546778899aabbccddeeff',
    '00112233445576778899aabbccddeeff',
    '001122334455a6778899aabbccddeeff',
    '001122334455f6778899aabbccddeeff',
    ...times(10, () => bytesHex(16)),
  ],
  UTF8Type: [
    ...words.map(text),
    'ff',
    'c080',
    'eda080',
    'edbfbf',
    'ee8080',
    'f08080af',
    'f48fbfbf',
    'f4908080',
    'c3',
    'e282',
    'c1bf',
    'e09fbf',
    'efbfbf',
  ],
  UUIDType: ['', '00', ...times(5, () => bytesHex(16))],
};

const U = 'UserType(ks,74,41:Int32Type,62:UTF8Type,c3a9:FrozenType(ListType(Int32Type)))';
const i = (n) => int(n, 4);
const L = (...elements) => i(elements.length) + elements.map(withLength).join('');
const M = (...pairs) => i(pairs.length / 2) + pairs.map(withLength).join('');
const T = (...fields) => fields.map(withLength).join('');
const C = (...components) => components.map((c) => `${int(c.length / 2, 2)}${c}00`).join('');

const composed = [
  [
    'FrozenType(ListType(Int32Type))',
    [
      '',
      '00',
      L(),
      L(i(1)),
      L(i(1), ''),
      L(i(1), null),
      L('0001'),
      `${L(i(1))}00`,
      'ffffffff',
      '7fffffff',
      `${i(2)}${withLength(i(1))}`,
    ],
  ],
  ['FrozenType(SetType(UTF8Type))', [L(...words.slice(1, 9).map(text).sort()), L(''), L('ff')]],
  ['FrozenType(ListType(BooleanType))', [L('00', '01')]],
  [
    'FrozenType(MapType(Int32Type,UTF8Type))',
    ['', M(), M(i(1), text('a'), i(2), text('"')), M('', ''), M(i(1), null), `${M()}00`],
  ],
  ['FrozenType(MapType(UTF8Type,DoubleType))', [M(text('a"\\\n'), double(1.5), text("it's"), double(NaN))]],
  ['FrozenType(MapType(DoubleType,TimestampType))', [M(double(1), int(0, 8), double(NaN), '')]],
  ['FrozenType(MapType(FrozenType(ListType(UTF8Type)),TimeType))', [M(L(text('a"')), int(1, 8))]],
  ['FrozenType(MapType(TimestampType,BytesType))', [M(int(1700000000000, 8), 'ff')]],
  ['FrozenType(MapType(FrozenType(MapType(Int32Type,Int32Type)),BooleanType))', [M(M(i(1), i(2)), '01')]],
  [
    'TupleType(Int32Type,UTF8Type)',
    ['', T(i(1)), T(i(1), null), T(null, text('a:b@c\\')), T(null, null), `${T(i(1), '')}00`, '00', `${i(9)}00`],
  ],
  [
    'TupleType(TupleType(UTF8Type,UTF8Type),FrozenType(ListType(Int32Type)))',
    [T(T(text('a:b'), text('@')), L(i(1))), T(null, null)],
  ],
  [
    `FrozenType(${U})`,
    ['', T(i(1)), T(i(1), text('q\'"'), L(i(7))), T(null, null, null), `${T(i(1), '', null)}00`, '0000'],
  ],
  [`FrozenType(ListType(${U}))`, [L(T(i(1), text('x'))), L('')]],
  [
    'VectorType(FloatType , 3)',
    [float(0.1) + float(-2) + float(1e10), float(1) + float(2), '', `${float(1) + float(2) + float(3)}00`],
  ],
  ['VectorType(UTF8Type , 2)', ['01610162', '0000', '0161', '016101', '016101620163']],
  ['VectorType(ShortType , 2)', ['0200010200ff', '01000100']],
  ['VectorType(FrozenType(ListType(Int32Type)) , 1)', [`08${L('')}`, `0c${L(i(5))}`]],
  ['VectorType(VectorType(Int32Type , 2) , 2)', [i(1) + i(2) + i(3) + i(4)]],
  [
    'CompositeType(Int32Type,UTF8Type)',
    [
      '',
      C(i(1)),
      C(i(1), text('ab')),
      `0004${i(1)}000002616201`,
      `0004${i(1)}0000026162ff`,
      C(i(1), text('a:b')),
      C(i(1), text('x!')),
      C(i(1), text('x\\')),
      C(i(1), ''),
      `ffff${C(i(1), '61')}`,
      C(i(1), '61', '62'),
      '00',
      `0004${i(1)}`,
    ],
  ],
  ['CompositeType(UTF8Type,TimestampType,InetAddressType)', [C(text('k'), int(1700000000000, 8), '7f000001')]],
  [
    'DynamicCompositeType(a=>Int32Type,b=>UTF8Type)',
    [
      '',
      `8061${C(i(1))}`,
      `8061${C(i(1))}8062${C(text('x:y'))}`,
      `0008${text('UTF8Type')}${C(text('z'))}`,
      `8063${C(i(1))}`,
    ],
  ],
  ['ReversedType(TimestampType)', [int(1700000000000, 8)]],
  ['ReversedType(FrozenType(SetType(Int32Type)))', [L(i(1), i(2))]],
  ['PartitionerDefinedOrder(org.apache.cassandra.dht.Murmur3Partitioner:Int32Type)', [i(1)]],
  ['PartitionerDefinedOrder(org.apache.cassandra.dht.Murmur3Partitioner)', [i(1)]],
];

const strings = {
  AsciiType: ['', 'abc', 'é'],
  BooleanType: ['', 'true', 'FALSE', 'yes', '1'],
  ByteType: ['', '0', '127', '-128', '128', '+5', 'x'],
  BytesType: ['', 'ff', 'FF00', 'f', 'zz'],
  CounterColumnType: ['00'],
  DecimalType: [
    '',
    '0',
    '1.50',
    '-1.50',
    '1e3',
    '1E-3',
    '.5',
    '5.',
    '+1',
    '1.',
    'x',
    '1e',
    '123456789012345678901234567890.5',
    '-0.00',
    '1e2147483647',
    '1e2147483648',
    '0.1e-2147483647',
  ],
  DoubleType: [
    '',
    '0',
    '1.5',
    '-1.5e10',
    'NaN',
    'Infinity',
    '-Infinity',
    '1e400',
    '5e-324',
    '1f',
    '2.5d',
    'x',
    ' 1 ',
    '.5',
    '1e',
    'nan',
  ],
  DurationType: [
    '1y',
    '1mo2d',
    '1h30m',
    '-1h30m',
    '1Y2MO',
    '2w',
    '1us',
    '1µs',
    '1ns',
    'P1Y2M3DT4H5M6S',
    '-P1Y',
    'P2W',
    'P0001-02-03T04:05:06',
    'PT1H',
    '',
    'x',
    '1h1y',
    '1d1d',
    '0s',
    '1.5h',
    '200000000y',
    '9223372036854775807ns',
    '9223372036854775808ns',
    'P',
  ],
  FloatType: ['', '0.1', '16777217', '1e40', 'NaN', '1e-46', '3.4028235e38', '-0.0'],
  InetAddressType: [
    '',
    '127.0.0.1',
    '::1',
    '2001:db8::1',
    '::ffff:1.2.3.4',
    '1:2:3:4:5:6:7:8',
    '::',
    '1:2::3.4.5.6',
    '1.2.3.256',
    'x::y',
  ],
  Int32Type: ['', '0', '-1', '2147483647', '2147483648', '-2147483648', '1.0', '+7', 'x'],
  IntegerType: [
    '',
    '0',
    '-1',
    '127',
    '128',
    '-128',
    '-129',
    '255',
    '256',
    '32767',
    '32768',
    '99999999999999999999999',
    '-99999999999999999999999',
    '+3',
    'x',
    '18446744073709551615',
    '-9223372036854775808',
    '-9223372036854775809',
  ],
  LongType: ['', '0', '9223372036854775807', '9223372036854775808', '-9223372036854775808'],
  ShortType: ['', '32767', '32768', '-32768'],
  SimpleDateType: [
    '1970-01-01',
    '2024-02-29',
    '2023-02-29',
    '2024-2-29',
    '0',
    '2147483648',
    '4294967295',
    '4294967296',
    '-1',
    '-0001-01-01',
    '+10000-01-01',
    '10000-01-01',
    '0000-01-01',
    '-5877641-06-23',
    '+5881580-07-11',
    '+5881580-07-12',
    'x',
  ],
  TimeType: [
    '0',
    '00:00:00',
    '23:59:59.999999999',
    '24:00:00',
    '1:2:3',
    '12:30',
    '12:30:00.1',
    '12:30:00.',
    '86399999999999',
    '86400000000000',
    '-1',
    '12:60:00',
    'x',
    ' 01:02:03 ',
  ],
  TimestampType: [
    '',
    '0',
    '-1',
    '1700000000000',
    '9223372036854775808',
    '2023-11-14',
    '2023-11-14T22:13:20Z',
    '2023-11-14 22:13:20.123Z',
    '2023-11-14 22:13',
    '2023-11-14 22:13+0100',
    '2023-11-14 22:13:20.1+01:00',
    '2023-11-14 22:13:20 +01',
    '2023-11-14T22:13:20.123456789Z',
    '2023-1-2 3:4',
    '2023-11-14Z',
    '2023-11-14+0100',
    '2023-11-14 22:13:20 UTC',
    '2023-13-14',
    '2023-11-14 24:00',
    '2023-11-14T22:13:20.123+0000',
    '0001-01-01T00:00:00.000Z',
    '9999-12-31T23:59:59.999Z',
    '2023-11-14 22:13:20-08',
    'x',
    '2023-11-14 22:13:20.12+00:00',
  ],
  TimeUUIDType: ['', '00112233-4455-1677-8899-aabbccddeeff', '00112233-4455-4677-8899-aabbccddeeff', 'x'],
  UTF8Type: words,
  UUIDType: [
    '',
    '00112233-4455-4677-8899-aabbccddeeff',
    '00112233-4455-4677-8899-AABBCCDDEEFF',
    '00112233445546778899aabbccddeeff',
  ],
  'FrozenType(ListType(Int32Type))': ['00000000', 'x'],
  'TupleType(Int32Type,UTF8Type)': ['', '1:a', '1:@', '@:@', '1', '1:a\\:b', '1:\\@', '1:a:b'],
  [`FrozenType(${U})`]: ['1:x', '1'],
  'CompositeType(Int32Type,UTF8Type)': [
    '',
    '1',
    '1:a',
    '1:a\\:b',
    '1:x!!',
    '1:x\\!',
    '1:',
    '1:!',
    '1:a:_',
    '1:a:b',
    'x:a',
    '1:a!',
  ],
  'CompositeType(UTF8Type,UTF8Type)': ['a:b', ':', 'a\\:b:c'],
  'DynamicCompositeType(a=>Int32Type,b=>UTF8Type)': ['a@1', 'a@1:b@x', 'UTF8Type@z', 'a@'],
};

const literals = {
  AsciiType: ["'a'", "'é'", "''"],
  BooleanType: ['true', 'FALSE', "'true'", '1', 'blobAsBoolean(0x)'],
  ByteType: ['1', '-1', '128', "'1'"],
  BytesType: ['0x', '0xff', '0xF', "'ff'", '1'],
  DecimalType: ['1', '1.50', '1E+3', '-1e-3', 'NaN', "'1'", 'blobAsDecimal(0x00000000000f)'],
  DoubleType: ['1', '1.5', '1E10', 'NaN', 'Infinity', '-NaN', '-Infinity', "'1'", '1.0E-10', '0x00'],
  DurationType: ['1h30m', '-1h', 'P1Y', '0s', "'1h'", '1', 'P0001-02-03T04:05:06', '1y2mo3d4h5m6s7ms8us9ns'],
  FloatType: ['1', '0.1', 'NaN', 'blobAsFloat(0x)'],
  InetAddressType: ["'127.0.0.1'", "'::1'", '1', 'blobAsInet(0x00000000000000000000ffff01020304)', 'blobAsInet(0x)'],
  Int32Type: [
    '1',
    '-1',
    '1.0',
    "'1'",
    '2147483648',
    'blobAsInt(0x)',
    'blob_as_int(0x)',
    'blobAsInt(0x00000001)',
    'null',
    'true',
  ],
  IntegerType: ['1', '-99999999999999999999', '1.0', 'blobAsVarint(0x0001)'],
  LongType: ['9223372036854775807', '9223372036854775808', 'blobAsBigint(0x)'],
  LexicalUUIDType: ['0x00112233445566778899aabbccddeeff', '00112233-4455-6677-8899-aabbccddeeff'],
  ShortType: ['1'],
  SimpleDateType: ["'2024-02-29'", '2147483648', "'+5881580-07-11'", "'-0001-01-01'", '1.0'],
  TimeType: ["'12:30:00'", '0', 'true'],
  TimestampType: [
    "'2023-11-14T22:13:20.000Z'",
    '1700000000000',
    '-62135596800001',
    "'2023-11-14'",
    '1.0',
    'blobAsTimestamp(0x)',
  ],
  TimeUUIDType: [
    '00112233-4455-1677-8899-aabbccddeeff',
    '00112233-4455-4677-8899-aabbccddeeff',
    "'x'",
    'blobAsTimeuuid(0x)',
  ],
  UTF8Type: ["'a'", "'it''s'", "$$it's$$", "''", '1', "'new\nline'", "'漢字'"],
  UUIDType: ['00112233-4455-4677-8899-AABBCCDDEEFF', "'00112233-4455-4677-8899-aabbccddeeff'", 'blobAsUuid(0x)'],
  'FrozenType(ListType(Int32Type))': ['[]', '[1, 2]', '[2,1]', '[1, null]', '{1}', '[1, blobAsInt(0x)]', "['a']", '[1'],
  'FrozenType(SetType(Int32Type))': ['{}', '{3, 1, -2}', '{1, 1}', '[1]'],
  'FrozenType(SetType(UTF8Type))': ["{'b', 'a'}"],
  'FrozenType(MapType(UTF8Type,Int32Type))': ['{}', "{'b': 1, 'a': 2}", "{'a': 1, 'a': 2}", "{'a'}"],
  'TupleType(Int32Type,UTF8Type)': [
    "(1, 'a')",
    '(1)',
    "(null, 'a')",
    '(1, null)',
    "(1, 'a', 2)",
    '()',
    '(1, blobAsText(0x))',
  ],
  [`FrozenType(${U})`]: [
    '{"A": 1, b: \'x\', é: [1]}',
    '{"A": 1, b: \'x\', "é": [1]}',
    "{b: 'x'}",
    '{"A": null}',
    '{x: 1}',
    '{a: 1}',
  ],
  'VectorType(FloatType , 3)': ['[1, 2.5, -3]', '[1, 2]', '[NaN, Infinity, 0]'],
  'VectorType(UTF8Type , 2)': ["['a', 'b']"],
  'CompositeType(Int32Type,UTF8Type)': ['0x0004000000010000016100', "'1:a'"],
};

const typeTexts = [
  ...Object.keys(natives),
  ...composed.map(([type]) => type),
  'org.apache.cassandra.db.marshal.UTF8Type',
  '',
  'ListType(Int32Type)',
  'SetType(FrozenType(ListType(Int32Type)))',
  'MapType(UTF8Type, MapType(Int32Type,ListType(UTF8Type)))',
  'ListType(UserType(ks,74,61:ListType(Int32Type)))',
  'UserType(ks,74,61:FrozenType(ListType(Int32Type)),62:Int32Type)',
  'UserType(ks,74657374,61:UserType(ks,4f,62:Int32Type))',
  'UserType(My_ks,73656c656374,61:Int32Type)',
  'FrozenType(TupleType(ListType(Int32Type)))',
  'TupleType(FrozenType(MapType(Int32Type,Int32Type)),Int32Type)',
  'FrozenType(MapType(UTF8Type,FrozenType(MapType(UTF8Type,ListType(Int32Type)))))',
  'ReversedType(LongType)',
  'VectorType(TimestampType,4)',
  'VectorType(FrozenType(TupleType(Int32Type,Int32Type)) , 2)',
  'FrozenType(VectorType(ListType(Int32Type) , 2))',
  'CompositeType(ReversedType(Int32Type),UTF8Type)',
  'FrozenType(UserType(ks,74,61:TupleType(ListType(Int32Type)),62:VectorType(FloatType , 2)))',
  'ListType(VectorType(ListType(Int32Type) , 2))',
  'ListType(TupleType(Int32Type))',
];

const questions = [
  ...typeTexts.map((type) => ['type', type]),
  ...[...Object.entries(natives), ...composed].flatMap(([type, values]) => values.map((hex) => ['value', type, hex])),
  ...Object.entries(strings).flatMap(([type, texts]) => texts.map((value) => ['string', type, JSON.stringify(value)])),
  ...Object.entries(literals).flatMap(([type, texts]) =>
    texts.map((value) => ['literal', type, JSON.stringify(value)]),
  ),
];

function run(program, args, input) {
  const result = spawnSync(program, args, { input, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (result.status !== 0) throw new Error(`${program} ended with ${result.status}: ${result.stderr?.slice(-2000)}`);
  return result.stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

writeFileSync(
  join(dir, 'cassandra.yaml'),
  `partitioner: org.apache.cassandra.dht.Murmur3Partitioner
data_file_directories: [ "${dir}/data" ]
commitlog_directory: "${dir}/commitlog"
saved_caches_directory: "${dir}/saved_caches"
hints_directory: "${dir}/hints"
commitlog_sync: periodic
commitlog_sync_period: 10000ms
endpoint_snitch: SimpleSnitch
storage_compatibility_mode: NONE
seed_provider: [ { class_name: org.apache.cassandra.locator.SimpleSeedProvider, parameters: [ { seeds: "127.0.0.1" } ] } ]
`,
);
const classPath = join(home, '5.0.9', '*');
const answers = run(
  'java',
  [
    `@${join(here, 'jvm.options')}`,
    '-Dlog.level=OFF',
    '-Duser.timezone=UTC',
    `-Dlogback.configurationFile=${join(here, 'logback.xml')}`,
    `-Dcassandra.config=file://${dir}/cassandra.yaml`,
    `-Dcassandra.storagedir=${dir}`,
    '-cp',
    classPath,
    join(here, 'CqlValues.java'),
  ],
  `${questions.map((question) => question.join('\t')).join('\n')}\n`,
);
const lines = questions.map(([kind, type, value], n) => {
  if (kind === 'value') return [kind, type, value, ...answers[n]];
  return kind === 'type' ? [kind, type, answers[n]] : [kind, type, JSON.parse(value), answers[n]];
});

const floats = [
  ...times(1500, () => bytesHex(8)),
  ...times(800, () => double((random(2e9) - 1e9) / 10 ** random(9))),
  ...times(400, () => double(Number(`${random(100)}e${random(600) - 320}`))),
  ...times(200, () => double(2 ** (random(2090) - 1074))),
  ...[
    5e-324, 1e-323, 2e-323, 1.7976931348623157e308, 1e21, 1e22, 1e23, 2e23, 9007199254740994, 0.001, 0.0009999, 1e7,
    9999999, 9999999.5, 123456.789, 4.35, 2.2250738585072014e-308, 1e15, 1e16,
  ].map(double),
  ...times(2500, () => bytesHex(4)),
  ...times(800, () => float((random(2e9) - 1e9) / 10 ** random(9))),
  ...times(400, () => float(Number(`${random(100)}e${random(80) - 44}`))),
  ...times(277, (n) => float(2 ** (n - 149))),
  ...[
    1.4e-45, 2.8e-45, 3.4028235e38, 1.17549435e-38, 16777216, 16777218, 33554432, 0.1, 0.3, 1e10, 1e7, 9999999, 0.001,
    8388608.5, 1.0e23, 2e38,
  ].map(float),
];
run('javac', ['-nowarn', '--release', '17', '-d', dir, join(here, 'Floats.java')], '') /* prints nothing */;
lines.push(
  ...run(process.env.JAVA_LATER ?? 'java', ['-cp', dir, 'Floats'], `${floats.join('\n')}\n`).map((pair) => [
    'float',
    ...pair,
  ]),
);

const golden = fileURLToPath(new URL('../golden/cql-values.jsonl.gz', import.meta.url));
writeFileSync(golden, gzipSync(`${lines.map((line) => JSON.stringify(line)).join('\n')}\n`, { level: 9 }));
rmSync(dir, { recursive: true });
process.stdout.write(`${lines.length} lines\n`);
