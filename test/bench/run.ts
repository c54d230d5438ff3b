/**
 * `npm run bench -- [dump] [metadata] [bloom] [verify] [tombstones] [plan] [replay] [compact] [--rounds N]`: lsmctl and the real tools on the same files in one run, with ratios and the targets they
 * are held to. Exits 1 where a target is missed. The SSTables are made with real Cassandra at first use (see bulk.ts). Names of bulk.ts limit
 * `compact` to those. LSMCTL names another bin/run.js.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { missing, setup, toolCommand, V5 } from '../oracle/cassandra.js';
import { benchBloom } from './bloom.js';
import { BULK, type BulkName, bulk } from './bulk.js';
import { benchCompact } from './compact.js';
import { type Command, compare, type Figures } from './measure.js';
import { benchPlan } from './plan.js';
import { benchRead } from './read.js';
import { benchReplay } from './replay.js';
import { missed, show, target } from './report.js';
import { benchTombstones } from './tombstones.js';
import { benchVerify } from './verify.js';

const LSMCTL = process.env.LSMCTL ?? fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const words = process.argv.slice(2);
const roundsAt = words.indexOf('--rounds');
const ROUNDS = roundsAt < 0 ? 5 : Number(words[roundsAt + 1]);
const asked = (name: string) => words.includes(name) || !words.some((word) => /^[a-z]+$/.test(word));

function node(label: string, ...args: string[]): Command {
  return { label, program: process.execPath, args };
}

function lsmctl(...args: string[]): Command {
  return node(`lsmctl ${args.map((arg) => (arg.includes('/') ? path.basename(arg) : arg)).join(' ')}`, LSMCTL, ...args);
}

function real(name: 'sstabledump' | 'sstablemetadata', ...args: string[]): Command {
  const [program, all] = toolCommand(V5, name, args);
  return { label: `${name} ${args.filter((arg) => arg.startsWith('-')).join(' ')}`.trim(), program, args: all };
}

/** CQLite's command line, where it is installed (`cargo install cqlite-cli`). */
function cqlite(): string | undefined {
  const places = [
    ...(process.env.PATH ?? '').split(':'),
    path.join(os.homedir(), '.cargo/bin'),
    path.join(os.homedir(), '.cache/cqlite/bin'),
  ];
  return places.map((place) => path.join(place, 'cqlite')).find((file) => fs.existsSync(file));
}

async function benchDump(): Promise<void> {
  for (const name of ['orders-250k', 'orders-2m'] as const) {
    const file = bulk(name);
    for (const flags of [[], ['-l']]) {
      const rounds = name === 'orders-2m' ? Math.min(ROUNDS, 3) : ROUNDS;
      const figures = await compare([lsmctl('dump', ...flags, file), real('sstabledump', file, ...flags)], rounds);
      const [ours, theirs] = figures as [Figures, Figures];
      show(`dump ${flags.join(' ')} of ${name} (${megabytes(file)} MB on disk)`, figures);
      target('wall time against sstabledump', ours.seconds / theirs.seconds, 0.2, 'of it');
      target('first line', ours.firstByteSeconds, 0.4, 's');
      target('peak memory', ours.peakMegabytes, 200, 'MB');
    }
  }
  await benchMemory();
  await benchCqlite();
}

/** Each further thread has its price; with as many threads, a larger file must take no more than a small one. */
async function benchMemory(): Promise<void> {
  for (const jobs of ['1', '2']) {
    const [small, large, wide] = await peaks(['orders-250k', 'orders-2m', 'wide-2g'], jobs);
    target(
      `peak memory, jobs ${jobs}, at eight times the rows, beyond that of the small file`,
      large! - small!,
      30,
      'MB',
    );
    target(
      `peak memory, jobs ${jobs}, of a partition of 2 GB, beyond that of the small file`,
      wide! - small!,
      60,
      'MB',
    );
  }
}

async function peaks(names: readonly BulkName[], jobs: string): Promise<number[]> {
  const list: number[] = [];
  for (const name of names) {
    const figures = await compare([lsmctl('dump', '--jobs', jobs, bulk(name))], 1);
    show(`memory: dump --jobs ${jobs} of ${name} (${megabytes(bulk(name))} MB on disk)`, figures);
    target('peak memory', figures[0]!.peakMegabytes, 200, 'MB');
    target('first line', figures[0]!.firstByteSeconds, 0.4, 's');
    list.push(figures[0]!.peakMegabytes);
  }
  return list;
}

async function benchCqlite(): Promise<void> {
  const program = cqlite();
  if (!program) {
    console.log('\nCQLite: not installed (cargo install cqlite-cli), not timed');
    return;
  }
  const file = bulk('orders-250k');
  const directory = path.dirname(file);
  const schema = path.join(os.tmpdir(), 'lsmctl-bench-orders.cql');
  fs.writeFileSync(
    schema,
    'CREATE TABLE shop.orders_by_id (order_id uuid PRIMARY KEY, user_id uuid, status text, amount decimal, description text, created_at timestamp);\n',
  );
  const query = ['--schema', schema, '--data-dir', path.dirname(path.dirname(directory)), '--out', 'json'];
  const theirs: Command = {
    label: 'cqlite SELECT * as JSON (values only)',
    program,
    args: [...query, '-e', 'SELECT * FROM shop.orders_by_id'],
  };
  try {
    show(
      'CQLite: values of the same table as JSON',
      await compare([lsmctl('dump', '--format', 'ndjson', file), theirs], 3),
    );
  } catch (error) {
    console.log(`\nCQLite could not be timed: ${(error as Error).message.split('\n')[0]}`);
  }
}

async function benchMetadata(): Promise<void> {
  const file = bulk('orders-250k');
  const figures = await compare(
    [lsmctl('metadata', file), real('sstablemetadata', file), node('node -e 0', '-e', '0')],
    Math.max(ROUNDS, 7),
  );
  const [ours, theirs, bare] = figures as [Figures, Figures, Figures];
  show('metadata of one SSTable', figures);
  target('wall time against sstablemetadata', ours.seconds / theirs.seconds, 0.25, 'of it');
  target('wall time against a bare start of node', ours.seconds / bare.seconds, 2.5, 'times it');
  const many = copies(file, 1000);
  const [all] = (await compare([lsmctl('metadata', '--format', 'sstablemetadata', many)], 3)) as [Figures];
  show('metadata of 1,000 SSTables in one call', [all]);
  target('each of 1,000 SSTables', (all.seconds * 1000) / 1000, 5, 'ms');
  fs.rmSync(many, { recursive: true, force: true });
}

/** A directory with `count` SSTables: hard links of one, which costs no space. */
function copies(file: string, count: number): string {
  const directory = path.join(
    path.dirname(path.dirname(path.dirname(path.dirname(file)))),
    'many',
    'shop',
    'orders_by_id',
  );
  fs.rmSync(directory, { recursive: true, force: true });
  fs.mkdirSync(directory, { recursive: true });
  const prefix = path.basename(file).replace('Data.db', '');
  const components = fs.readdirSync(path.dirname(file)).filter((name) => name.startsWith(prefix));
  for (let i = 1; i <= count; i++) {
    for (const name of components) {
      fs.linkSync(path.join(path.dirname(file), name), path.join(directory, name.replace(/-\d+-/, `-${i}-`)));
    }
  }
  return directory;
}

function compactNames(): readonly BulkName[] {
  return words.filter((word): word is BulkName => word in BULK && word.startsWith('compact-'));
}

function megabytes(file: string): string {
  return (fs.statSync(file).size / 1e6).toFixed(1);
}

const isPlanOnly = words.filter((word) => /^[a-z]+$/.test(word)).join() === 'plan';
if (asked('plan')) benchPlan(LSMCTL, ROUNDS);
const lacking = isPlanOnly ? undefined : missing([V5]);
if (lacking) throw new Error(`the real tools can't be run here: ${lacking}`);
if (!isPlanOnly) setup([V5]);
console.log(
  `${os.cpus().length} processors (${os.cpus()[0]?.model}), node ${process.version}, load ${os.loadavg()[0]?.toFixed(2)}`,
);
if (asked('dump')) await benchDump();
if (asked('metadata')) await benchMetadata();
if (asked('bloom')) await benchBloom(LSMCTL, ROUNDS);
if (asked('verify')) await benchVerify(LSMCTL, ROUNDS);
if (asked('read')) await benchRead(LSMCTL, ROUNDS);
if (asked('tombstones')) await benchTombstones(LSMCTL, ROUNDS);
if (asked('replay')) await benchReplay(LSMCTL, Math.min(ROUNDS, 3));
if (asked('compact')) await benchCompact(LSMCTL, roundsAt < 0 ? 3 : ROUNDS, compactNames());
console.log(missed() === 0 ? '\nall targets met' : `\n${missed()} targets missed`);
process.exitCode = missed() === 0 ? 0 : 1;
