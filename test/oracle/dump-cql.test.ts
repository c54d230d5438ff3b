/** What `dump --format cql` prints, given to a node: the same cells must come out, timestamps, expiries and deletions included. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Client } from 'cassandra-driver';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { diskStorage } from '../../src/bytes/source.js';
import { CqlWriter } from '../../src/render/dump-cql.js';
import { NdjsonWriter } from '../../src/render/dump-ndjson.js';
import { openSSTable } from '../../src/sstable/sstable.js';
import {
  connect,
  cql,
  missing,
  type Node,
  nodetool,
  selectJson,
  setup,
  startNode,
  stopNode,
  V5,
  V41,
} from './cassandra.js';

const lacks = missing([V5, V41]);
if (lacks && process.env.CI) throw new Error(`real Cassandra can't be run: ${lacks}`);

type Table = {
  readonly columns: string;
  readonly options?: string;
  readonly partitionKey: readonly string[];
  readonly clustering: readonly string[];
  /** T is the table's name, @n the timestamp n microseconds after 2023-11-14T22:13:20Z. */
  readonly writes: readonly string[];
  /** Written later, to both: what a deletion hides. */
  readonly probes?: readonly string[];
  /** The range tombstones may be cut otherwise than they were. */
  readonly cutsRanges?: boolean;
};

const START = 1_700_000_000_000_000n;
const HARSH = ['tab\tnew\nline\r\n', 'a /* b */ c', 'it\'\'s -- $$ ; "q" 東京😀', '\u2028\u0085\u0001', ''];
const SLICES = [
  'k = 0 AND a = 1',
  'k = 0 AND a >= 2 AND a < 3',
  'k = 1 AND a = 1 AND b > 1',
  'k = 1 AND a = 1 AND b <= 2',
  'k = 1 AND (a, b) > (2, 1) AND (a, b) <= (3, 2)',
  'k = 2 AND (a, b, c) >= (0, 1, 2) AND (a, b) < (2, 2)',
  'k = 2 AND a = 2 AND (b, c) > (1, 1) AND (b, c) <= (3, 2)',
  'k = 2 AND a = 3 AND b = 1 AND c >= 1 AND c < 3',
  'k = 3 AND a <= 1',
  'k = 3 AND a > 1',
  'k = 3 AND a > 0 AND a < 3',
  'k = 3 AND a = 0 AND b = 0 AND c = 1',
  'k = 4',
];
const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const cube = range(5).flatMap((k) =>
  range(4).flatMap((a) => range(4).flatMap((b) => range(4).map((c) => [k, a, b, c].join(', ')))),
);

const ranges = (order: string): Table => ({
  columns: 'k int, a int, b int, c int, v int, PRIMARY KEY (k, a, b, c)',
  options: `CLUSTERING ORDER BY (${order})`,
  partitionKey: ['k'],
  clustering: ['a', 'b', 'c'],
  writes: [
    ...cube
      .filter((_, i) => i % 7 === 0)
      .map((key) => `INSERT INTO T (k, a, b, c, v) VALUES (${key}, 1) USING TIMESTAMP @5`),
    ...SLICES.map((slice, i) => `DELETE FROM T USING TIMESTAMP @${10 + ((i * 7) % 5)} WHERE ${slice}`),
    'INSERT INTO T (k, a, b, c, v) VALUES (3, 1, 1, 1, 9) USING TIMESTAMP @30',
  ],
  probes: range(5).flatMap((i) =>
    cube
      .filter((_, n) => n % 5 === i)
      .map((key) => `INSERT INTO T (k, a, b, c, v) VALUES (${key}, 2) USING TIMESTAMP @${9 + i}`),
  ),
  cutsRanges: order !== 'a ASC, b ASC, c ASC',
});

const NATIVES = `a ascii, b bigint, bl blob, bo boolean, da date, de decimal, do double, du duration, f float, i inet, n int, sm smallint,
  te text, ti time, ts timestamp, tu timeuuid, ty tinyint, u uuid, v varint`;
const TYPED = [
  `'asc', -9223372036854775808, 0x00ff, true, '2024-02-29', -1.500E-30, NaN, 1y2mo3d4h5m6s7ms8us9ns, -Infinity, '::1', -2147483648, -32768,
   'text', '23:59:59.999999999', '2024-06-01T12:00:00.001Z', 50554d6e-29bb-11e5-b345-feff819cdc9f, -128, 12340000-0000-4000-8000-000000000000, -1`,
  `'', 9223372036854775807, 0x, false, '-5877641-06-23', 0E+5, -0.0, -1d, 1.0E-45, '1.2.3.4', 0, 0,
   '', '00:00:00', -99999999999999, 50554d6e-29bb-11e5-b345-feff819cdc9f, 0, 12340000-0000-4000-8000-000000000000, 123456789012345678901234567890`,
  `blobAsAscii(0x410a), blobAsBigint(0x), null, null, null, blobAsDecimal(0x), blobAsDouble(0x), null, blobAsFloat(0x), blobAsInet(0x),
   blobAsInt(0x), null, null, null, blobAsTimestamp(0x), blobAsTimeuuid(0x), null, blobAsUuid(0x), blobAsVarint(0x)`,
];

const TABLES: Readonly<Record<string, Table>> = {
  types: {
    columns: `k int PRIMARY KEY, ${NATIVES}`,
    partitionKey: ['k'],
    clustering: [],
    writes: [
      ...TYPED.map(
        (values, k) =>
          `INSERT INTO T (k, ${NATIVES.replace(/(\w+) \w+/g, '$1')}) VALUES (${k}, ${values}) USING TIMESTAMP @${k}`,
      ),
      ...HARSH.map((text, i) => `INSERT INTO T (k, te) VALUES (${10 + i}, '${text}') USING TIMESTAMP @0`),
    ],
  },
  keys: {
    columns: 'a text, "B" blob, "select" text, c timestamp, v int, PRIMARY KEY ((a, "B"), "select", c)',
    options: 'CLUSTERING ORDER BY ("select" DESC, c ASC)',
    partitionKey: ['a', 'B'],
    clustering: ['select', 'c'],
    writes: HARSH.flatMap((text, i) => [
      `INSERT INTO T (a, "B", "select", c, v) VALUES ('${text}', 0x0${i}, '${text}', ${i}, ${i}) USING TIMESTAMP @${i}`,
      `INSERT INTO T (a, "B", "select", c) VALUES ('key', 0x, '${text}', ${i}) USING TIMESTAMP @${i}`,
      `UPDATE T USING TIMESTAMP @${i} SET v = 1 WHERE a = 'unmarked' AND "B" = 0x AND "select" = '${text}' AND c = ${i}`,
      `DELETE FROM T USING TIMESTAMP @${i} WHERE a = 'gone' AND "B" = 0x AND "select" = '${text}' AND c = ${i}`,
      `DELETE FROM T USING TIMESTAMP @${i} WHERE a = 'gone' AND "B" = 0x0${i}`,
    ]),
  },
  collections: {
    columns:
      'k int, c int, l list<text>, m map<text, int>, s set<text>, u user, fl frozen<list<text>>, fm frozen<map<int, frozen<set<text>>>>, fu frozen<user>, t tuple<int, text>, sm map<int, text> static, sl list<int> static, PRIMARY KEY (k, c)',
    partitionKey: ['k'],
    clustering: ['c'],
    writes: [
      `INSERT INTO T (k, c, l, m, s, u, fl, fm, fu, t) VALUES (1, 1, ['a', 'a', 'b\n'], {'x': 1, 'y/*': 2}, {'p', 'q\t'}, {street: 's', zip: 1, "Tags": {'h'}},
        ['f\r'], {1: {'a'}, 2: {}}, {street: 'fs\n', zip: null, "Tags": null}, (1, 't')) USING TIMESTAMP @10`,
      "UPDATE T USING TIMESTAMP @20 SET l = l + ['late', 'later'], m['z'] = 26, s = s + {'r'}, u.zip = 2 WHERE k = 1 AND c = 1",
      "DELETE m['x'], s['p'], u.street FROM T USING TIMESTAMP @30 WHERE k = 1 AND c = 1",
      "UPDATE T USING TIMESTAMP @10 SET l = ['set'], m = {'set': 1}, s = {'set'}, u = {street: 'set'} WHERE k = 1 AND c = 2",
      "UPDATE T USING TIMESTAMP @11 AND TTL 50000 SET l = l + ['ttl'], m['ttl'] = 2, s = s + {'ttl'}, u.zip = 3 WHERE k = 1 AND c = 2",
      "UPDATE T USING TIMESTAMP @12 AND TTL 1 SET m['set'] = 5, m['over'] = 3, s = s + {'over'} WHERE k = 1 AND c = 2",
      'DELETE l, m, s, u, fl FROM T USING TIMESTAMP @10 WHERE k = 1 AND c = 3',
      "INSERT INTO T (k, sm, sl) VALUES (1, {1: 'one', 2: 'two'}, [1, 2]) USING TIMESTAMP @10",
      'DELETE sm[1] FROM T USING TIMESTAMP @20 WHERE k = 1',
      "UPDATE T USING TIMESTAMP @10 SET sl = sl + [3], sm = sm + {3: 'three'} WHERE k = 2",
      ...range(40).map(
        (i) =>
          `UPDATE T USING TIMESTAMP @${100 + i} SET m['many ${i}'] = ${i}, l = l + ['n${i}'] WHERE k = 3 AND c = 1`,
      ),
    ],
  },
  ttl: {
    columns: 'k int, c int, v text, w int, PRIMARY KEY (k, c)',
    options: 'default_time_to_live = 864000',
    partitionKey: ['k'],
    clustering: ['c'],
    writes: [
      "INSERT INTO T (k, c, v, w) VALUES (1, 1, 'default', 1) USING TIMESTAMP @10",
      "INSERT INTO T (k, c, v, w) VALUES (1, 2, 'never', 1) USING TIMESTAMP @10 AND TTL 0",
      "INSERT INTO T (k, c, v, w) VALUES (1, 3, 'long', 1) USING TIMESTAMP @10 AND TTL 100000",
      "UPDATE T USING TIMESTAMP @11 AND TTL 200000 SET v = 'longer' WHERE k = 1 AND c = 3",
      "INSERT INTO T (k, c, v, w) VALUES (1, 4, 'over', 1) USING TIMESTAMP @10 AND TTL 1",
      "UPDATE T USING TIMESTAMP @11 AND TTL 0 SET v = 'stays' WHERE k = 1 AND c = 4",
      'INSERT INTO T (k, c) VALUES (1, 5) USING TIMESTAMP @10 AND TTL 300000',
      "UPDATE T USING TIMESTAMP @12 AND TTL 0 SET v = 'only' WHERE k = 1 AND c = 6",
    ],
    probes: [4, 9].map((c) => `INSERT INTO T (k, c, v, w) VALUES (1, ${c}, 'old', 0) USING TIMESTAMP @5`),
  },
  rows: {
    columns: 'k int, c int, v text, w int, st text static, PRIMARY KEY (k, c)',
    partitionKey: ['k'],
    clustering: ['c'],
    writes: [
      'DELETE FROM T USING TIMESTAMP @10 WHERE k = 1',
      "INSERT INTO T (k, c, v) VALUES (1, 1, 'after') USING TIMESTAMP @11",
      'DELETE FROM T USING TIMESTAMP @12 WHERE k = 1 AND c = 2',
      "INSERT INTO T (k, c, v, w) VALUES (1, 2, 'again', null) USING TIMESTAMP @13",
      'DELETE v FROM T USING TIMESTAMP @14 WHERE k = 1 AND c = 3',
      "UPDATE T USING TIMESTAMP @10 SET st = 'static' WHERE k = 2",
      'DELETE st FROM T USING TIMESTAMP @15 WHERE k = 3',
      'INSERT INTO T (k, c) VALUES (4, 1) USING TIMESTAMP @10',
      "UPDATE T USING TIMESTAMP @10 SET v = 'no marker' WHERE k = 4 AND c = 2",
      "UPDATE T USING TIMESTAMP -5 SET v = 'before 1970' WHERE k = 4 AND c = 3",
      "UPDATE T USING TIMESTAMP 9223372036854775807 SET v = 'the end' WHERE k = 4 AND c = 4",
    ],
    probes: range(4).flatMap((c) => [
      `INSERT INTO T (k, c, v, w, st) VALUES (1, ${c}, 'old', 0, 'old') USING TIMESTAMP @9`,
      `INSERT INTO T (k, c, v, w, st) VALUES (3, ${c}, 'old', 0, 'old') USING TIMESTAMP @9`,
    ]),
  },
  single: {
    columns: 'k int PRIMARY KEY, v text',
    partitionKey: ['k'],
    clustering: [],
    writes: [
      'DELETE FROM T USING TIMESTAMP @10 WHERE k = 1',
      "INSERT INTO T (k, v) VALUES (2, 'v') USING TIMESTAMP @10",
      "UPDATE T USING TIMESTAMP @10 SET v = 'v' WHERE k = 3",
      'DELETE v FROM T USING TIMESTAMP @10 WHERE k = 4',
    ],
  },
  ranges: ranges('a ASC, b ASC, c ASC'),
  ranges_down: ranges('a DESC, b DESC, c DESC'),
  ranges_mixed: ranges('a DESC, b ASC, c DESC'),
  compact: {
    columns: 'k text, c int, d int, v text, PRIMARY KEY (k, c, d)',
    options: 'COMPACT STORAGE',
    partitionKey: ['k'],
    clustering: ['c', 'd'],
    writes: [
      "INSERT INTO T (k, c, d, v) VALUES ('k', 1, 2, 'v') USING TIMESTAMP @10",
      "INSERT INTO T (k, c, v) VALUES ('k', 1, 'absent') USING TIMESTAMP @10",
      "DELETE FROM T USING TIMESTAMP @10 WHERE k = 'k' AND c = 3 AND d = 4",
    ],
  },
  compact_keys: {
    columns: 'k text, c int, PRIMARY KEY (k, c)',
    options: 'COMPACT STORAGE',
    partitionKey: ['k'],
    clustering: ['c'],
    writes: [
      "INSERT INTO T (k, c) VALUES ('k', 1) USING TIMESTAMP @10",
      "DELETE FROM T USING TIMESTAMP @10 WHERE k = 'k' AND c = 2",
    ],
  },
};
const COUNTERS = [
  'UPDATE T SET n = n + 5, m = m - 7 WHERE k = 1 AND c = 1',
  'UPDATE T SET s = s + 9223372036854775807 WHERE k = 1',
  'UPDATE T SET n = n - 9223372036854775807 WHERE k = 2 AND c = 1',
  'UPDATE T SET n = n - 1 WHERE k = 2 AND c = 1',
];

const statements = (keyspace: string, table: string, texts: readonly string[]) =>
  texts.map((text) =>
    text.replace(/\bT\b(?= |$)/, `${keyspace}.${table}`).replace(/@(\d+)/, (_, n: string) => String(START + BigInt(n))),
  );

const create = (keyspace: string) => [
  `CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
  `CREATE TYPE ${keyspace}.user (street text, zip int, "Tags" frozen<set<text>>)`,
  ...Object.entries(TABLES).map(
    ([name, { columns, options }]) =>
      `CREATE TABLE ${keyspace}.${name} (${columns})${options ? ` WITH ${options}` : ''}`,
  ),
  `CREATE TABLE ${keyspace}.counters (k int, c int, n counter, m counter, s counter static, PRIMARY KEY (k, c))`,
];

const COUNTER_TABLE: Table = { columns: '', partitionKey: ['k'], clustering: ['c'], writes: COUNTERS };

type Line = Record<string, unknown> & {
  kind: string;
  cells?: Record<string, unknown>[];
  liveness?: Record<string, unknown>;
};

/** A line of NDJSON without what CQL can't keep. */
function comparable(line: Line): Line {
  const { position: _, sstable: __, keyspace: ___, ...rest } = line;
  const text = JSON.stringify(rest, (key, value) => (key === 'local_deletion_time' ? undefined : value));
  const kept = JSON.parse(text) as Line;
  for (const timed of [kept.liveness ?? {}, ...(kept.cells ?? [])]) {
    if (timed.expired === true && timed !== kept.liveness) {
      delete timed.value;
      timed.deleted = true;
    }
    if (timed.expired === false) timed.expires = Math.round(Number(timed.expires) / 1000);
    else delete timed.expires;
    delete timed.ttl;
    delete timed.expired;
    if (timed.column === 'l' || timed.column === 'sl') delete timed.path;
  }
  return kept;
}

describe.skipIf(lacks !== undefined).each([V5, V41])('cells of %s that a script brings back', (version) => {
  const dir = fs.mkdtempSync(path.join(tmpdir(), 'lsmctl-cql-'));
  let node: Node;
  let client: Client;
  let now: number;

  async function dump(kind: 'cql' | 'ndjson', keyspace: string, name: string, target = keyspace): Promise<string> {
    const { partitionKey, clustering } = TABLES[name] ?? COUNTER_TABLE;
    const folder = path.join(dir, 'data', keyspace);
    const tables = fs.readdirSync(folder).filter((entry) => entry.replace(/-[0-9a-f]{32}$/, '') === name);
    expect(tables).toHaveLength(1);
    const files = fs.readdirSync(path.join(folder, tables[0]!)).filter((file) => file.endsWith('-Data.db'));
    expect(files, `${keyspace}.${name}`).toHaveLength(1);
    const sstable = await openSSTable(diskStorage, path.join(folder, tables[0]!, files[0]!));
    const context = { keyspace: target, table: name, sstable: files[0]!, partitionKey, clustering, nowSeconds: now };
    const parts: Buffer[] = [];
    const sink = { write: (bytes: Uint8Array) => void parts.push(Buffer.from(bytes)) };
    const writer = new { cql: CqlWriter, ndjson: NdjsonWriter }[kind](sstable.header, context, sink);
    writer.begin();
    const cursor = sstable.cursor();
    while (cursor.nextPartition()) writer.partition(cursor);
    writer.end();
    writer.flush();
    sstable.close();
    return Buffer.concat(parts).toString();
  }

  const lines = (text: string) =>
    text
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => JSON.parse(line) as Line);

  beforeAll(async () => {
    setup([version]);
    const yaml = version === V5 ? ['storage_compatibility_mode: NONE'] : [];
    node = await startNode(version, dir, { address: '127.0.0.31', jmxPort: 7931, yaml });
    client = await connect(node);
    await cql(client, create('source'));
    await cql(client, create('copy'));
    nodetool(node, 'disableautocompaction');
    for (const [name, { writes }] of Object.entries({ ...TABLES, counters: COUNTER_TABLE })) {
      await cql(client, statements('source', name, writes), 1);
    }
    nodetool(node, 'flush', 'source');
    await new Promise((resolve) => setTimeout(resolve, 2000)); // the shortest TTLs are over
    now = Math.floor(Date.now() / 1000);
    for (const name of [...Object.keys(TABLES), 'counters']) {
      const script = (await dump('cql', 'source', name, 'copy')).trimEnd().split('\n');
      const run = script.filter((line) => !line.startsWith('-- '));
      expect(run.filter((line) => !line.endsWith(';'))).toEqual([]);
      await cql(
        client,
        run.map((line) => line.slice(0, -1)),
        1,
      );
    }
    nodetool(node, 'flush', 'copy');
    await new Promise((resolve) => setTimeout(resolve, 2000)); // so is liveness that was over before
    now = Math.floor(Date.now() / 1000);
  });

  afterAll(async () => {
    await client?.shutdown();
    if (node) await stopNode(node);
    fs.rmSync(dir, { recursive: true });
  });

  it.each(Object.keys(TABLES))('%s: every cell and deletion', async (name) => {
    const wanted = (line: Line) => !(TABLES[name]!.cutsRanges && line.kind.startsWith('range'));
    const source = lines(await dump('ndjson', 'source', name)).filter(wanted);
    const copy = lines(await dump('ndjson', 'copy', name)).filter(wanted);
    expect(source.length).toBeGreaterThan(1);
    expect(copy.map(comparable)).toEqual(source.map(comparable));
  });

  it.each([...Object.keys(TABLES), 'counters'])('%s: the same answers, and nothing older shows', async (name) => {
    const source = await selectJson(client, `source.${name}`);
    expect(await selectJson(client, `copy.${name}`)).toEqual(source);
    const probes = TABLES[name]?.probes;
    if (!probes) return;
    for (const keyspace of ['source', 'copy']) await cql(client, statements(keyspace, name, probes));
    const answers = await selectJson(client, `source.${name}`);
    expect(answers).not.toEqual(source);
    expect(await selectJson(client, `copy.${name}`)).toEqual(answers);
  });
});
