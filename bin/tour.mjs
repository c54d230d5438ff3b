#!/usr/bin/env node
/**
 * `npm start`: a tour of the commands, on the data directory of a small web shop that Cassandra 5.0 wrote (fixtures/oa-5.0). Each step is the
 * real command in a process of its own; long output is cut here, and says so. Asks nothing.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const FIXTURE = 'fixtures/oa-5.0';

/** The moment the fixture was made: with `--now` its TTLs look the same on every day. */
const clock = fs.readFileSync(path.join(ROOT, FIXTURE, 'clock'), 'utf8').trim();
const data = `${FIXTURE}/data`;

/** The directory of a table: its name, and an id that differs from cluster to cluster. */
function tableDirectory(keyspace, table) {
  const name = fs.readdirSync(path.join(ROOT, data, keyspace)).find((entry) => entry.startsWith(`${table}-`));
  if (!name) throw new Error(`${data}/${keyspace} has no table ${table}`);
  return `${data}/${keyspace}/${name}`;
}

function firstSSTable(directory) {
  return `${directory}/${fs.readdirSync(path.join(ROOT, directory)).find((name) => name.endsWith('-Data.db'))}`;
}

const orders = tableDirectory('shop', 'orders_by_user');
const inventory = firstSSTable(tableDirectory('shop', 'inventory'));

/** The first of `lines` and the last two, with a word on what lies between. */
function cut(lines, limit) {
  const between = lines.length - limit;
  return between <= 1 ? lines : [...lines.slice(0, limit - 2), `… ${between + 2} more lines …`, ...lines.slice(-2)];
}

/** What to say, the command, lines of its output to show. */
const STEPS = [
  ['What is in this directory? No node runs, and nothing is configured.', ['ls', data], 16],
  ['The SSTables of one table: formats, sizes, time spans, tombstones.', ['ls', '--sstables', orders], 24],
  ["The schema, read from the directory's own system_schema tables.", ['schema', '--keyspace', 'shop', data], 30],
  ['What one SSTable knows of itself. Data.db stays closed.', ['metadata', '--now', clock, firstSSTable(orders)], 34],
  [
    "One partition, found by the index, in sstabledump's own text.",
    ['dump', inventory, '--now', clock, '--key', 'sku-0001'],
    30,
  ],
  [
    'The same rows as CQL that writes the same cells again.',
    ['dump', inventory, '--format', 'cql', '--now', clock, '--key', 'sku-0001'],
    12,
  ],
  [
    'Who holds the tombstones? One deletion a line, for jq.',
    ['dump', '--format', 'ndjson', '--tombstones', '--limit', '3', '--now', clock, orders],
    6,
  ],
];

const started = process.hrtime.bigint();
let failed = 0;
for (const [what, args, lines] of STEPS) {
  process.stdout.write(`\n# ${what}\n$ lsmctl ${args.join(' ')}\n`);
  const done = spawnSync(process.execPath, [path.join(ROOT, 'bin/run.js'), ...args], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  process.stdout.write(`${cut(done.stdout.trimEnd().split('\n'), lines).join('\n')}\n`);
  process.stdout.write(done.stderr);
  // 1 is "findings": the shop's directory has some on purpose.
  if (done.status !== 0 && done.status !== 1) {
    failed++;
    process.stdout.write(`(exit code ${done.status})\n`);
  }
}
const seconds = Number((process.hrtime.bigint() - started) / 100_000_000n) / 10;
const rest = failed ? `${failed} of them failed` : 'the README says what each can do';
process.stdout.write(
  `\n${STEPS.length} commands in ${seconds} s; ${rest}. On your own data: bin/run.js ls /var/lib/cassandra/data\n`,
);
process.exitCode = failed ? 1 : 0;
