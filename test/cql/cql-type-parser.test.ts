import { describe, expect, it } from 'vitest';
import { CorruptError } from '../../src/bytes/errors.js';
import { expandUserTypes, parseCqlType, referencedTypeNames, type UserType } from '../../src/cql/cql-type-parser.js';
import { freeze, native } from '../../src/cql/marshal.js';
import { cqlTypeName } from '../../src/cql/type-facts.js';

const address: UserType = {
  kind: 'udt',
  keyspace: 'ks',
  name: 'address',
  fields: [
    { name: 'street', type: native('text') },
    { name: 'tags', type: { kind: 'set', element: native('text'), multiCell: true } },
  ],
  multiCell: true,
};
const odd: UserType = { ...address, name: 'Od"d', fields: [{ name: 'home', type: freeze(address) }] };
const scope = { keyspace: 'ks', userTypes: new Map([address, odd].map((type) => [type.name, type])) };

describe('parseCqlType', () => {
  it.each([
    'int',
    'counter',
    'empty',
    'list<int>',
    'frozen<list<int>>',
    'frozen<map<int, frozen<set<int>>>>',
    'map<text, frozen<list<frozen<address>>>>',
    'address',
    'frozen<address>',
    'frozen<"Od""d">',
    '"Od""d"',
    'frozen<tuple<int, text, frozen<tuple<blob, uuid>>>>',
    'vector<float, 4>',
    'vector<vector<text, 2>, 3>',
    'vector<frozen<list<int>>, 2>',
    "'org.apache.cassandra.db.marshal.DynamicCompositeType(a=>org.apache.cassandra.db.marshal.Int32Type)'",
    "'org.apache.cassandra.db.marshal.LexicalUUIDType'",
    "frozen<list<'com.example.Custom(1)'>>",
  ])('%s is printed as it was read', (text) => {
    expect(cqlTypeName(parseCqlType(text, scope))).toBe(text);
  });

  it.each([
    ['  MAP < Text ,INT> ', 'map<text, int>'],
    ['varchar', 'text'],
    ['list<list<int>>', 'list<frozen<list<int>>>'],
    ['tuple<int>', 'frozen<tuple<int>>'],
    ['ks.address', 'address'],
    ['"ks"."address"', 'address'],
    ["'org.apache.cassandra.db.marshal.EmptyType'", 'empty'],
    ['frozen<vector<int, 2>>', 'vector<int, 2>'],
  ])('%j means %s', (text, meant) => {
    expect(cqlTypeName(parseCqlType(text, scope))).toBe(meant);
  });

  it('freezes all that is below frozen<>', () => {
    expect(parseCqlType('frozen<address>', scope)).toEqual(freeze(address));
    expect(parseCqlType('address', scope)).toEqual(address);
  });

  it.each([
    ['', 'line 1, column 1: a type expected'],
    ['list<int', "line 1, column 9: '>' expected"],
    ['list<>', 'column 6: a type expected'],
    ['map<int>', "column 8: ',' expected"],
    ['int int', 'column 5: the end expected'],
    ['nope', "type 'nope' of keyspace ks is not defined"],
    ['other.address', 'can be used in their own keyspace only'],
    ['vector<int, 0>', 'a vector dimension is a positive integer'],
    ['vector<int, x>', 'a dimension expected'],
    ['queue<int>', "'queue' is no type with parameters"],
    ['"unclosed', 'a quoted name has no end'],
    [`${'list<'.repeat(100)}int${'>'.repeat(100)}`, 'nested deeper than 64'],
    ["'org.apache.cassandra.db.marshal.ListType'", 'ListType without parameters'],
  ])('refuses %j', (text, message) => {
    const parse = () => parseCqlType(text, scope, { component: 'system_schema.columns' });
    expect(parse).toThrow(CorruptError);
    expect(parse).toThrow(message);
  });
});

describe('expandUserTypes', () => {
  it.each([
    ['map<text, frozen<address>>', 'map<text, frozen<tuple<text, frozen<set<text>>>>>'],
    ['address', 'frozen<tuple<text, frozen<set<text>>>>'],
    [
      'frozen<tuple<int, frozen<"Od""d">>>',
      'frozen<tuple<int, frozen<tuple<frozen<tuple<text, frozen<set<text>>>>>>>>',
    ],
    ['vector<frozen<address>, 2>', 'vector<frozen<tuple<text, frozen<set<text>>>>, 2>'],
    ['set<int>', 'set<int>'],
  ])('%s → %s', (text, expanded) => {
    expect(cqlTypeName(expandUserTypes(parseCqlType(text, scope)))).toBe(expanded);
  });
});

it('referencedTypeNames finds what a type needs, and some words more', () => {
  expect(referencedTypeNames('map<text, frozen<"A b">>')).toContain('A b');
  expect(referencedTypeNames('frozen<tuple<int, address>>')).toContain('address');
  expect(referencedTypeNames('bigint')).toEqual([]);
});
