/**
 * `lsmctl compact plan` of 10,000 SSTables, by each strategy: the time of the whole command, and that it opens nothing but Statistics.db (and what is
 * as small). The SSTables are hard links of three of the fixtures.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { median } from './measure.js';
import { judge, target } from './report.js';

const FIXTURE = fileURLToPath(new URL('../../fixtures/oa-5.0/data', import.meta.url));
const COUNT = 10_000;
const MAX_SECONDS = 3;
const WAYS = [
  ['--strategy', 'stcs'],
  ['--strategy', 'lcs'],
  ['--strategy', 'twcs'],
  ['--strategy', 'ucs'],
  ['--major'],
];
/** Told by a hook in the command's own process: the names of files that it opens in the table's directory. */
const HOOK = `
const fs = require('fs'); const open = fs.openSync; const names = new Set();
fs.openSync = function (file, ...rest) {
  if (String(file).startsWith(process.env.WATCHED)) names.add(String(file).replace(/.*-/, ''));
  return open.call(this, file, ...rest);
};
require('module').syncBuiltinESMExports();
process.on('exit', () => fs.writeFileSync(process.env.WATCHED_NAMES, [...names].join(' ')));
`;

/** @param bin lsmctl's bin/run.js */
export function benchPlan(bin: string, rounds: number): void {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'lsmctl-bench-plan-'));
  try {
    const directory = manySSTables(root);
    console.log(`\ncompact plan of ${COUNT} SSTables`);
    for (const way of WAYS) {
      const args = [bin, 'compact', 'plan', directory, '--now', '2024-06-01T00:00:00Z', ...way];
      const seconds = Array.from({ length: Math.max(1, rounds) }, () => timed(args, {}));
      target(`${way.join(' ')}: median of ${seconds.length}, least ${Math.min(...seconds).toFixed(2)} s`, median(seconds), MAX_SECONDS, 's'); // biome-ignore format: one line
    }
    const names = path.join(root, 'opened');
    fs.writeFileSync(path.join(root, 'hook.cjs'), HOOK);
    timed([bin, 'compact', 'plan', directory, '--now', '2024-06-01T00:00:00Z'], {
      NODE_OPTIONS: `--require ${path.join(root, 'hook.cjs')}`,
      WATCHED: directory,
      WATCHED_NAMES: names,
    });
    const opened = fs.readFileSync(names, 'utf8').split(' ').sort();
    const large = opened.filter((name) => !['Statistics.db', 'TOC.txt', 'CompressionInfo.db', 'Summary.db'].includes(name)); // biome-ignore format: one line
    judge(opened.includes('Statistics.db') && large.length === 0, `opened of the SSTables: ${opened.join(', ')}`);
  } finally {
    fs.rmSync(root, { recursive: true, force: true });
  }
}

function timed(args: readonly string[], env: Readonly<Record<string, string>>): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  });
  // 1: something is pending, as there is
  if (status !== 1) throw new Error(`compact plan ended with ${status}: ${stderr}`);
  return (performance.now() - start) / 1000;
}

/** The fixture's orders again and again, beside its schema. */
function manySSTables(root: string): string {
  const data = path.join(root, 'data');
  fs.cpSync(path.join(FIXTURE, 'system_schema'), path.join(data, 'system_schema'), { recursive: true });
  const table = fs.readdirSync(path.join(FIXTURE, 'shop')).find((name) => name.startsWith('orders_by_id-'))!;
  const base = path.join(root, 'base');
  fs.cpSync(path.join(FIXTURE, 'shop', table), base, { recursive: true });
  const directory = path.join(data, 'shop', table);
  fs.mkdirSync(directory, { recursive: true });
  const files = fs.readdirSync(base).flatMap((name) => {
    const parts = /^oa-(\d+)-(.*)$/.exec(name);
    return parts ? [{ name, id: Number(parts[1]), rest: parts[2]! }] : [];
  });
  const ids = [...new Set(files.map(({ id }) => id))];
  for (let i = 0; i < COUNT; i++) {
    for (const { name, rest } of files.filter(({ id }) => id === ids[i % ids.length])) {
      fs.linkSync(path.join(base, name), path.join(directory, `oa-${i + 10}-${rest}`));
    }
  }
  return directory;
}
