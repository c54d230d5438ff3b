/**
 * `read --commitlog` of nodes that were killed with writes in their commit log alone: the whole of each table, and each of its keys, are what the
 * node answered after its own replay.
 */
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { diskStorage } from '../../../src/bytes/source.js';
import { readAll } from '../../../src/cli/read/all.js';
import { runRead } from '../../../src/cli/read/command.js';
import { readMemtables } from '../../../src/cli/read/memtable.js';
import { type ReadTable, readTable } from '../../../src/cli/read/read-table.js';
import { answerOf } from '../../../src/cli/read/run.js';
import type { FrozenMemtable } from '../../../src/engine/memtable/memtable.js';
import { WHOLE_PARTITION } from '../../../src/engine/read/clustering-slice.js';
import { memtableCandidate } from '../../../src/engine/read/memtable-candidate.js';
import { ReadCandidate } from '../../../src/engine/read/read-candidate.js';
import { ReadPath } from '../../../src/engine/read/read-path.js';
import { CORPUS, hasCorpus, KITCHENS, viewOf } from '../../corpus.js';

async function allRows(table: ReadTable, now: number, memtable: FrozenMemtable | undefined): Promise<string[]> {
  const parts: Buffer[] = [];
  const write = (bytes: Uint8Array) => parts.push(Buffer.from(bytes));
  const sink = { write, writeText: () => {}, flush: () => {}, commit: () => {}, discard: () => {} };
  await readAll(table, now, Number.POSITIVE_INFINITY, sink, memtable);
  return Buffer.concat(parts).toString('utf8').split('\n').slice(0, -1).sort();
}

/** The rows of all keys, each read for itself. */
async function rowsByKey(table: ReadTable, nowSeconds: number, memtable: FrozenMemtable | undefined) {
  const unflushed = memtableCandidate(memtable);
  const candidates = table.descriptors.map((descriptor) => new ReadCandidate(diskStorage, descriptor));
  if (unflushed) candidates.push(unflushed);
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
    for (const key of keys.values()) {
      const read = new ReadPath({ candidates, key, slice: WHOLE_PARTITION, definition: table.definition });
      await read.find();
      const asked = { table, key, slice: WHOLE_PARTITION, nowSeconds, limit: Number.POSITIVE_INFINITY };
      answerOf(read, read.header(), asked, take);
    }
    return { rows: rows.sort(), keys: keys.size };
  } finally {
    for (const candidate of candidates) candidate.close();
  }
}

describe.skipIf(!hasCorpus()).each(KITCHENS)('%s', (kitchen) => {
  const root = path.join(CORPUS, kitchen);
  const data = path.join(root, 'data/kitchen');
  const commitlog = [path.join(root, 'commitlog')];
  const memtables = new Map<string, FrozenMemtable>();
  let now = 0;
  const tables = hasCorpus() ? fs.readdirSync(data) : [];

  beforeAll(async () => {
    now = Number(fs.readFileSync(path.join(root, 'clock'), 'utf8'));
    const told: string[] = [];
    for (const memtable of await readMemtables(data, { commitlog, now }, {}, (line) => told.push(line))) {
      const frozen = memtable.freeze();
      if (frozen) memtables.set(`${memtable.table.keyspace}.${memtable.table.name}`, frozen);
    }
    expect(told).toEqual([]);
  });

  it('has unflushed writes of every table', () => expect(memtables.size).toBeGreaterThanOrEqual(tables.length));

  it('answers as the node did, as a whole and key by key', async () => {
    let rows = 0;
    let keys = 0;
    for (const directory of tables) {
      const table = await readTable(path.join(data, directory), { now }, () => {});
      const memtable = memtables.get(`kitchen.${table.name}`);
      const expected = viewOf(kitchen, table.name);
      expect(await allRows(table, now, memtable), table.name).toEqual(expected);
      const byKey = await rowsByKey(table, now, memtable);
      expect(byKey.rows, table.name).toEqual(expected);
      rows += expected.length;
      keys += byKey.keys;
    }
    expect(rows).toBeGreaterThan(10_000);
    expect(keys).toBeGreaterThan(1000);
  }, 120_000);

  it('tells of the memtable in the path, in versions and samples', async () => {
    const directory = path.join(data, tables.find((name) => name.startsWith('statics-'))!);
    const flags = { trace: true, versions: false, format: 'json', all: false, now, warn: 1000, fail: 100_000, commitlog } as const; // biome-ignore format: one line
    const { body } = await runRead(directory, '1', flags, undefined, () => {});
    expect(body).toMatchObject({ memtable: 'read' });
    const [first] = (body as { path: object[] }).path;
    expect(first).toMatchObject({ sstable: 'memtable', isMemtable: true, outcome: 'read' });
    const { body: before } = await runRead(directory, '1', { ...flags, commitlog: undefined }, undefined, () => {});
    expect(before).toMatchObject({ memtable: 'unmeasured' });
    expect((body as { rows: string[] }).rows).not.toEqual((before as { rows: string[] }).rows);
    const { body: told } = await runRead(directory, '1', { ...flags, versions: true }, undefined, () => {});
    expect(JSON.stringify(told, (_, value) => (typeof value === 'bigint' ? `${value}` : value))).toContain('"sstable":"memtable"'); // biome-ignore format: one line
    const { body: sample } = await runRead(
      directory,
      undefined,
      { ...flags, sample: 50, seed: 1 },
      undefined,
      () => {},
    );
    expect(sample).toMatchObject({ keys: 50 });
  });
});
