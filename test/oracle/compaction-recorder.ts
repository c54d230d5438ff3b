/** Runs a real node's major compaction on a copy of a data directory and keeps what went in and what came out: see recordings.ts. */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import type { Client } from 'cassandra-driver';
import { diskStorage } from '../../src/bytes/source.js';
import { parseDescriptor } from '../../src/sstable/descriptor.js';
import { readStatistics } from '../../src/sstable/statistics.js';
import { FIXTURES } from '../fixtures.js';
import { connect, cql, type Node, nodetool, selectJson, setup, startNode, stopNode, V5, V41 } from './cassandra.js';
import { dataFiles, type RecordedTable, type RecordedTask, type Recording } from './recordings.js';
import { cuts } from './workloads/cuts.js';
import { chance } from './workloads/random.js';
import type { Workload } from './workloads/workload.js';

/** A directory with `data` and the `cassandra.yaml` of the node that wrote it. */
export type Source = { readonly directory: string; readonly version: string };

const CORPUS = fileURLToPath(new URL('../../../shared/corpus', import.meta.url));

/** What is there already. */
const SOURCES: Readonly<Record<string, Source>> = {
  'kitchen-oa-1': { directory: join(CORPUS, 'kitchen-oa-1'), version: V5 },
  'kitchen-da-1': { directory: join(CORPUS, 'kitchen-da-1'), version: V5 },
  'kitchen-nb-1': { directory: join(CORPUS, 'kitchen-nb-1'), version: V41 },
  'oa-5.0': { directory: join(FIXTURES, 'oa-5.0'), version: V5 },
  'da-5.0': { directory: join(FIXTURES, 'da-5.0'), version: V5 },
  'nb-4.1': { directory: join(FIXTURES, 'nb-4.1'), version: V41 },
};

/** What makes a node write SSTables of a format. */
export const NODES: Readonly<Record<string, { readonly version: string; readonly yaml: readonly string[] }>> = {
  oa: { version: V5, yaml: ['storage_compatibility_mode: NONE', 'sstable: { selected_format: big }'] },
  da: {
    version: V5,
    yaml: [
      'storage_compatibility_mode: NONE',
      'sstable: { selected_format: bti }',
      'uuid_sstable_identifiers_enabled: true',
    ],
  },
  nb: { version: V41, yaml: [] },
};

const SYSTEM = /^system/;
export const NODE = { address: '127.0.43.1', jmxPort: 17961 };
/** One task at a time, and as fast as it goes. */
const YAML = ['concurrent_compactors: 1', 'compaction_throughput: 0MiB/s'];
const JVM = ['-Dcassandra.autocompaction_on_startup_enabled=false', "-Dlog.date=yyyy-MM-dd'T'HH:mm:ss.SSS"];

/** What the source's own configuration says beyond what every node here has. */
function ownYaml(directory: string): string[] {
  const lines = readFileSync(join(directory, 'cassandra.yaml'), 'utf8').trim().split('\n');
  const own = lines.slice(lines.findIndex((line) => line.startsWith('seed_provider')) + 1);
  return own.filter((line) => !line.startsWith('commitlog_compression'));
}

/** As configured; else the format's own. */
function columnIndexBytes(yaml: readonly string[]): number {
  const line = yaml.find((text) => text.startsWith('column_index_size:'));
  if (line) return Number(/(\d+)KiB/.exec(line)![1]) * 1024;
  return yaml.some((text) => text.includes('selected_format: bti')) ? 16_384 : 65_536;
}

function userKeyspaces(data: string): string[] {
  return readdirSync(data).filter((name) => !SYSTEM.test(name));
}

/** The node that wrote the SSTables: only its own keep what they cover of the commit log. */
function hostOf(data: string): string {
  const tables = userKeyspaces(data).flatMap((name) =>
    readdirSync(join(data, name)).map((table) => join(data, name, table)),
  );
  const file = tables.flatMap(dataFiles)[0]!;
  return readStatistics(diskStorage, parseDescriptor(file).descriptor).stats.originatingHostId!;
}

/**
 * Makes `dir`/data/system, of a node with the host id, that takes all indexes and views to be built: it will not write to them when it starts on
 * the whole.
 */
async function makeSystemKeyspace(version: string, dir: string, source: string, hostId: string, yaml: string[]) {
  cpSync(join(source, 'data/system_schema'), join(dir, 'data/system_schema'), { recursive: true });
  const node = await startNode(version, dir, { ...NODE, yaml, jvm: JVM });
  try {
    const client = await connect(node);
    const views = await client.execute('SELECT keyspace_name, view_name FROM system_schema.views');
    const indexes = await client.execute('SELECT keyspace_name, index_name FROM system_schema.indexes');
    await cql(client, [
      `UPDATE system.local SET host_id = ${hostId} WHERE key = 'local'`,
      ...views.rows.map(
        (row) =>
          `INSERT INTO system.built_views (keyspace_name, view_name, status_replicated) VALUES ('${row.keyspace_name}', '${row.view_name}', true)`,
      ),
      ...indexes.rows.map(
        (row) =>
          `INSERT INTO system."IndexInfo" (table_name, index_name) VALUES ('${row.keyspace_name}', '${row.index_name}')`,
      ),
    ]);
    await client.shutdown();
    nodetool(node, 'flush', 'system');
  } finally {
    await stopNode(node, 'SIGKILL');
  }
  for (const name of readdirSync(dir)) if (name !== 'data') rmSync(join(dir, name), { recursive: true });
  for (const name of readdirSync(join(dir, 'data')))
    if (name !== 'system') rmSync(join(dir, 'data', name), { recursive: true });
}

type TableOptions = Pick<RecordedTable, 'gcGraceSeconds' | 'compaction'>;

async function readOptions(client: Client): Promise<Map<string, TableOptions>> {
  const options = new Map<string, TableOptions>();
  for (const [kind, name] of [
    ['tables', 'table_name'],
    ['views', 'view_name'],
  ] as const) {
    const { rows } = await client.execute(
      `SELECT keyspace_name, ${name} AS name, gc_grace_seconds, compaction FROM system_schema.${kind}`,
    );
    for (const row of rows) {
      const compaction = row.compaction as Record<string, string>;
      options.set(`${row.keyspace_name}.${row.name}`, { gcGraceSeconds: Number(row.gc_grace_seconds), compaction });
    }
  }
  return options;
}

/** The tasks that a log tells of, in the order of their starts. `place` turns a path of the node's into one of the recording. */
function tasksOf(log: string, input: (file: string) => string, output: (file: string) => string): RecordedTask[] {
  const tasks: RecordedTask[] = [];
  const started = new Map<string, { inputs: string[]; startMillis: number }>();
  for (const line of log.split('\n')) {
    const start = /^INFO +(\S+) CompactionTask - Compacting \((\S+)\) \[(.*)\]$/.exec(line);
    if (start) {
      const inputs = [...start[3]!.matchAll(/(\S+-Data\.db):level=\d+/g)].map((match) => input(match[1]!)).sort();
      started.set(start[2]!, { inputs, startMillis: Date.parse(`${start[1]}Z`) });
    }
    const end = /^INFO +(\S+) CompactionTask - Compacted \((\S+)\) \d+ sstables to \[(.*)\] to level=(\d+)/.exec(line);
    const before = end && started.get(end[2]!);
    if (!end || !before) continue;
    const outputs = end[3]!
      .split(',')
      .filter((name) => name !== '')
      .map((name) => output(`${name.replace(/-$/, '')}-Data.db`));
    tasks.push({ ...before, outputs, endMillis: Date.parse(`${end[1]}Z`), level: Number(end[4]) });
  }
  return tasks;
}

/** Rows of each table of the keyspaces as the node answers them; of what it can't, the error. */
export async function readAnswers(client: Client, keyspaces: readonly string[]): Promise<Record<string, string[]>> {
  const answers: Record<string, string[]> = {};
  for (const keyspace of keyspaces) {
    const { rows } = await client.execute('SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?', [
      keyspace,
    ]);
    for (const name of rows.map((row) => String(row.table_name))) {
      answers[`${keyspace}.${name}`] = await selectJson(client, `"${keyspace}"."${name}"`).catch((error: Error) => [
        `error: ${error.message}`,
      ]);
    }
  }
  return answers;
}

type Compacted = {
  readonly options: ReadonlyMap<string, TableOptions>;
  readonly answers: Readonly<Record<string, string[]>>;
  readonly changedAnswers: readonly string[];
};

async function compactAll(node: Node, keyspaces: readonly string[]): Promise<Compacted> {
  const client = await connect(node);
  const options = await readOptions(client);
  nodetool(node, 'disableautocompaction');
  const answers = await readAnswers(client, keyspaces);
  for (const keyspace of keyspaces) nodetool(node, 'compact', keyspace);
  const after = await readAnswers(client, keyspaces);
  await client.shutdown();
  const changedAnswers = Object.keys(answers).filter((table) => !isDeepStrictEqual(answers[table], after[table]));
  return { options, answers, changedAnswers };
}

/** A data directory with a keyspace of that workload, flushed round by round, and the configuration it was made with. */
export async function makeDirectory(version: string, own: readonly string[], workload: Workload): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'lsmctl-make-'));
  const node = await startNode(version, dir, { ...NODE, yaml: [...YAML, ...own], jvm: JVM });
  try {
    const client = await connect(node);
    await cql(client, workload.create);
    nodetool(node, 'disableautocompaction');
    for (const round of workload.rounds) {
      await cql(client, round);
      nodetool(node, 'flush', workload.keyspace);
    }
    nodetool(node, 'flush', 'system_schema');
    await client.shutdown();
  } finally {
    await stopNode(node);
  }
  for (const name of readdirSync(join(dir, 'data')))
    if (name !== workload.keyspace && name !== 'system_schema') rmSync(join(dir, 'data', name), { recursive: true });
  writeFileSync(join(dir, 'cassandra.yaml'), `seed_provider: -\n${own.map((line) => `${line}\n`).join('')}`);
  await sleep(2000); // the shortest TTLs are over
  return dir;
}

/** All that are recorded where nothing else is asked for; those of the corpus only where that is there. */
export const RECORDED_NAMES: readonly string[] = [
  ...Object.keys(SOURCES).filter((name) => existsSync(SOURCES[name]!.directory)),
  ...Object.keys(NODES).map((format) => `cuts-${format}`),
];

/** @param name one of {@link RECORDED_NAMES}, or `random-FORMAT-SEED`: made anew, and kept in the recording alone */
export async function recordNamed(root: string, name: string): Promise<Recording> {
  const source = SOURCES[name];
  if (source) return recordDirectory(root, name, source);
  const [kind, format, seed] = name.split('-');
  const node = NODES[format!];
  if (!node) throw new Error(`${name}: no such recording`);
  setup([node.version]);
  const workload = kind === 'cuts' ? cuts(node.version) : chance(node.version, Number(seed));
  const yaml = kind === 'cuts' ? node.yaml : [...node.yaml, 'column_index_size: 2KiB'];
  const directory = await makeDirectory(node.version, yaml, workload);
  const recording = await recordDirectory(root, name, { directory, version: node.version });
  rmSync(directory, { recursive: true });
  return recording;
}

/** Records into `root`/`name`. @throws Error where the node fails */
export async function recordDirectory(root: string, name: string, { directory, version }: Source): Promise<Recording> {
  setup([version]);
  const dir = mkdtempSync(join(tmpdir(), 'lsmctl-record-'));
  const out = join(root, `.${name}`); // it gets its name once it is whole
  rmSync(out, { recursive: true, force: true });
  const source = join(directory, 'data');
  const yaml = [...YAML, ...ownYaml(directory)];
  const hostId = hostOf(source);
  await makeSystemKeyspace(version, dir, directory, hostId, yaml);
  cpSync(source, join(dir, 'data'), { recursive: true });
  cpSync(source, join(out, 'input'), { recursive: true });
  const local = readdirSync(join(dir, 'data/system')).find((table) => table.startsWith('local-'))!;
  cpSync(join(dir, 'data/system', local), join(out, 'input/system', local), { recursive: true });
  const keyspaces = userKeyspaces(source);
  const before = Date.now();
  const node = await startNode(version, dir, { ...NODE, yaml, jvm: JVM });
  let compacted: Compacted;
  try {
    compacted = await compactAll(node, keyspaces);
  } finally {
    await stopNode(node);
  }
  for (const keyspace of keyspaces)
    cpSync(join(dir, 'data', keyspace), join(out, 'output', keyspace), { recursive: true });
  const log = readFileSync(join(dir, 'system.log'), 'utf8');
  writeFileSync(join(out, 'system.log'), log);
  const tasks = tasksOf(
    log,
    (file) => join('input', relative(join(dir, 'data'), file)),
    (file) => join('output', relative(join(dir, 'data'), file)),
  );
  const tables = keyspaces.flatMap((keyspace) =>
    recordedTables(out, keyspace, compacted.options, tasks, Math.floor(before / 1000)),
  );
  const recording: Recording = {
    name,
    cassandra: version,
    hostId,
    columnIndexBytes: columnIndexBytes(yaml),
    changedAnswers: compacted.changedAnswers,
    tables,
  };
  writeFileSync(join(out, 'answers.json'), JSON.stringify(compacted.answers));
  writeFileSync(join(out, 'manifest.json'), `${JSON.stringify(recording, undefined, 1)}\n`);
  rmSync(dir, { recursive: true });
  rmSync(join(root, name), { recursive: true, force: true });
  renameSync(out, join(root, name));
  return recording;
}

function recordedTables(
  out: string,
  keyspace: string,
  options: ReadonlyMap<string, TableOptions>,
  tasks: readonly RecordedTask[],
  before: number,
): RecordedTable[] {
  return readdirSync(join(out, 'input', keyspace)).flatMap((directory) => {
    const table = `${keyspace}.${directory.replace(/-[0-9a-f]{32}$/, '')}`;
    const own = options.get(table);
    const [inputDirectory, outputDirectory] = ['input', 'output'].map((side) => join(side, keyspace, directory));
    if (!own || !existsSync(join(out, outputDirectory!))) return [];
    const files = (side: string) => dataFiles(join(out, side)).map((file) => relative(out, file));
    const mine = tasks.filter(({ inputs }) => inputs.some((file) => dirname(file) === inputDirectory));
    return {
      table,
      inputDirectory: inputDirectory!,
      outputDirectory: outputDirectory!,
      inputs: files(inputDirectory!),
      outputs: files(outputDirectory!),
      nowSeconds: mine[0] ? Math.floor(mine[0].startMillis / 1000) : before,
      ...own,
      tasks: mine,
    };
  });
}
