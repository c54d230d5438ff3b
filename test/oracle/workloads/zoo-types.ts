/** The zoo's tables for types: every native type, collections and user types in both forms, clusterings of every type, custom types. */
import { hex, quote, random, range, START_MICROS, table, uuid, words } from './workload.js';
import type { Exhibit } from './zoo.js';

const KS = 'zoo';
const at = (round: number): bigint => START_MICROS + BigInt(round) * 1_000_000n;

const NATIVE = `a ascii, b bigint, bl blob, bo boolean, da date, de decimal, do double, du duration, f float, i inet, n int, sm smallint,
  te text, ti time, ts timestamp, tu timeuuid, ty tinyint, u uuid, v varint`;

/** Values at the edges of each type; the n-th of each makes the n-th row. */
export const EDGES: Readonly<Record<string, readonly string[]>> = {
  a: ["''", "'plain'", '\'~ "q" \\\'', quote('\t\n')],
  b: ['0', '-1', '9223372036854775807', '-9223372036854775808'],
  bl: ['0x', '0x00', '0xff80', `0x${'ab'.repeat(70)}`],
  bo: ['true', 'false'],
  da: ["'1970-01-01'", "'2023-11-14'", '0', '4294967295', "'1582-10-15'", "'0001-01-01'", "'1969-12-31'"],
  de: [
    '0',
    '0.00',
    '-1.5',
    '1E10',
    '1E-7',
    '123456789012345678901234567890.123456789',
    '-1E300',
    '100',
    '0E+3',
    '1E-6',
    '12345678901E-20',
  ],
  do: [
    '0.0',
    '-0.0',
    '1.0',
    'NaN',
    'Infinity',
    '-Infinity',
    '1.7976931348623157E308',
    '4.9E-324',
    '0.1',
    '123456789.125',
    '1.0E7',
    '9999999.0',
    '0.001',
    '9.99E-4',
    '2.2250738585072014E-308',
  ],
  du: ['0s', '1mo2d3ns', '1y2mo', '-12h30m', 'P1Y2M10DT2H30M', '178956970y7mo', '1ns', '2147483647d'],
  f: [
    '0.0',
    '-0.0',
    '1.5',
    'NaN',
    'Infinity',
    '-Infinity',
    '3.4028235E38',
    '1.4E-45',
    '0.1',
    '16777216.0',
    '1.0E7',
    '0.001',
    '9.99E-4',
  ],
  i: ["'127.0.0.1'", "'255.255.255.255'", "'::1'", "'2001:db8::ff00:42:8329'", "'::ffff:10.0.0.1'", "'fe80::'"],
  n: ['0', '-1', '2147483647', '-2147483648'],
  sm: ['0', '-1', '32767', '-32768'],
  te: [
    "''",
    quote('naïve 東京 𝄞 😀'),
    quote('"q" \\ / \b\f\n\r\t \u0001\u007f\u0085\u2028\ufeff'),
    quote("it's </b> & %"),
    quote('long '.repeat(60)),
  ],
  ti: ["'00:00:00'", "'23:59:59.999999999'", "'08:12:54.1'", "'08:12:54.123456'", "'01:00:00'"],
  ts: [
    "'1970-01-01T00:00:00Z'",
    '-1',
    '1700000000123',
    "'1500-02-03T04:05:06.007Z'",
    '253402300800000',
    '-62135596800001',
    '9223372036854775807',
    '-9223372036854775808',
  ],
  tu: [
    '5b6962dd-3f90-11ed-9c4e-9b8d2b1f3a7c',
    '00000000-0000-1000-8080-808080808080',
    'ffffffff-ffff-1fff-bf7f-7f7f7f7f7f7f',
    'd2177dd0-eaa2-11de-a572-001b779c76e3',
  ],
  ty: ['0', '-1', '127', '-128'],
  u: [
    '00000000-0000-0000-0000-000000000000',
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
    'd2177dd0-eaa2-11de-a572-001b779c76e3',
    uuid(1),
  ],
  v: ['0', '-1', '127', '128', '-128', '-129', '340282366920938463463374607431768211456', `-${'9'.repeat(80)}`],
};

const types: Exhibit = {
  create: [table(KS, 'types', `k int PRIMARY KEY, ${NATIVE}`)],
  rounds: [
    range(0, 15).map((k) => {
      const columns = Object.keys(EDGES);
      const values = columns.map((column) => EDGES[column]![k % EDGES[column]!.length]!);
      return `INSERT INTO zoo.types (k, ${columns.join(', ')}) VALUES (${k}, ${values.join(', ')}) USING TIMESTAMP ${at(0)}`;
    }),
    [
      // Values of no bytes, which are neither null nor absent (sstabledump stops at such a boolean).
      `INSERT INTO zoo.types (k, b, de, do, f, i, n, ts, u, v) VALUES (100, blobAsBigint(0x), blobAsDecimal(0x), blobAsDouble(0x),
         blobAsFloat(0x), blobAsInet(0x), blobAsInt(0x), blobAsTimestamp(0x), blobAsUuid(0x), blobAsVarint(0x)) USING TIMESTAMP ${at(1)}`,
      `INSERT INTO zoo.types (k, te, bl, n) VALUES (101, null, 0x, null) USING TIMESTAMP ${at(1)}`,
      `INSERT INTO zoo.types (k) VALUES (102) USING TIMESTAMP -5`,
      `INSERT INTO zoo.types (k, n) VALUES (103, 1) USING TIMESTAMP 9223372036854775807`,
      `UPDATE zoo.types USING TIMESTAMP ${at(1)} SET te = 'no primary key liveness' WHERE k = 104`,
      `DELETE te, n FROM zoo.types USING TIMESTAMP ${at(1)} WHERE k = 1`,
      `DELETE FROM zoo.types USING TIMESTAMP ${at(1)} WHERE k = 2`,
    ],
  ],
};

const collections: Exhibit = {
  create: [
    table(
      KS,
      'collections',
      `k text, c int, l list<int>, s set<text>, m map<text, bigint>, st set<timestamp>, mb map<blob, boolean>, mu map<uuid, double>,
      sd set<date>, lf list<frozen<map<int, text>>>, ms map<frozen<tuple<int, text>>, frozen<set<int>>>, fl frozen<list<text>>, fm frozen<map<int, frozen<set<int>>>>,
      fs frozen<set<inet>>, PRIMARY KEY (k, c)`,
    ),
  ],
  rounds: [0, 1].map((i) =>
    range(0, 3).flatMap((k) => [
      ...range(i, i + 3).map(
        (
          c,
        ) => `INSERT INTO zoo.collections (k, c, l, s, m, st, mb, mu, sd, lf, ms, fl, fm, fs) VALUES ('k${k}', ${c}, [${c}, ${k}, ${c}], {'', 'b', 'é${c}'}, {'x': ${c}, 'y"z': -1},
          {'2023-01-0${c + 1}T00:00:00Z', 0}, {0x: true, 0x0${c}: false}, {${uuid(c)}: 1.5, ${uuid(k)}: NaN}, {'1970-01-01', '2023-11-14'}, [{1: 'a', 2: ''}, {}],
          {(1, 'one'): {3, 1, 2}, (2, null): {}}, ['p', 'q"'], {1: {2, 3}, ${c + 5}: {}}, {'10.0.0.1', '::1'}) USING TIMESTAMP ${at(i)}`,
      ),
      `UPDATE zoo.collections USING TIMESTAMP ${at(i) + 5n} SET l = l + [${i}], s = s - {'b'}, m['z${i}'] = ${k} WHERE k = 'k${k}' AND c = ${i + 1}`,
      `DELETE m['x'], l, mb[0x] FROM zoo.collections USING TIMESTAMP ${at(i) + 6n} WHERE k = 'k${k}' AND c = ${i + 2}`,
      `UPDATE zoo.collections USING TIMESTAMP ${at(i) + 7n} AND TTL ${i === 0 ? 1 : 20_000_000} SET s = s + {'expiring'}, m['ttl'] = 1 WHERE k = 'k${k}' AND c = ${i}`,
      `INSERT INTO zoo.collections (k, c, fl, s) VALUES ('empty', ${k + i}, [], {}) USING TIMESTAMP ${at(i)}`,
    ]),
  ),
};

const userTypes: Exhibit = {
  create: [
    'CREATE TYPE zoo.address (street text, zip int, tags frozen<set<text>>)',
    'CREATE TYPE zoo.person (name text, home frozen<address>, born date)',
    'CREATE TYPE zoo."Odd Type" ("first field" int, "Ключ" text)',
    table(
      KS,
      'user_types',
      `k int PRIMARY KEY, u address, fu frozen<person>, o "Odd Type", t tuple<int, text, boolean>, tt tuple<frozen<tuple<int, duration>>, frozen<list<text>>>,
      lp list<frozen<person>>, mp map<text, frozen<address>>, fk frozen<map<frozen<address>, frozen<tuple<uuid, double>>>>`,
    ),
  ],
  rounds: [
    range(0, 4).map(
      (
        k,
      ) => `INSERT INTO zoo.user_types (k, u, fu, o, t, tt, lp, mp, fk) VALUES (${k}, {street: 's${k}', zip: ${k}, tags: {'h', 'é'}}, {name: 'n"${k}', home: {street: 'z', zip: null}, born: '2000-02-29'},
        {"first field": ${k}, "Ключ": 'ж'}, (${k}, 't', ${k % 2 === 0}), ((${k}, 1mo2d), ['a', 'b']), [{name: 'x'}, {home: {zip: 7}}], {'a': {street: 'q', tags: {}}},
        {{street: 'k', zip: 1}: (${uuid(k)}, -0.5)}) USING TIMESTAMP ${at(0)}`,
    ),
    [
      `UPDATE zoo.user_types USING TIMESTAMP ${at(1)} SET u.zip = 99, o."Ключ" = null WHERE k = 1`,
      `DELETE u.street FROM zoo.user_types USING TIMESTAMP ${at(1)} WHERE k = 2`,
      `INSERT INTO zoo.user_types (k, u, t, tt) VALUES (3, null, (null, '', null), (null, [])) USING TIMESTAMP ${at(1)}`,
      `INSERT INTO zoo.user_types (k, t) VALUES (5, (1, 'x', null)) USING TIMESTAMP ${at(1)}`,
      // A value written before the type grew has fewer fields than the type.
      'ALTER TYPE zoo.person ADD email text',
      `INSERT INTO zoo.user_types (k, fu) VALUES (6, {name: 'later', email: 'a@b'}) USING TIMESTAMP ${at(1)}`,
    ],
  ],
};

/** Literals of every type that can cluster, with their neighbours in its order. */
export const CLUSTERINGS: Readonly<Record<string, readonly string[]>> = {
  ascii: ["''", "'a'", "'aa'", "'b'"],
  bigint: EDGES.b!,
  blob: ['0x', '0x00', '0x0000', '0x00ff', '0xff', '0xfe00'],
  boolean: EDGES.bo!,
  date: EDGES.da!,
  decimal: [...EDGES.de!, '-0.1', '-0.11', '1.1', '-1E10'],
  double: EDGES.do!,
  float: EDGES.f!,
  inet: EDGES.i!,
  int: [...EDGES.n!, '255', '256', '65536'],
  smallint: EDGES.sm!,
  text: ["''", "'a'", "'a b'", "'aé'", "'東京'", quote('a\u0000b'), quote('𝄞')],
  time: EDGES.ti!,
  timestamp: EDGES.ts!,
  timeuuid: EDGES.tu!,
  tinyint: EDGES.ty!,
  uuid: [...EDGES.u!, uuid(2), uuid(3)],
  varint: [...EDGES.v!, '255', '256', '-255', '-256', '72057594037927936'],
  'frozen<list<int>>': ['[]', '[1]', '[1, 2]', '[-1]', '[2]'],
  'frozen<set<text>>': ['{}', "{'a'}", "{'a', 'b'}", "{'b'}"],
  // not {}: in a descending column Cassandra 5.0 takes that for a set, and fails
  'frozen<map<text, int>>': ["{'a': 0}", "{'a': 1}", "{'a': 2}", "{'a': 1, 'b': 0}"],
  'tuple<int, text>': ["(1, 'a')", "(1, '')", '(1, null)', "(-1, 'z')"],
  'frozen<address>': ["{street: 'a', zip: 1}", "{street: 'a'}", "{street: 'b', zip: -1, tags: {'t'}}"],
};

const ORDERED = Object.keys(CLUSTERINGS);
const GROUPS = range(0, Math.ceil(ORDERED.length / 4)).map((i) => ORDERED.slice(i * 4, i * 4 + 4));

/** Every type as a clustering in both directions, four types a table; the rows go through the values of one type while the others stay. */
const clusterings: Exhibit = {
  create: GROUPS.map((types, i) => {
    const columns = types.flatMap((type, n) => [`up${n} ${type}`, `down${n} ${type}`]).join(', ');
    const names = types.flatMap((_, n) => [`up${n}`, `down${n}`]);
    const order = types.flatMap((_, n) => [`up${n} ASC`, `down${n} DESC`]);
    return table(KS, `clusterings_${i}`, `k int, ${columns}, v int, PRIMARY KEY (k, ${names.join(', ')})`, [
      `CLUSTERING ORDER BY (${order.join(', ')})`,
    ]);
  }),
  rounds: [
    GROUPS.flatMap((types, i) => {
      const name = `zoo.clusterings_${i}`;
      const names = types.flatMap((_, n) => [`up${n}`, `down${n}`]);
      const still = types.flatMap((type) => [CLUSTERINGS[type]![0]!, CLUSTERINGS[type]![1]!]);
      const rows = types.flatMap((type, n) => {
        const values = CLUSTERINGS[type]!;
        return values.map((up, j) => still.with(2 * n, up).with(2 * n + 1, values[(j + 1) % values.length]!));
      });
      return [
        ...rows.map(
          (row, v) =>
            `INSERT INTO ${name} (k, ${names.join(', ')}, v) VALUES (1, ${row.join(', ')}, ${v}) USING TIMESTAMP ${at(0)}`,
        ),
        `DELETE FROM ${name} USING TIMESTAMP ${at(0) + 1n} WHERE k = 2 AND up0 = ${still[0]} AND down0 > ${still[1]}`,
        `DELETE FROM ${name} USING TIMESTAMP ${at(0) + 1n} WHERE k = 2 AND up0 > ${still[0]}`,
      ];
    }),
  ],
};

const COMPOSITE =
  "'org.apache.cassandra.db.marshal.CompositeType(org.apache.cassandra.db.marshal.UTF8Type,org.apache.cassandra.db.marshal.Int32Type)'";
const DYNAMIC =
  "'org.apache.cassandra.db.marshal.DynamicCompositeType(b=>org.apache.cassandra.db.marshal.BytesType,s=>org.apache.cassandra.db.marshal.UTF8Type,i=>org.apache.cassandra.db.marshal.Int32Type,I=>org.apache.cassandra.db.marshal.ReversedType(org.apache.cassandra.db.marshal.Int32Type))'";

const MARSHAL = 'org.apache.cassandra.db.marshal';

/** Types that CQL names only by their class. No real tool can print composites within a row as JSON; as the partition key it can. */
const customTypes: Exhibit = {
  create: [
    table(KS, 'custom_key', `k ${COMPOSITE} PRIMARY KEY, v int`),
    table(KS, 'custom_dynamic_key', `k ${DYNAMIC} PRIMARY KEY, v int`),
    table(KS, 'custom_clustering', `k int, c ${DYNAMIC}, d ${COMPOSITE}, v int, PRIMARY KEY (k, c, d)`, [
      'CLUSTERING ORDER BY (c ASC, d DESC)',
    ]),
    table(KS, 'custom_values', `k int PRIMARY KEY, c ${COMPOSITE}, d ${DYNAMIC}`),
    table(
      KS,
      'custom_simple',
      `k '${MARSHAL}.LexicalUUIDType', c '${MARSHAL}.LexicalUUIDType', e '${MARSHAL}.EmptyType', i '${MARSHAL}.IntegerType', PRIMARY KEY (k, c)`,
    ),
  ],
  rounds: [
    [
      ["'s@a:i@1'", "'x:1'"],
      ["'s@a:i@2'", "'x:2'"],
      ["'i@5:s@b'", "'y:-1'"],
      ["'b@00ff'", "'y'"],
      ["'I@7'", "'z\\:q:3'"],
    ].flatMap(([dynamic, composite], n) => [
      `INSERT INTO zoo.custom_key (k, v) VALUES (${composite}, ${n}) USING TIMESTAMP ${at(0)}`,
      `INSERT INTO zoo.custom_dynamic_key (k, v) VALUES (${dynamic}, ${n}) USING TIMESTAMP ${at(0)}`,
      `INSERT INTO zoo.custom_clustering (k, c, d, v) VALUES (${n % 2}, ${dynamic}, ${composite}, ${n}) USING TIMESTAMP ${at(0)}`,
      `INSERT INTO zoo.custom_values (k, c, d) VALUES (${n}, ${composite}, ${dynamic}) USING TIMESTAMP ${at(0)}`,
      `INSERT INTO zoo.custom_simple (k, c, e, i) VALUES (${uuid(n % 2)}, ${uuid(n)}, blobAsEmpty(0x), ${n - 2}) USING TIMESTAMP ${at(0)}`,
    ]),
  ],
};

const vectors: Exhibit = {
  from5: true,
  create: [
    table(
      KS,
      'vectors',
      'k int PRIMARY KEY, e vector<float, 4>, x vector<text, 2>, n vector<int, 3>, vv vector<frozen<vector<double, 2>>, 2>, t vector<frozen<tuple<int, text>>, 1>',
    ),
  ],
  rounds: [0, 1].map((i) => {
    const r = random(7 + i);
    return range(i * 5, i * 5 + 10).map(
      (k) =>
        `INSERT INTO zoo.vectors (k, e, x, n, vv, t) VALUES (${k}, [${range(0, 4).map(() => (r.next() - 0.5).toFixed(5))}], [${quote(words(r, 2))}, ''], [1, -1, ${k}], [[0.5, NaN], [-1.0, ${k}.25]], [(${k}, 'v')]) USING TIMESTAMP ${at(i)}`,
    );
  }),
};

const keyOnly: Exhibit = {
  create: [
    table(KS, 'key_only', 'k blob, c varint, PRIMARY KEY (k, c)'),
    table(KS, 'composite_keys', 'a int, b text, c timestamp, d uuid, v text, PRIMARY KEY ((a, b), c, d)', [
      'CLUSTERING ORDER BY (c DESC, d ASC)',
    ]),
    table(KS, 'boolean_key', 'k boolean PRIMARY KEY, v text'),
    table(KS, 'tuple_key', 'k frozen<tuple<int, text>>, u frozen<address>, v int, PRIMARY KEY ((k, u))'),
  ],
  rounds: [0, 1].map((i) => {
    const r = random(20 + i);
    return [
      ...range(0, 15).map(
        () =>
          `INSERT INTO zoo.key_only (k, c) VALUES (0x${hex(r, r.int(1, 40))}, ${r.pick(['', '-'])}${r.int(1, 2 ** 45)}${r.int(1, 2 ** 45)}) USING TIMESTAMP ${at(i)}`,
      ),
      ...range(0, 3).flatMap((a) =>
        ['', 'β', 'long'.repeat(40), 'x:y'].map(
          (b) =>
            `INSERT INTO zoo.composite_keys (a, b, c, d, v) VALUES (${a}, '${b}', ${1_600_000_000_000 + (a + i) * 60_000}, ${uuid(a)}, '${b.slice(0, 3)}') USING TIMESTAMP ${at(i)}`,
        ),
      ),
      `INSERT INTO zoo.boolean_key (k, v) VALUES (${i === 0}, 'v${i}') USING TIMESTAMP ${at(i)}`,
      `INSERT INTO zoo.tuple_key (k, u, v) VALUES ((${i}, null), {street: 's', zip: ${i}}, 1) USING TIMESTAMP ${at(i)}`,
    ];
  }),
};

export const typeExhibits: readonly Exhibit[] = [
  types,
  collections,
  userTypes,
  clusterings,
  customTypes,
  vectors,
  keyOnly,
];
