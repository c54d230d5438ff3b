/**
 * sstablerepairedset of two releases on SSTables of every version, from ma to da: lsmctl gives the same Statistics.db. `UPDATE_GOLDEN=1` keeps what
 * 5.0 wrote for the tests that have no Cassandra at hand.
 */
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { diskStorage } from '../../src/bytes/source.js';
import { mutatedStatistics } from '../../src/engine/surgery/mutate-statistics.js';
import { parseDescriptor } from '../../src/sstable/descriptor.js';
import { CORPUS, corpusFiles } from '../corpus.js';
import { FIXTURES, fixtureSSTables } from '../fixtures.js';
import { missing, setup, tool, V5, V41 } from './cassandra.js';

const lacks = missing([V5, V41]);
if (lacks && process.env.CI) throw new Error(`real Cassandra can't be run: ${lacks}`);

const GOLDEN = fileURLToPath(new URL('../golden/repaired-statistics.json.gz', import.meta.url));
/** A whole second: utimes takes a double. */
const REPAIRED_AT_MILLIS = 1_717_243_200_000;
const APACHE = 'public/sstables/apache';
const MODES = [
  ['--is-repaired', REPAIRED_AT_MILLIS],
  ['--is-unrepaired', 0],
] as const;

type Source = { readonly name: string; readonly file: string };

function sources(): Source[] {
  return [
    ...fixtureSSTables().map(({ name, file }) => ({ name: `fixtures/${name}`, file })),
    ...corpusFiles('-Data.db', [APACHE]).map((name) => ({ name: `corpus/${name}`, file: join(CORPUS, name) })),
  ];
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

describe.skipIf(lacks !== undefined)('sstablerepairedset', () => {
  let root: string;
  beforeAll(() => {
    setup([V5, V41]);
    root = mkdtempSync(join(tmpdir(), 'lsmctl-repaired-'));
  });
  afterAll(() => rmSync(root, { recursive: true }));

  it.each([V5, V41])('of %s', async (version) => {
    const copies = join(root, version);
    cpSync(FIXTURES, join(copies, 'fixtures'), { recursive: true });
    cpSync(join(CORPUS, APACHE), join(copies, 'corpus', APACHE), { recursive: true });
    const known = sources().filter(({ name }) => version === V5 || !/\/(oa|da)-[^/]*$/.test(name));
    const time = REPAIRED_AT_MILLIS / 1000;
    for (const { name } of known) utimesSync(join(copies, name), time, time);
    const list = join(root, `${version}.list`);
    writeFileSync(list, known.map(({ name }) => join(copies, name)).join('\n'));
    const digests = new Map<string, string[]>(known.map(({ name }) => [name, []]));
    const different: string[] = [];
    for (const [flag, repairedAtMillis] of MODES) {
      const { status, stderr } = tool(version, 'sstablerepairedset', ['--really-set', flag, '-f', list]);
      expect(status, stderr).toBe(0);
      await sleep(0); // a JVM can take long, and the test runner wants to hear from its worker
      for (const { name, file } of known) {
        const theirs = readFileSync(join(copies, name.replace(/Data\.db$/, 'Statistics.db')));
        const { descriptor } = parseDescriptor(file);
        const ours = mutatedStatistics(diskStorage, descriptor, { repair: { repairedAtMillis, isTransient: false } });
        if (!ours.equals(theirs)) different.push(`${name} ${flag}`);
        digests.get(name)!.push(digest(theirs));
      }
    }
    expect(different).toEqual([]);
    expect(known.length).toBeGreaterThan(version === V5 ? 370 : 140);
    if (version !== V5 || !process.env.UPDATE_GOLDEN) return;
    const golden = { repairedAtMillis: REPAIRED_AT_MILLIS, files: Object.fromEntries(digests) };
    writeFileSync(GOLDEN, gzipSync(JSON.stringify(golden)));
  });
});
