import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/bytes/errors.js';
import { parseClustering } from '../../../src/cli/dump/clustering.js';
import { parseMarshalType } from '../../../src/cql/marshal.js';

const M = 'org.apache.cassandra.db.marshal.';
const INT = parseMarshalType(`${M}Int32Type`);
const TEXT = parseMarshalType(`${M}UTF8Type`);
const DESCENDING = parseMarshalType(`${M}ReversedType(${M}Int32Type)`);
const TUPLE = parseMarshalType(`${M}FrozenType(${M}TupleType(${M}Int32Type,${M}UTF8Type))`);
const SET = parseMarshalType(`${M}FrozenType(${M}SetType(${M}UTF8Type))`);

const hex = (values: readonly Uint8Array[]) => values.map((v) => Buffer.from(v).toString('hex'));
const utf8 = (text: string) => Buffer.from(text).toString('hex');

describe('--clustering', () => {
  it.each([
    ['1', [INT], ['00000001']],
    ['1', [INT, TEXT], ['00000001']],
    [' 1 , a ', [INT, TEXT], ['00000001', utf8('a')]],
    ["'b,c',3", [TEXT, INT], [utf8('b,c'), '00000003']],
    ["'it''s','x'", [TEXT, TEXT], [utf8("it's"), utf8('x')]],
    ["don't,2", [TEXT, INT], [utf8("don't"), '00000002']],
    ["''", [TEXT], ['']],
    ['-5', [DESCENDING], ['fffffffb']],
    ['(a,b', [TEXT, TEXT], [utf8('(a'), utf8('b')]],
    ["(1, 'a,b'),7", [TUPLE, INT], [`000000040000000100000003${utf8('a,b')}`, '00000007']],
    ["{'a,', '}'}", [SET], [`00000002${`00000002${utf8('a,')}`}${`00000001${utf8('}')}`}`]],
  ])('%s', (text, types, values) => expect(hex(parseClustering(text, types))).toEqual(values));

  it.each([
    ['1,2', [INT]],
    ['1', []],
    ['', [TEXT]],
    ['1,,2', [INT, TEXT, INT]],
    ['1,', [INT, TEXT]],
    ["'open", [TEXT]],
    ['x', [INT]],
    ["(1, 'a'", [TUPLE]],
  ])('%s is refused', (text, types) => expect(() => parseClustering(text, types)).toThrow(UsageError));
});
