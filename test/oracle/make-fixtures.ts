/** `fixtures/make.sh [NAME...]`: makes the fixtures anew with real Cassandra. What is in each stands in fixtures/README.md. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Client } from 'cassandra-driver';
import {
  connect,
  cql,
  type Node,
  nodetool,
  selectJson,
  setup,
  startNode,
  stopNode,
  ToolServer,
  tool,
  V5,
  V41,
} from './cassandra.js';
import { shop } from './workloads/shop.js';
import { table } from './workloads/workload.js';
import { zoo } from './workloads/zoo.js';

const FIXTURES = {
  'oa-5.0': {
    version: V5,
    yaml: [
      'storage_compatibility_mode: NONE',
      'sstable: { selected_format: big }',
      'dynamic_data_masking_enabled: true',
    ],
  },
  'da-5.0': {
    version: V5,
    yaml: [
      'storage_compatibility_mode: NONE',
      'sstable: { selected_format: bti }',
      'uuid_sstable_identifiers_enabled: true',
      'dynamic_data_masking_enabled: true',
    ],
  },
  'nb-4.1': { version: V41, yaml: [] },
} as const;
type FixtureName = keyof typeof FIXTURES;

const YAML = [
  'column_index_size: 4KiB',
  'materialized_views_enabled: true',
  'user_defined_functions_enabled: true',
  'cdc_enabled: false',
  'auto_snapshot: true',
];
const KEYSPACES = ['shop', 'zoo', 'Odd'];
const ROOT = fileURLToPath(new URL('../../fixtures/', import.meta.url));
/** Texts that are larger are gzipped. */
const PLAIN_BYTES = 1024;

function write(file: string, text: string | Buffer): void {
  mkdirSync(dirname(file), { recursive: true });
  if (text.length > PLAIN_BYTES) writeFileSync(`${file}.gz`, gzipSync(text, { level: 9 }));
  else writeFileSync(file, text);
}

/** Every file below `directory`, relative to it. */
function files(directory: string): string[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort();
}

async function fill(node: Node, client: Client): Promise<void> {
  const workloads = [shop(node.version), zoo(node.version)];
  await cql(
    client,
    workloads.flatMap((workload) => workload.create),
  );
  await cql(client, [
    `CREATE KEYSPACE "Odd" WITH replication = {'class': 'NetworkTopologyStrategy', 'datacenter1': 1} AND durable_writes = false`,
    `CREATE TYPE "Odd"."Type" ("from" int)`,
    table('"Odd"', '"Names"', `k int PRIMARY KEY, "T" frozen<"Type">`),
    `INSERT INTO "Odd"."Names" (k, "T") VALUES (1, {"from": 1}) USING TIMESTAMP 1`,
  ]);
  nodetool(node, 'disableautocompaction');
  for (const round of [0, 1, 2]) {
    for (const workload of workloads) await cql(client, workload.rounds[round] ?? []);
    if (round === 1) {
      nodetool(node, 'enablebackup');
      nodetool(node, 'flush', 'zoo', 'kept');
      nodetool(node, 'disablebackup');
      nodetool(node, 'snapshot', '-t', 'before-cleanup', '-kt', 'zoo.kept');
    }
    for (const keyspace of KEYSPACES) nodetool(node, 'flush', keyspace);
    if (round < 2) nodetool(node, 'flush', 'system_schema');
    if (round === 1) nodetool(node, 'compact', 'shop', 'sensors');
    if (round === 1) nodetool(node, 'disableautocompaction');
  }
  await cql(client, ['DROP TABLE zoo.abandoned']);
  nodetool(node, 'flush', 'system_schema');
}

/** What the node says of its data: rows of every table, and the schema as CQL. */
async function describe(client: Client, out: string): Promise<void> {
  for (const keyspace of [...KEYSPACES, 'system_schema']) {
    const names = await client.execute('SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?', [
      keyspace,
    ]);
    for (const name of names.rows.map((row) => String(row.table_name))) {
      const path = join(out, 'view', keyspace, `${name}.jsonl`);
      try {
        const rows = await selectJson(client, `"${keyspace}"."${name}"`);
        write(path, rows.map((row) => `${row}\n`).join(''));
      } catch (error) {
        write(path.replace('.jsonl', '.err'), `${(error as Error).message}\n`);
      }
    }
    if (keyspace === 'system_schema') continue;
    const described = await client.execute(`DESCRIBE KEYSPACE "${keyspace}"`);
    mkdirSync(join(out, 'describe'), { recursive: true });
    writeFileSync(
      join(out, 'describe', `${keyspace}.cql`),
      described.rows.map((row) => `${row.create_statement}\n`).join('\n'),
    );
  }
}

/** The real tools' texts for each SSTable of the tables themselves (a snapshot's or a backup's are copies). */
async function golden(data: string, out: string): Promise<void> {
  const tools = new ToolServer(V5);
  for (const file of files(data).filter((name) => name.endsWith('-Data.db') && !/\/(snapshots|backups)\//.test(name))) {
    for (const [name, suffix] of [
      ['sstabledump', 'dump.json'],
      ['sstablemetadata', 'metadata.txt'],
    ] as const) {
      const { status, stdout, stderr } = await tools.run(name, [join(data, file)]);
      const text = stdout.toString().replaceAll(`${data}/`, '');
      const path = join(out, file.replace('-Data.db', `.${suffix}`));
      if (status === 0 && !stderr.includes('Exception')) write(path, text);
      else {
        console.error(`${name} ${file}: ${status} ${stderr.slice(0, 300)}`);
        write(path.replace(/\.\w+$/, '.err'), `${stderr.split('\n')[0]!.replaceAll(`${data}/`, '')}\n`);
      }
    }
  }
  tools.close();
}

async function make(name: FixtureName): Promise<void> {
  const { version, yaml } = FIXTURES[name];
  setup([version, V5]);
  const dir = mkdtempSync(join(tmpdir(), 'fixture-'));
  const out = join(ROOT, name);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const node = await startNode(version, dir, {
    address: '127.0.41.1',
    jmxPort: 17941,
    yaml: [...YAML, ...yaml],
    // Else each change of the schema flushes an SSTable.
    jvm: ['-Dcassandra.test.flush_local_schema_changes=false'],
  });
  try {
    const client = await connect(node);
    await fill(node, client);
    await sleep(3000); // the shortest TTLs are over
    writeFileSync(join(out, 'clock'), `${Math.floor(Date.now() / 1000)}\n`);
    await describe(client, out);
    await client.shutdown();
  } finally {
    await stopNode(node);
  }
  const data = join(out, 'data');
  for (const keyspace of [...KEYSPACES, 'system_schema'])
    cpSync(join(dir, 'data', keyspace), join(data, keyspace), { recursive: true });
  writeFileSync(
    join(out, 'cassandra.yaml'),
    readFileSync(join(dir, 'conf/cassandra.yaml'), 'utf8').replaceAll(`${dir}/`, ''),
  );
  repair(data);
  await golden(data, join(out, 'golden'));
  rmSync(dir, { recursive: true });
  console.log(`${name}: ${files(out).length} files`);
}

/** Marks the oldest SSTable of zoo.repaired as repaired. */
function repair(data: string): void {
  const directory = readdirSync(join(data, 'zoo')).find((name) => name.startsWith('repaired-'))!;
  const oldest = readdirSync(join(data, 'zoo', directory))
    .filter((name) => name.endsWith('-Data.db'))
    .sort()[0]!;
  const { status, stderr } = tool(V5, 'sstablerepairedset', [
    '--really-set',
    '--is-repaired',
    join(data, 'zoo', directory, oldest),
  ]);
  if (status !== 0) throw new Error(stderr);
}

function removeEmptyDirectories(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true }))
    if (entry.isDirectory()) removeEmptyDirectories(join(directory, entry.name));
  if (readdirSync(directory).length === 0) rmdirSync(directory);
}

const wanted = process.argv.filter((word): word is FixtureName => word in FIXTURES);
for (const name of wanted.length > 0 ? wanted : (Object.keys(FIXTURES) as FixtureName[])) {
  await make(name);
  removeEmptyDirectories(join(ROOT, name));
}
