/** A node's directory with a commit log made here: `CREATE TABLE ks.t (k blob PRIMARY KEY, v blob)`, one write every 100 ms. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { DrillFlags } from '../../../src/cli/drill/request.js';
import { type BuiltSegment, buildSegment, type Form, mutation, TABLE_ID } from '../../commitlog/build-segment.js';

export const ID = 1_700_000_000_000;
const START = ID * 1000 - 1_442_880_000_000_000;

export type Write = { readonly key: string; readonly value: string };

/** Ten writes a second and section. Each key is written once, but for those of the last digit 7, which are one key. */
export function keyOf(n: number): string {
  return n % 10 === 7 ? 'seven' : `k${n}`;
}

export const isSeven = (n: number): boolean => n % 10 === 7;

/** Segments of so many seconds each. @returns them; their files lie in <dir>/commitlog */
export async function makeLog(dir: string, seconds: readonly number[], form: Form = 'plain'): Promise<BuiltSegment[]> {
  const log = path.join(dir, 'commitlog');
  fs.mkdirSync(log, { recursive: true });
  const definition = `CREATE TABLE ks.t (k blob PRIMARY KEY, v blob) WITH ID = ${TABLE_ID};\n`;
  fs.writeFileSync(path.join(dir, 'schema.cql'), definition);
  const built: BuiltSegment[] = [];
  let n = 0;
  for (const [i, count] of seconds.entries()) {
    const sections = Array.from({ length: count }, () =>
      Array.from({ length: 10 }, () => {
        const write = mutation(Buffer.from(keyOf(n)), Buffer.from(`value ${n}`), START + n * 100_000);
        n++;
        return write;
      }),
    );
    const segment = await buildSegment({ form, id: ID + i, sections });
    fs.writeFileSync(path.join(log, segment.name), segment.bytes);
    built.push(segment);
  }
  return built;
}

export const drillFlags = (dir: string, more: Partial<DrillFlags> = {}): DrillFlags => ({
  'skip-corrupt': false,
  'sync-period': '10s',
  keep: false,
  now: Math.floor(Date.now() / 1000),
  schema: path.join(dir, 'schema.cql'),
  ...more,
});

/** Names, contents, sizes and times of all files below a directory, as one text. */
export function fingerprint(dir: string): string {
  const names = fs.readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort();
  return names
    .map((name) => {
      const file = path.join(dir, name);
      const { size, mtimeMs, mode, ino, nlink } = fs.statSync(file);
      const isFile = fs.statSync(file).isFile();
      const hash = isFile ? createHash('sha256').update(fs.readFileSync(file)).digest('hex') : '';
      return `${name} ${isFile ? `${size} ${nlink}` : ''} ${mtimeMs} ${mode} ${ino} ${hash}`;
    })
    .join('\n');
}
