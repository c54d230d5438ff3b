/**
 * Every table of the fixtures, compacted in memory: a read of the outputs answers what a read of the inputs does, at several times and gc_graces.
 * The reads are those of merge-objects.ts, which has none of its code in common with the merge. Counters it can't read; those of real nodes are
 * compared byte by byte elsewhere.
 */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { CorruptError, UsageError } from '../../../src/bytes/errors.js';
import { memoryOutput, type OutputStorage } from '../../../src/bytes/sink.js';
import { diskStorage, type Storage } from '../../../src/bytes/source.js';
import { findTable, type Schema, type Table, type View } from '../../../src/cql/schema.js';
import { majorTasks } from '../../../src/engine/compaction/forced-tasks.js';
import { readCandidates } from '../../../src/engine/compaction/read-candidate.js';
import { TableCompaction } from '../../../src/engine/compaction/table-compaction.js';
import { resolvePaths } from '../../../src/engine/data-directory.js';
import { loadSchema } from '../../../src/engine/schema-loader.js';
import type { SSTableDirectory } from '../../../src/engine/sstable-directory.js';
import { compactionParams } from '../../../src/engine/strategies/options.js';
import { componentPath, type Descriptor } from '../../../src/sstable/descriptor.js';
import type { Partition, Row, Unfiltered } from '../../../src/sstable/row.js';
import { openDescriptor } from '../../../src/sstable/sstable.js';
import { readStatistics } from '../../../src/sstable/statistics.js';
import { latestWritten } from '../../../src/sstable/version.js';
import { corrupt } from '../../corrupt.js';
import { FIXTURES } from '../../fixtures.js';
import { mergeLive } from '../merge-objects.js';

const SETS = ['oa-5.0', 'da-5.0', 'nb-4.1'];
const OUTPUT = '/out/ks/t';

type TableCase = { readonly directory: SSTableDirectory; readonly schema: Schema; readonly nowSeconds: number };

/** Tables of a set by `keyspace.table`; those of hidden indexes and of system_schema are left out. */
async function tablesOf(set: string): Promise<Map<string, TableCase>> {
  const root = path.join(FIXTURES, set, 'data');
  const nowSeconds = Number(fs.readFileSync(path.join(FIXTURES, set, 'clock'), 'utf8'));
  const { schema } = await loadSchema(diskStorage, [root], { nowSeconds });
  const cases = new Map<string, TableCase>();
  for (const directory of resolvePaths(diskStorage, [root]).directories) {
    const { keyspace, table, index } = directory.place;
    if (keyspace === 'system_schema' || index !== undefined || directory.sstables.length === 0) continue;
    cases.set(`${keyspace}.${table}`, { directory, schema, nowSeconds });
  }
  return cases;
}

function compaction(
  { directory, schema, nowSeconds }: TableCase,
  output: OutputStorage,
  gcGraceSeconds: number,
  storage: Storage = diskStorage,
) {
  const { keyspace, table } = directory.place;
  const definition = findTable(schema, keyspace, table);
  const sstables = readCandidates(
    diskStorage,
    directory.sstables.map(({ descriptor }) => descriptor),
  );
  const params = compactionParams(definition?.options.compaction ?? { class: 'SizeTieredCompactionStrategy' });
  const major = new TableCompaction({
    mode: 'aside',
    storage: withOutputs(storage, output),
    output,
    directory: OUTPUT,
    sstables,
    definition,
    params,
    version: latestWritten(sstables.map(({ descriptor }) => descriptor.version)),
    nowSeconds,
    gcGraceSeconds,
    isStrict: false,
    randomBits: () => 7n,
  });
  return {
    complete: () => major.complete(),
    abort: () => major.abort(),
    /** Runs all tasks of a major compaction. Returns what the table then consists of. */
    run: async () => {
      for (const task of majorTasks(sstables, params.strategy)) await major.run(task);
      return major.live.map(({ descriptor }) => descriptor);
    },
  };
}

/** `storage`, and in the directory of the outputs what has been written. */
function withOutputs(storage: Storage, output: OutputStorage): Storage {
  const at = (file: string) => (file.startsWith(OUTPUT) ? output : storage);
  return {
    open: (file) => at(file).open(file),
    list: (directory) => at(directory).list(directory),
    stat: (file) => at(file).stat(file),
  };
}

/** Of a column that was dropped, nothing from before that is left to read. */
function withoutDropped(unfiltered: Unfiltered, definition: Table | View | undefined): Unfiltered {
  const dropped = definition && 'droppedColumns' in definition ? definition.droppedColumns : [];
  if (unfiltered.kind !== 'row' || dropped.length === 0) return unfiltered;
  const at = new Map(dropped.map(({ name, droppedTimeMicros }) => [name, droppedTimeMicros]));
  const isKept = (name: string, micros: bigint) => micros > (at.get(name) ?? -(2n ** 63n));
  return {
    ...unfiltered,
    cells: unfiltered.cells.filter(({ column, timestampMicros }) => isKept(column.name, timestampMicros)),
    complexDeletions: unfiltered.complexDeletions.filter(({ column, deletion }) =>
      isKept(column.name, deletion.markedForDeleteAtMicros),
    ),
  };
}

async function partitionsOf(
  storage: Storage,
  descriptors: readonly Descriptor[],
  definition: Table | View | undefined,
): Promise<Partition[][]> {
  const all: Partition[][] = [];
  for (const descriptor of descriptors) {
    const sstable = await openDescriptor(storage, descriptor);
    const partitions: Partition[] = [];
    for (const { staticRow, unfiltereds, ...rest } of sstable.partitions()) {
      const clean = staticRow && (withoutDropped(staticRow, definition) as Row);
      partitions.push({
        ...rest,
        ...(clean && { staticRow: clean }),
        unfiltereds: [...unfiltereds].map((one) => withoutDropped(one, definition)),
      });
    }
    sstable.close();
    all.push(partitions);
  }
  return all;
}

const hex = (bytes: Uint8Array | null) => (bytes === null ? 'null' : Buffer.from(bytes).toString('hex'));

/** What a read sees, value by value. */
function answer(sources: Partition[][], { directory }: TableCase, nowSeconds: number): string[] {
  const { clusteringTypes } = readStatistics(diskStorage, directory.sstables[0]!.descriptor).header;
  return mergeLive(sources, { clusteringTypes, nowSeconds }).flatMap(({ key, staticRow, rows }) =>
    [...(staticRow ? [staticRow] : []), ...rows].map((row) => {
      const cells = [...row.cells.values()].flatMap(({ cells: live }) =>
        live.map(
          (c) => `${c.column.name}[${hex(c.path ?? null)}]=${hex(c.value)}@${c.timestampMicros}+${c.ttlSeconds}`,
        ),
      );
      const place = row === staticRow ? 'static' : row.clustering.map(hex).join();
      return `${hex(key)} ${place} ${cells.sort().join(' ')}`;
    }),
  );
}

function hasCounters({ directory }: TableCase): boolean {
  return directory.sstables.some(({ descriptor }) => {
    const { regularColumns, staticColumns } = readStatistics(diskStorage, descriptor).header;
    return [...regularColumns, ...staticColumns].some(({ type }) => type.kind === 'native' && type.name === 'counter');
  });
}

for (const set of SETS) {
  const tables = await tablesOf(set);
  describe(set, () => {
    it('has the tables that are easily got wrong, over several SSTables each', () => {
      const over = [...tables].filter(([, { directory }]) => directory.sstables.length > 1).map(([name]) => name);
      expect(over).toEqual(
        expect.arrayContaining(
          ['collections', 'user_types', 'statics', 'key_only', 'ranges', 'ttl'].map((t) => `zoo.${t}`),
        ),
      );
      expect(tables.size).toBeGreaterThan(40);
    });

    it.each([...tables].filter(([, one]) => !hasCounters(one)))('%s', async (_, one) => {
      const definition = findTable(one.schema, one.directory.place.keyspace, one.directory.place.table);
      const before = await partitionsOf(
        diskStorage,
        one.directory.sstables.map(({ descriptor }) => descriptor),
        definition,
      );
      for (const gcGrace of [0, 864_000]) {
        const files = new Map<string, Uint8Array>();
        const output = memoryOutput(files);
        const major = compaction(one, output, gcGrace);
        const outputs = await major.run();
        major.complete();
        const after = await partitionsOf(output, outputs, definition);
        for (const later of [0, 90 * 86_400]) {
          expect(answer(after, one, one.nowSeconds + later)).toEqual(answer(before, one, one.nowSeconds + later));
        }
        expect([...files.keys()].filter((file) => file.endsWith('.tmp'))).toEqual([]);
      }
    });
  });
}

describe('a compaction that fails', () => {
  it('on a corrupt chunk in the middle leaves no file, and says where', async () => {
    const one = (await tablesOf('oa-5.0')).get('zoo.wide')!;
    const { descriptor } = one.directory.sstables.at(-1)!;
    const data = componentPath(descriptor, 'Data.db');
    const size = fs.statSync(data).size;
    const storage = corrupt(data, { kind: 'flip', offset: Math.floor(size / 2), xor: 0x10 });
    const files = new Map<string, Uint8Array>();
    const major = compaction(one, memoryOutput(files), 864_000, storage);
    await expect(major.run()).rejects.toThrow(CorruptError);
    major.abort();
    expect([...files.keys()]).toEqual([]);
  });

  it('on a full disk leaves no file, however far it came', async () => {
    const one = (await tablesOf('oa-5.0')).get('zoo.unified')!;
    for (const allowed of [0, 1, 3, 6, 9, 12]) {
      const files = new Map<string, Uint8Array>();
      const inner = memoryOutput(files);
      let made = 0;
      const create: OutputStorage['create'] = (file) => {
        if (made++ >= allowed) throw new UsageError('no space left on the device', { file });
        return inner.create(file);
      };
      const major = compaction(one, { ...inner, create }, 864_000);
      const run = major.run();
      const failed = await run.then(
        () => false,
        () => true,
      );
      if (allowed < 8) expect(failed).toBe(true);
      major.abort();
      expect([...files.keys()], `${allowed} files`).toEqual([]);
    }
  });
});
