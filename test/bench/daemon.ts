/** Major compactions by a real node, that is kept for all rounds: its compaction thread is warm after the first. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Client } from 'cassandra-driver';
import { connect, cql, type Node, nodetool, startNode, stopNode, V5 } from '../oracle/cassandra.js';
import { cpuSeconds } from './measure.js';

/** Deletions stay however old the benchmark's SSTables are. */
export const GC_GRACE_SECONDS = 315_360_000;

const TABLES = {
  orders_by_id:
    'CREATE TABLE shop.orders_by_id (order_id uuid PRIMARY KEY, user_id uuid, status text, amount decimal, description text, created_at timestamp)',
  events:
    'CREATE TABLE shop.events (device int, seq int, kind text, reading double, payload text, owner text static, PRIMARY KEY (device, seq))',
  wide: 'CREATE TABLE shop.wide (key int, position int, body blob, note text, PRIMARY KEY (key, position))',
} as const;
export type BenchTable = keyof typeof TABLES;

export type DaemonRun = {
  /** As the log says: the task alone, without the start of nodetool. */
  readonly seconds: number;
  /** Of the compaction's own thread, in steps of 10 ms; what the JVM's compilers and collectors take beside it is not in it. */
  readonly cpuSeconds: number;
  readonly partitions: number;
  /** The Data.db that was written; gone with the next round. */
  readonly output: string;
};

/** compaction_throughput 0 is without a limit; sstable_preemptive_open_interval and the rest are the daemon's defaults. */
const YAML = [
  'storage_compatibility_mode: NONE',
  'sstable: { selected_format: big }',
  'compaction_throughput: 0MiB/s',
  'concurrent_compactors: 1',
  'auto_snapshot: false',
];
const JVM = ['-Xms2g', '-Xmx2g', '-XX:+UseG1GC', '-Dcassandra.autocompaction_on_startup_enabled=false'];

export class Daemon {
  readonly #node: Node;
  readonly #client: Client;

  private constructor(node: Node, client: Client) {
    this.#node = node;
    this.#client = client;
  }

  static async start(): Promise<Daemon> {
    const dir = mkdtempSync(join(tmpdir(), 'lsmctl-bench-'));
    const node = await startNode(V5, dir, { address: '127.0.47.1', jmxPort: 17971, yaml: YAML, jvm: JVM });
    const client = await connect(node);
    const replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}";
    await cql(client, [
      `CREATE KEYSPACE shop WITH replication = ${replication} AND durable_writes = false`,
      ...Object.values(TABLES).map((create) => `${create} WITH gc_grace_seconds = ${GC_GRACE_SECONDS}`),
    ]);
    nodetool(node, 'disableautocompaction');
    return new Daemon(node, client);
  }

  /** Truncates the table, takes copies of the SSTables in and compacts them. */
  async compact(table: BenchTable, inputs: readonly string[]): Promise<DaemonRun> {
    await this.#client.execute(`TRUNCATE shop.${table}`);
    // Under the table's own name: of other directories nothing is imported, without a word.
    const staging = join(this.#node.dir, 'staging/shop', basename(this.#directory(table)));
    rmSync(staging, { recursive: true, force: true });
    cpSync(dirname(inputs[0]!), staging, { recursive: true });
    // Levels and repair are kept and nothing is checked: the files stay as they are.
    nodetool(this.#node, 'import', '-l', '-r', '-v', '-t', '-c', 'shop', table, staging);
    const before = this.#compactionSeconds();
    nodetool(this.#node, 'compact', 'shop', table);
    const cpu = this.#compactionSeconds() - before;
    return { ...this.#lastTask(table, inputs.length), cpuSeconds: cpu, output: this.#output(table) };
  }

  /** Drops the rows, for room. */
  async forget(table: BenchTable): Promise<void> {
    await this.#client.execute(`TRUNCATE shop.${table}`);
  }

  async stop(): Promise<void> {
    await this.#client.shutdown();
    await stopNode(this.#node, 'SIGKILL');
    rmSync(this.#node.dir, { recursive: true, force: true });
  }

  /** @throws Error where the last task was of another table or took other SSTables than all of these */
  #lastTask(table: string, inputs: number): { readonly seconds: number; readonly partitions: number } {
    const log = readFileSync(join(this.#node.dir, 'system.log'), 'utf8');
    const line = log.split('\n').findLast((text) => text.includes(' - Compacted ('));
    const seen =
      line &&
      / Compacted \(\S+\) (\d+) sstables to \[(\S*)\].* in ([\d,]+)ms\..* total partitions merged to ([\d,]+)/.exec(
        line,
      );
    if (!seen || Number(seen[1]) !== inputs || !seen[2]!.includes(`/${table}-`)) {
      throw new Error(`the node did not compact the ${inputs} SSTables of shop.${table} into one: ${line}`);
    }
    const number = (text: string) => Number(text.replaceAll(',', ''));
    return { seconds: number(seen[3]!) / 1000, partitions: number(seen[4]!) };
  }

  #compactionSeconds(): number {
    const tasks = `/proc/${this.#node.process.pid}/task`;
    const isCompaction = (id: string) => readFileSync(join(tasks, id, 'comm'), 'utf8').startsWith('CompactionExec');
    return readdirSync(tasks)
      .filter(isCompaction)
      .reduce((sum, id) => sum + cpuSeconds(join(tasks, id)), 0);
  }

  #directory(table: string): string {
    const shop = join(this.#node.dir, 'data/shop');
    return join(shop, readdirSync(shop).find((name) => name.startsWith(`${table}-`))!);
  }

  /** The newest: those that were compacted may still be there. */
  #output(table: string): string {
    const directory = this.#directory(table);
    const generation = (name: string) => Number(/^\w+-(\d+)-/.exec(name)![1]);
    const data = readdirSync(directory).filter((name) => name.endsWith('-Data.db'));
    return join(
      directory,
      data.reduce((a, b) => (generation(a) > generation(b) ? a : b)),
    );
  }
}
