/** An SSTable large enough to be shared by threads: together they tell what one tells, of a sound one and of damaged ones. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestTable } from '../../engine/merge/build.js';
import { ROOT, runCli } from '../../run-cli.js';

const FIXTURES = path.join(ROOT, 'fixtures/oa-5.0');
const PARTITIONS = 6000;
const BYTES_EACH = 1600;
const root = fs.mkdtempSync(path.join(os.tmpdir(), 'lsmctl-threads-'));
const directory = path.join(root, 'ks/t-0123456789abcdef0123456789abcdef');
let files: readonly string[] = [];

beforeAll(() => {
  const text = (i: number) => {
    let hex = '';
    for (let n = 0; hex.length < BYTES_EACH; n++) hex += createHash('md5').update(`${i} ${n}`).digest('hex');
    return hex;
  };
  const table = new TestTable({});
  table.make(Object.fromEntries(Array.from({ length: PARTITIONS }, (_, i) => [`key${i}`, [`a: v=${text(i)}@10`]])));
  table.copyTo(directory);
  files = fs.readdirSync(directory);
});
afterAll(() => fs.rmSync(root, { recursive: true }));

function verify(...flags: readonly string[]) {
  const { stdout, stderr, code } = runCli(['verify', '--json', '--now', '1900000000', ...flags, directory]);
  return { report: JSON.parse(stdout) as unknown, stderr, code };
}

function damage(component: string, at: number, bit: number): () => void {
  const file = path.join(directory, files.find((name) => name.endsWith(component))!);
  const good = fs.readFileSync(file);
  const bad = Buffer.from(good);
  bad[Math.floor(good.length * at)]! ^= bit;
  fs.writeFileSync(file, bad);
  return () => fs.writeFileSync(file, good);
}

describe('threads that share an SSTable', () => {
  it('are started: it is large enough', () => {
    const env = { NODE_DEBUG: 'worker' };
    const { stderr } = runCli(['verify', '--deep', '--jobs', '3', directory], { env });
    expect(stderr.match(/create new worker/g)).toHaveLength(2);
  });

  it('tell what one tells of a sound one', () => {
    const one = verify('--deep', '--jobs', '1');
    expect(one.code).toBe(0);
    expect(JSON.stringify(one.report)).toContain(`"partitions":${PARTITIONS}`);
    for (const jobs of ['2', '3']) expect(verify('--deep', '--jobs', jobs)).toEqual(one);
  });

  it.each([
    ['Data.db', 0.3, 1],
    ['Data.db', 0.97, 64],
    ['Index.db', 0.5, 4],
    ['Filter.db', 0.5, 16],
    ['Filter.db', 0.9, 1],
    ['Summary.db', 0.4, 8],
    ['Statistics.db', 0.6, 2],
  ])('tell what one tells of damage in %s at %f', (component, at, bit) => {
    const mend = damage(component, at, bit);
    try {
      const one = verify('--deep', '--jobs', '1');
      expect(one.code).toBe(1);
      expect(verify('--deep', '--jobs', '3')).toEqual(one);
    } finally {
      mend();
    }
  });
});

describe('threads that take SSTables from one queue', () => {
  it('tell what one tells', () => {
    const report = (jobs: string) => {
      const { stdout, code } = runCli(['verify', '--deep', '--json', '--now', '1900000000', '--jobs', jobs, FIXTURES]);
      expect(code).toBeLessThan(2);
      return JSON.parse(stdout) as { readonly tables: readonly unknown[] };
    };
    const one = report('1');
    expect(one.tables.length).toBeGreaterThan(20);
    expect(report('3')).toEqual(one);
  });
});
