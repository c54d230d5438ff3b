/**
 * `lsmctl verify` against sstableverify on the same SSTables, and against reading the same bytes through zlib.crc32. The real tool wants the table in
 * the schema of its data directory: a node makes one first, and the SSTables are linked into it.
 */
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect, cql, startNode, stopNode, toolCommand, V5 } from '../oracle/cassandra.js';
import { type BulkName, benchDirectory, bulk } from './bulk.js';
import { type Command, compare, type Figures } from './measure.js';
import { show, target, targetAtLeast } from './report.js';

const CHECKSUM = fileURLToPath(new URL('checksum-bytes.mjs', import.meta.url));
const HOME = path.join(benchDirectory, 'verify-node');
const NAMES = ['orders-250k', 'orders-2m'] as const;
const TABLES: Readonly<Record<(typeof NAMES)[number], string>> = {
  'orders-250k': 'orders_250k',
  'orders-2m': 'orders_2m',
};
const PEAK_MEGABYTES = 200;

/** @param bin lsmctl's bin/run.js */
export async function benchVerify(bin: string, rounds: number): Promise<void> {
  await makeHome();
  for (const name of NAMES) {
    const directory = linkedTable(name);
    const [bytes] = [checksum(directory)];
    for (const [label, ours, theirs, wanted] of [
      ['default', [], ['-f'], 6],
      ['deep', ['--deep'], ['-e', '-f'], 5],
    ] as const) {
      const own: Command = {
        label: `lsmctl verify ${ours.join(' ')}`.trim(),
        program: process.execPath,
        args: [bin, 'verify', ...ours, directory],
      };
      const figures = (await compare([own, real(theirs, TABLES[name]), bytes], rounds)) as [Figures, Figures, Figures];
      show(`verify of ${name}: ${label}`, figures);
      targetAtLeast(
        `times as fast as sstableverify ${theirs.join(' ')}`,
        figures[1].seconds / figures[0].seconds,
        wanted,
        'times',
      );
      if (label === 'default')
        targetAtLeast('of the rate of zlib.crc32', figures[2].seconds / figures[0].seconds, 0.5, 'of it');
      target('peak memory', figures[0].peakMegabytes, PEAK_MEGABYTES, 'MB');
    }
  }
  await benchWide(bin, rounds);
}

/** One partition of 2 GB: little but checksums. */
async function benchWide(bin: string, rounds: number): Promise<void> {
  const directory = path.dirname(bulk('wide-2g'));
  const own: Command = { label: 'lsmctl verify', program: process.execPath, args: [bin, 'verify', directory] };
  const figures = (await compare([own, checksum(directory)], rounds)) as [Figures, Figures];
  show('verify of wide-2g: default', figures);
  targetAtLeast('of the rate of zlib.crc32', figures[1].seconds / figures[0].seconds, 0.5, 'of it');
  target('peak memory', figures[0].peakMegabytes, PEAK_MEGABYTES, 'MB');
}

function checksum(directory: string): Command {
  const files = fs.readdirSync(directory).map((name) => path.join(directory, name));
  return { label: 'zlib.crc32 of the same files', program: process.execPath, args: [CHECKSUM, ...files] };
}

function real(flags: readonly string[], table: string): Command {
  const [program, args] = toolCommand(V5, 'sstableverify', [...flags, 'shop', table], HOME);
  return { label: `sstableverify ${flags.join(' ')}`, program, args };
}

/** A data directory whose schema has the tables; made once. */
async function makeHome(): Promise<void> {
  if (fs.existsSync(path.join(HOME, 'data/shop'))) return;
  fs.rmSync(HOME, { recursive: true, force: true });
  fs.mkdirSync(HOME, { recursive: true });
  const yaml = ['storage_compatibility_mode: NONE', 'sstable: { selected_format: big }'];
  const node = await startNode(V5, HOME, { address: '127.0.0.60', jmxPort: 7206, yaml });
  try {
    const client = await connect(node);
    const columns =
      'order_id uuid PRIMARY KEY, user_id uuid, status text, amount decimal, description text, created_at timestamp';
    await cql(client, [
      "CREATE KEYSPACE shop WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
      ...Object.values(TABLES).map((table) => `CREATE TABLE shop.${table} (${columns})`),
    ]);
    await client.shutdown();
  } finally {
    await stopNode(node);
  }
}

function linkedTable(name: (typeof NAMES)[number] & BulkName): string {
  const from = path.dirname(bulk(name));
  const below = path.join(HOME, 'data/shop');
  const directory = path.join(below, fs.readdirSync(below).find((one) => one.startsWith(`${TABLES[name]}-`))!);
  for (const file of fs.readdirSync(from)) {
    const target = path.join(directory, file);
    if (!fs.existsSync(target)) fs.linkSync(path.join(from, file), target);
  }
  return directory;
}
