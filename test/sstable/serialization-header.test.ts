import { describe, expect, test } from 'vitest';
import { CorruptError } from '../../src/bytes/errors.js';
import { hiOf, loOf, toBigInt } from '../../src/bytes/int64.js';
import type { Column } from '../../src/sstable/row.js';
import {
  compareColumns,
  decodeSerializationHeader,
  EPOCH_MICROS_HI,
  EPOCH_MICROS_LO,
  EPOCH_SECONDS,
  encodeSerializationHeader,
  makeSerializationHeader,
  type StoredHeader,
} from '../../src/sstable/serialization-header.js';

const MARSHAL = 'org.apache.cassandra.db.marshal.';
const text = `${MARSHAL}UTF8Type`;
const list = `${MARSHAL}ListType(${text})`;
const frozen = `${MARSHAL}FrozenType(${list})`;
const stored = (name: string, type: string) => ({ nameBytes: Buffer.from(name), type });

const STORED: StoredHeader = {
  keyType: text,
  clusteringTypes: [`${MARSHAL}ReversedType(${MARSHAL}Int32Type)`],
  staticColumns: [stored('s', text)],
  regularColumns: [stored('z', text), stored('a', list), stored('b', frozen), stored('', text)],
};
const statsOf = (micros: bigint, minLocalDeletionSeconds: number, minTtlSeconds: number) => ({
  minTimestampHi: hiOf(micros),
  minTimestampLo: loOf(micros),
  minLocalDeletionSeconds,
  minTtlSeconds,
});

test('the epoch is 2015-09-22', () => {
  expect(EPOCH_SECONDS * 1000).toBe(Date.UTC(2015, 8, 22));
  expect(toBigInt(EPOCH_MICROS_HI, EPOCH_MICROS_LO)).toBe(BigInt(EPOCH_SECONDS) * 1000000n);
});

describe('encoding stats', () => {
  test.each([
    ['nothing collected', 1442880000000000n, EPOCH_SECONDS, 0, '000000'],
    ['one of each', 1442880000000001n, EPOCH_SECONDS + 1, 1, '010101'],
    ['before the epoch', 1442879999999999n, EPOCH_SECONDS - 1, -1, `${'ff'.repeat(9)}`.repeat(3)],
    ['the least timestamp', -(2n ** 63n), EPOCH_SECONDS, 128, undefined],
    ['the largest timestamp', 2n ** 63n - 1n, EPOCH_SECONDS, 128, undefined],
    ['a time beyond 2038 in an old file', 1442880000000000n, -0x80000000, 0, undefined],
  ])('%s', (_, micros, deletion, ttl, hex) => {
    const header = makeSerializationHeader(STORED, statsOf(micros, deletion, ttl));
    const bytes = encodeSerializationHeader(header);
    if (hex) expect(Buffer.from(bytes).toString('hex', 0, hex.length / 2)).toBe(hex);
    expect(decodeSerializationHeader(bytes).encodingStats).toEqual(statsOf(micros, deletion, ttl));
  });
});

test('columns keep the file’s order when stored, and come in that of rows', () => {
  const header = makeSerializationHeader(STORED, statsOf(0n, 0, 0));
  expect(header.regularColumns.map(({ name, isComplex }) => [name, isComplex])).toEqual([
    ['', false],
    ['b', false],
    ['z', false],
    ['a', true],
  ]);
  const again = decodeSerializationHeader(encodeSerializationHeader(header));
  expect(again).toEqual({ ...header, stored: expect.anything() });
  expect(again.stored.regularColumns.map(({ nameBytes }) => Buffer.from(nameBytes).toString())).toEqual([
    'z',
    'a',
    'b',
    '',
  ]);
});

test('order of columns', () => {
  const column = (name: string, isComplex = false): Column => ({
    name,
    nameBytes: Buffer.from(name),
    type: { kind: 'native', name: 'text' },
    isComplex,
    isStatic: false,
  });
  const inOrder = ['éa', 'ü', 'A', 'a', 'aa', 'ab', 'b', 'caaaaaaa', 'caaaaaaé'];
  const shuffled = [...inOrder].reverse().map((name) => column(name));
  expect(shuffled.sort(compareColumns).map(({ name }) => name)).toEqual(inOrder);
  expect([column('a', true), column('b')].sort(compareColumns).map(({ name }) => name)).toEqual(['b', 'a']);
});

describe('damage', () => {
  const bytes = encodeSerializationHeader(
    makeSerializationHeader(STORED, statsOf(1442880000000000n, EPOCH_SECONDS, 0)),
  );

  test('every shorter length ends too early', () => {
    for (let n = 0; n < bytes.length; n++)
      expect(() => decodeSerializationHeader(bytes.subarray(0, n))).toThrow(CorruptError);
  });

  test('one byte more', () => {
    expect(() => decodeSerializationHeader(Buffer.concat([bytes, Buffer.of(0)]))).toThrow(CorruptError);
  });

  test('a column that occurs twice', () => {
    const twice = { ...STORED, regularColumns: [stored('a', text), stored('a', list)] };
    const encoded = encodeSerializationHeader(makeSerializationHeader(twice, statsOf(0n, 0, 0)));
    expect(() => decodeSerializationHeader(encoded)).toThrow(/twice/);
  });
});
