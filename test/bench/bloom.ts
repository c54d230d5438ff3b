/** `lsmctl bloom`: what one more SSTable costs beyond the start, and what proving and measuring take. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type BulkName, bulk } from './bulk.js';
import { type Command, compare, type Figures } from './measure.js';
import { show, target } from './report.js';

const COPIES = 100;

/** @param bin lsmctl's bin/run.js */
export async function benchBloom(bin: string, rounds: number): Promise<void> {
  const command = (label: string, ...args: string[]): Command => ({
    label: `lsmctl bloom ${label}`,
    program: process.execPath,
    args: [bin, 'bloom', ...args],
  });
  for (const name of ['orders-250k', 'orders-2m'] as const) {
    const root = fs.mkdtempSync(path.join(os.tmpdir(), 'lsmctl-bench-bloom-'));
    try {
      const one = withFilter(bin, name, path.join(root, 'one'));
      const many = linked(one, path.join(root, 'many'));
      const figures = (await compare([command('one', one), command(`${COPIES}`, many)], rounds)) as [Figures, Figures];
      show(`bloom of ${name}: one SSTable, and ${COPIES} of them`, figures);
      const each = ((figures[1].seconds - figures[0].seconds) * 1000) / (COPIES - 1);
      target('each SSTable beyond the first', each, 5, 'ms');
      const asked = [command('--prove', one, '--prove'), command('--measure', one, '--measure', '--seed', '1')];
      show(`bloom of ${name}: every key, and a million absent ones`, await compare(asked, Math.min(rounds, 3)));
    } finally {
      fs.rmSync(root, { recursive: true, force: true });
    }
  }
}

/** A copy with a filter of its keys: that of CQLSSTableWriter is a finding. */
function withFilter(bin: string, name: BulkName, root: string): string {
  const from = path.dirname(bulk(name));
  const directory = path.join(root, 'shop/orders_by_id');
  fs.mkdirSync(directory, { recursive: true });
  for (const file of fs.readdirSync(from)) fs.copyFileSync(path.join(from, file), path.join(directory, file));
  const { status, stderr } = spawnSync(process.execPath, [bin, 'bloom', directory, '--rebuild', '--yes'], { encoding: 'utf8' }); // biome-ignore format: one line
  if (status !== 0) throw new Error(`the filter could not be made: ${stderr}`);
  return directory;
}

/** As many hard links. */
function linked(from: string, root: string): string {
  const directory = path.join(root, 'shop/orders_by_id');
  fs.mkdirSync(directory, { recursive: true });
  for (let i = 1; i <= COPIES; i++) {
    for (const file of fs.readdirSync(from)) {
      fs.linkSync(path.join(from, file), path.join(directory, file.replace(/-\d+-/, `-${i}-`)));
    }
  }
  return directory;
}
