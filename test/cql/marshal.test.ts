import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { CorruptError } from '../../src/bytes/errors.js';
import { freeze, marshalTypeName, native, parseMarshalType } from '../../src/cql/marshal.js';
import type { CqlType } from '../../src/cql/type.js';
import { cellValueType, cqlTypeName, fixedLength, isMultiCell, pathType } from '../../src/cql/type-facts.js';
import { corpusFiles, hasCorpus, readCorpus } from '../corpus.js';

const P = 'org.apache.cassandra.db.marshal.';
const person: CqlType = {
  kind: 'udt',
  keyspace: 'ks',
  name: 'Person',
  fields: [
    { name: 'name', type: native('text') },
    { name: 'tags', type: { kind: 'set', element: native('int'), multiCell: false } },
  ],
  multiCell: true,
};
const personText = `${P}UserType(ks,506572736f6e,6e616d65:${P}UTF8Type,74616773:${P}FrozenType(${P}SetType(${P}Int32Type)))`;

describe('marshal types', () => {
  it('read short names, blanks and the text of nothing', () => {
    expect(parseMarshalType(' MapType( UTF8Type ,\tLongType ) ')).toEqual({
      kind: 'map',
      key: native('text'),
      value: native('bigint'),
      multiCell: true,
    });
    expect(parseMarshalType('')).toEqual(native('blob'));
  });

  it('freeze all below a FrozenType, and the elements of any collection', () => {
    const frozenInts = { kind: 'list', element: native('int'), multiCell: false };
    expect(parseMarshalType('FrozenType(MapType(Int32Type,ListType(Int32Type)))')).toMatchObject({
      multiCell: false,
      value: frozenInts,
    });
    expect(parseMarshalType('MapType(Int32Type,ListType(Int32Type))')).toMatchObject({
      multiCell: true,
      value: frozenInts,
    });
    expect(parseMarshalType(personText)).toEqual(person);
    expect(parseMarshalType(`FrozenType(${personText})`)).toEqual(freeze(person));
    expect(marshalTypeName(person)).toBe(personText);
  });

  it('keep classes that are not known, with their parameters', () => {
    for (const text of ['com.example.Point', 'com.example.Grid(a=>1,(b)) ']) {
      const type = parseMarshalType(`ListType(${text})`);
      expect(type).toMatchObject({ element: { kind: 'custom', className: text.trim() } });
      expect(marshalTypeName(type)).toBe(`${P}ListType(${text.trim()})`);
    }
    expect(cqlTypeName(parseMarshalType('com.example.Point'))).toBe("'com.example.Point'");
    const column =
      'ColumnToCollectionType(6162:org.apache.cassandra.db.marshal.ListType(org.apache.cassandra.db.marshal.Int32Type))';
    expect(parseMarshalType(column)).toEqual({ kind: 'custom', className: column });
  });

  it('know the type behind the order of a partitioner', () => {
    const type = parseMarshalType('PartitionerDefinedOrder(org.apache.cassandra.dht.Murmur3Partitioner:UTF8Type)');
    expect(type).toMatchObject({ kind: 'custom', of: native('text') });
  });

  it.each([
    ['ListType', 'ListType without parameters'],
    ['ListType()', 'ListType has 0 parameters, not 1,'],
    ['MapType(Int32Type)', 'MapType has 1 parameters, not 2,'],
    ['ListType(Int32Type', "')' expected"],
    ['ListType(Int32Type))', 'text after the type'],
    ['ListType(%)', 'a type name expected'],
    ['UserType(ks)', 'UserType without a name'],
    ['UserType(ks,7)', 'a name in hex expected'],
    ['UserType(ks,ff)', 'name 0xff is not UTF-8'],
    ['UserType(ks,74,61=Int32Type)', "':' expected"],
    ['VectorType(FloatType)', 'a vector dimension expected'],
    ['VectorType(FloatType , 0)', 'a vector dimension expected'],
    ['VectorType(EmptyType , 2147483647)', 'a vector of empty values'],
    ['DynamicCompositeType(ab=>Int32Type)', 'an alias of one character expected'],
    ['com.example.Grid(a(b)', "')' expected"],
    ['ListType('.repeat(70), 'nested deeper than 64'],
  ])('refuse %s', (text, message) => {
    const work = () => parseMarshalType(text, { file: 'oa-1-big-Statistics.db', offset: 77 });
    expect(work).toThrow(CorruptError);
    expect(work).toThrow(message);
    expect(() => work()).toThrow(
      expect.objectContaining({ facts: expect.objectContaining({ offset: 77, file: 'oa-1-big-Statistics.db' }) }),
    );
  });

  it('do not take the names of object properties for classes', () => {
    expect(parseMarshalType('constructor')).toEqual({ kind: 'custom', className: 'constructor' });
  });
});

describe('complex columns', () => {
  const list = parseMarshalType('ListType(Int32Type)');
  const set = parseMarshalType('SetType(UTF8Type)');
  const map = parseMarshalType('MapType(UTF8Type,LongType)');

  it('have cells of the type of their elements', () => {
    expect([list, set, map, native('int'), freeze(list)].map((type) => cellValueType(type))).toEqual([
      native('int'),
      native('empty'),
      native('bigint'),
      native('int'),
      freeze(list),
    ]);
    expect(cellValueType(person, Buffer.from([0, 0]))).toEqual(native('text'));
    expect(() => cellValueType(person, Buffer.from([0, 2]))).toThrow(CorruptError);
    expect(() => cellValueType(person, Buffer.from([0]))).toThrow(CorruptError);
  });

  it('have paths', () => {
    expect([list, set, map, person].map(pathType)).toEqual([
      native('timeuuid'),
      native('text'),
      native('text'),
      native('smallint'),
    ]);
    expect([list, freeze(list), native('int')].map(isMultiCell)).toEqual([true, false, false]);
  });
});

type Compatibility = {
  known_types: string[];
  value_compatible_types: Record<string, string[]>;
  multicell_types: string[];
};

describe.runIf(hasCorpus())('types that Cassandra printed', () => {
  it.each(corpusFiles('.json.gz', ['public/extras/types-compatibility']))('%s: print as they were read', (file) => {
    const recorded = JSON.parse(gunzipSync(readCorpus(file)).toString()) as Compatibility;
    const texts = new Set([
      ...recorded.known_types,
      ...recorded.multicell_types,
      ...Object.entries(recorded.value_compatible_types).flatMap(([type, others]) => [type, ...others]),
    ]);
    expect(texts.size).toBeGreaterThan(1000);
    // the list of classes names some without the parameters they need
    const bare = /\.(?:Frozen|Reversed|List|Set|Map|Tuple|User|Vector|Composite|DynamicComposite)Type$|\$/;
    const simple = [...texts].filter((text) => !bare.test(text));
    expect(simple.filter((text) => marshalTypeName(parseMarshalType(text)) !== text)).toEqual([]);
  });

  it('have the widths of native values', () => {
    const widths = ['Int32Type', 'ShortType', 'VectorType(Int32Type , 3)', 'ReversedType(UUIDType)', 'SimpleDateType'];
    expect(widths.map((text) => fixedLength(parseMarshalType(text)))).toEqual([4, -1, 12, 16, -1]);
  });
});
