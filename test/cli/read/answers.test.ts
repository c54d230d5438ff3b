/** What `read` answers for every fixture table: the whole table, and key by key, against what the node that wrote it answered. */
import fs from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { diskStorage } from '../../../src/bytes/source.js';
import { readAll } from '../../../src/cli/read/all.js';
import { type ReadTable, readTable } from '../../../src/cli/read/read-table.js';
import { answerOf } from '../../../src/cli/read/run.js';
import { WHOLE_PARTITION } from '../../../src/engine/read/clustering-slice.js';
import { ReadCandidate } from '../../../src/engine/read/read-candidate.js';
import { ReadPath } from '../../../src/engine/read/read-path.js';
import { FIXTURES } from '../../fixtures.js';

/** Keys that are read one by one, of tables that have more. */
const KEYS = 25;
const DIRECTORIES = ['oa-5.0', 'da-5.0', 'nb-4.1'];

type Case = { readonly directory: string; readonly view: string };

function cases(name: string): Case[] {
  const root = path.join(FIXTURES, name);
  return fs.readdirSync(path.join(root, 'data')).flatMap((keyspace) =>
    fs.readdirSync(path.join(root, 'data', keyspace)).flatMap((entry) => {
      const view = path.join(root, 'view', keyspace, `${entry.replace(/-[0-9a-f]{32}$/, '')}.jsonl`);
      const found = [view, `${view}.gz`].find((file) => fs.existsSync(file));
      return found === undefined ? [] : [{ directory: path.join(root, 'data', keyspace, entry), view: found }];
    }),
  );
}

function linesOf(file: string): string[] {
  const bytes = fs.readFileSync(file);
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .sort();
}

async function allRows(table: ReadTable, now: number): Promise<string[]> {
  const parts: Buffer[] = [];
  const write = (bytes: Uint8Array) => parts.push(Buffer.from(bytes));
  const sink = { write, writeText: () => {}, flush: () => {}, commit: () => {}, discard: () => {} };
  const rows = await readAll(table, now, Number.POSITIVE_INFINITY, sink);
  const lines = Buffer.concat(parts).toString('utf8').split('\n').slice(0, -1);
  expect(lines.length).toBe(rows);
  return lines.sort();
}

/** Rows of up to {@link KEYS} partitions, and whether those were all. */
async function rowsByKey(table: ReadTable, nowSeconds: number): Promise<{ rows: string[]; isWhole: boolean }> {
  const candidates = table.descriptors.map((descriptor) => new ReadCandidate(diskStorage, descriptor));
  try {
    const keys = new Map<string, Uint8Array>();
    for (const candidate of candidates) {
      const sstable = await candidate.open();
      for (const { key, dataPosition } of candidate.index(sstable).entries()) {
        const bytes = key ? key.slice() : sstable.keyAt(dataPosition);
        keys.set(Buffer.from(bytes).toString('hex'), bytes);
      }
    }
    const rows: string[] = [];
    const take = (line: Uint8Array) => rows.push(Buffer.from(line).toString('utf8').trimEnd());
    for (const key of [...keys.values()].slice(0, KEYS)) {
      const read = new ReadPath({ candidates, key, slice: WHOLE_PARTITION, definition: table.definition });
      await read.find();
      const asked = { table, key, slice: WHOLE_PARTITION, nowSeconds, limit: Number.POSITIVE_INFINITY };
      const answer = answerOf(read, read.header(), asked, take);
      expect(answer.liveRows).toBeGreaterThanOrEqual(0);
    }
    return { rows: rows.sort(), isWhole: keys.size <= KEYS };
  } finally {
    for (const candidate of candidates) candidate.close();
  }
}

describe.each(DIRECTORIES)('answers for %s', (name) => {
  const now = Number(fs.readFileSync(path.join(FIXTURES, name, 'clock'), 'utf8'));
  const tables = cases(name);

  it('finds its tables', () => expect(tables.length).toBeGreaterThan(60));

  it('are what the node answered', async () => {
    for (const { directory, view } of tables) {
      const table = await readTable(directory, { now }, () => {});
      const expected = linesOf(view);
      expect(await allRows(table, now), view).toEqual(expected);
      const { rows, isWhole } = await rowsByKey(table, now);
      if (isWhole) expect(rows, view).toEqual(expected);
      else expect(new Set(expected), view).toEqual(new Set([...expected, ...rows]));
    }
  });
});
