/**
 * Nodes that were killed with writes in their commit log alone: what they answered after their own replay is what the SSTables answer with those that
 * are replayed here; and a major compaction then gives what it gave there.
 */
import fs from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { memoryOutput } from '../../../src/bytes/sink.js';
import { diskStorage, type Storage } from '../../../src/bytes/source.js';
import { replayPaths } from '../../../src/cli/commitlog/replay.js';
import { findTable, type Schema, type Table } from '../../../src/cql/schema.js';
import { majorTasks } from '../../../src/engine/compaction/forced-tasks.js';
import { readCandidates } from '../../../src/engine/compaction/read-candidate.js';
import { TableCompaction } from '../../../src/engine/compaction/table-compaction.js';
import { resolvePaths } from '../../../src/engine/data-directory.js';
import { loadSchema } from '../../../src/engine/schema-loader.js';
import { compactionParams } from '../../../src/engine/strategies/options.js';
import type { Descriptor } from '../../../src/sstable/descriptor.js';
import { openDescriptor } from '../../../src/sstable/sstable.js';
import { readStatistics } from '../../../src/sstable/statistics.js';
import { latestWritten } from '../../../src/sstable/version.js';
import { CORPUS, hasCorpus, KITCHENS } from '../../corpus.js';
import { dumpText } from '../../our-tools.js';
import { temporaryDirectory } from '../directories.js';
import { normalLine, selectLines } from './select-json.js';

type Kitchen = {
  readonly name: string;
  readonly schema: Schema;
  readonly nowSeconds: number;
  /** By table: those that the node had, and those that were replayed. */
  readonly tables: ReadonlyMap<string, readonly Descriptor[]>;
};

const kitchens = new Map<string, Promise<Kitchen>>();

/** @param memtableMb how much memory memtables may take: with little of it, there are many SSTables */
function kitchenOf(name: string, memtableMb = 128): Promise<Kitchen> {
  const key = `${name} ${memtableMb}`;
  const known = kitchens.get(key) ?? makeKitchen(name, memtableMb);
  kitchens.set(key, known);
  return known;
}

async function makeKitchen(name: string, memtableMb: number): Promise<Kitchen> {
  const data = path.join(CORPUS, name, 'data');
  const output = path.join(temporaryDirectory(), 'out');
  const nowSeconds = Number(fs.readFileSync(path.join(CORPUS, name, 'clock'), 'utf8'));
  await replayPaths([path.join(CORPUS, name)], { ...FLAGS, output, 'memtable-mb': memtableMb, now: nowSeconds }, STAGE);
  const { schema } = await loadSchema(diskStorage, [data], { nowSeconds });
  const tables = new Map<string, Descriptor[]>();
  for (const { place, sstables } of resolvePaths(diskStorage, [data, output]).directories) {
    if (place.keyspace !== 'kitchen' || place.index !== undefined) continue;
    const known = tables.get(place.table) ?? [];
    tables.set(place.table, [...known, ...sstables.map(({ descriptor }) => descriptor)]);
  }
  return { name, schema, nowSeconds, tables };
}

const FLAGS = {
  'in-place': false,
  'skip-corrupt': false,
  'dry-run': false,
  yes: false,
  jobs: 1,
};
const STAGE = { tell: () => {}, show: () => {}, quiet: true };

function recorded(file: string): string {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : gunzipSync(fs.readFileSync(`${file}.gz`)).toString();
}

const there = hasCorpus();
const cases = there
  ? KITCHENS.flatMap((name) =>
      fs
        .readdirSync(path.join(CORPUS, name, 'view'))
        .map((file) => [name, file.replace(/\.jsonl(\.gz)?$/, '')] as const),
    )
  : [];

describe.skipIf(!there)('a replay onto the SSTables of a killed node', () => {
  it.each(cases)('%s %s: all that the node answered', async (name, table) => {
    const kitchen = await kitchenOf(name);
    expect(await linesOf(kitchen, table)).toEqual(viewOf(name, table));
  });

  it.each(['wide', 'ranges', 'statics', 'counters', 'collections', 'ttl', 'orders_by_id'])(
    '%s: the same where memory is short',
    async (table) => {
      const kitchen = await kitchenOf('kitchen-oa-1', 0.1);
      expect(await linesOf(kitchen, table)).toEqual(viewOf('kitchen-oa-1', table));
    },
  );

  it('has flushed in parts then', async () => {
    const [whole, parts] = [await kitchenOf('kitchen-oa-1'), await kitchenOf('kitchen-oa-1', 0.1)];
    const count = ({ tables }: Kitchen) => [...tables.values()].flat().length;
    expect(count(parts)).toBeGreaterThan(count(whole) + 10);
  });

  it.each(cases)('%s %s: the same dump after a major compaction', async (name, table) => {
    const kitchen = await kitchenOf(name);
    const folder = fs.readdirSync(path.join(CORPUS, name, 'compacted')).find((one) => one.startsWith(`${table}-`));
    const wanted = folder === undefined ? [] : dumpsIn(path.join(CORPUS, name, 'compacted', folder));
    expect(await compactedDumps(kitchen, table)).toEqual(wanted);
  });
});

async function linesOf({ schema, nowSeconds, tables }: Kitchen, table: string): Promise<string[]> {
  const sstables = await Promise.all(tables.get(table)!.map((descriptor) => openDescriptor(diskStorage, descriptor)));
  const lines = selectLines(sstables, findTable(schema, 'kitchen', table) as Table, nowSeconds);
  for (const sstable of sstables) sstable.close();
  return lines;
}

function viewOf(name: string, table: string): string[] {
  const text = recorded(path.join(CORPUS, name, 'view', `${table}.jsonl`)).trim();
  return text
    .split('\n')
    .map((line) => normalLine(JSON.parse(line)))
    .sort();
}

function dumpsIn(folder: string): object[] {
  const names = fs.readdirSync(folder).filter((file) => /\.dump\.json(\.gz)?$/.test(file));
  return names.map((file) => JSON.parse(recorded(path.join(folder, file.replace(/\.gz$/, '')))));
}

async function compactedDumps({ schema, nowSeconds, tables }: Kitchen, table: string): Promise<object[]> {
  const definition = findTable(schema, 'kitchen', table) as Table;
  const sstables = readCandidates(diskStorage, tables.get(table)!);
  const params = compactionParams(definition.options.compaction!);
  const output = memoryOutput();
  const directory = '/out/kitchen/t';
  const at = (file: string): Storage => (file.startsWith(directory) ? output : diskStorage);
  const compaction = new TableCompaction({
    mode: 'aside',
    storage: { open: (f) => at(f).open(f), list: (d) => at(d).list(d), stat: (f) => at(f).stat(f) },
    output,
    directory,
    sstables,
    definition,
    params,
    version: latestWritten(sstables.map(({ descriptor }) => descriptor.version)),
    nowSeconds,
    gcGraceSeconds: definition.options.gcGraceSeconds!,
    isStrict: false,
    randomBits: () => 7n,
  });
  for (const task of majorTasks(sstables, params.strategy)) await compaction.run(task);
  compaction.complete();
  const texts: object[] = [];
  for (const { descriptor } of compaction.live) {
    const local = path.join(temporaryDirectory(), 'kitchen', 't');
    fs.mkdirSync(local, { recursive: true });
    for (const file of output.list(directory)) {
      const source = output.open(path.join(directory, file));
      const bytes = new Uint8Array(source.size);
      source.read(0, bytes, 0, bytes.length);
      fs.writeFileSync(path.join(local, file), bytes);
    }
    texts.push(JSON.parse(await dumpText(path.join(local, `${descriptor.prefix}-Data.db`), nowSeconds)));
  }
  return texts;
}

describe.skipIf(!there)('replayed SSTables', () => {
  it('say which part of the log is in them, and whose it is, as those of a flush do', async () => {
    const { tables } = await kitchenOf('kitchen-oa-1');
    for (const [table, descriptors] of tables) {
      if (table === 'dropped') continue; // nothing of it is in the log alone
      const all = descriptors.map((descriptor) => readStatistics(diskStorage, descriptor).stats);
      const replayed = all.at(-1)!;
      expect(replayed.originatingHostId).toBe(all[0]!.originatingHostId);
      expect(replayed.commitLogIntervals).toEqual([
        { start: { segmentId: 1795225886036n, position: 0 }, end: { segmentId: 1795225886037n, position: 20 } },
      ]);
      expect([replayed.sstableLevel, replayed.repairedAtMillis, replayed.pendingRepair]).toEqual([0, 0, undefined]);
    }
  });
});
