/**
 * lsmctl's major compaction of every table of the corpus's data directories, of the fixtures, and of tables made for it (workloads/cuts.ts): the
 * files that a node's gives. What a node did is recorded at first use, in CI each time.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasCorpus } from '../corpus.js';
import { missing, setup, V5, V41 } from './cassandra.js';
import { RECORDED_NAMES, recordNamed } from './compaction-recorder.js';
import { judge } from './judge-compaction.js';
import { RECORDINGS, recordings } from './recordings.js';

const lacks = missing([V5, V41]);
if (lacks && process.env.CI) throw new Error(`real Cassandra can't be run: ${lacks}`);
hasCorpus(); // CI must have it

const isRecorded = (name: string) => existsSync(join(RECORDINGS, name, 'manifest.json'));

describe.skipIf(lacks !== undefined)('major compactions as a node makes them', () => {
  const root = mkdtempSync(join(tmpdir(), 'lsmctl-parity-'));
  beforeAll(() => setup([V5, V41]));
  afterAll(() => rmSync(root, { recursive: true }));

  it.each(RECORDED_NAMES)('%s', async (name) => {
    if (process.env.CI || !isRecorded(name)) await recordNamed(RECORDINGS, name);
    const [recording] = recordings([name]);
    expect(recording!.changedAnswers).toEqual([]);
    const different: string[] = [];
    for (const table of recording!.tables) {
      const { differences } = await judge(join(RECORDINGS, name), recording!, table, join(root, name, table.table));
      different.push(...differences.slice(0, 1).map((text) => `${table.table}: ${text}`));
    }
    expect(different).toEqual([]);
    expect(recording!.tables.flatMap(({ tasks }) => tasks).length).toBeGreaterThan(5);
  });
});
