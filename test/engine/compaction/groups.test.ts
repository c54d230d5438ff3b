import { expect, it } from 'vitest';
import { diskStorage } from '../../../src/bytes/source.js';
import { majorShape, majorTasks } from '../../../src/engine/compaction/forced-tasks.js';
import { outputCutter } from '../../../src/engine/compaction/output-cuts.js';
import { outputRepairState, repairGroups } from '../../../src/engine/compaction/planned-task.js';
import { readCandidate } from '../../../src/engine/compaction/read-candidate.js';
import {
  overlappingGroups,
  overlappingSSTables,
  type SSTableFacts,
} from '../../../src/engine/compaction/sstable-facts.js';
import { type CompactionStrategy, compactionParams } from '../../../src/engine/strategies/options.js';
import { parseDescriptor } from '../../../src/sstable/descriptor.js';
import { approximateKeyCount } from '../../../src/sstable/metadata/hyper-log-log-builder.js';
import { decorate, partitionerOf } from '../../../src/sstable/partitioner.js';
import { openSSTable } from '../../../src/sstable/sstable.js';
import { fixtureSSTables } from '../../fixtures.js';

// keys order by their bytes
const partitioner = partitionerOf('ByteOrderedPartitioner');
const key = (text: string) => decorate(partitioner, Buffer.from(text));

/** An SSTable of the keys from the first letter of `span` to the second. */
function sstable(id: number, span: string, changes: Partial<SSTableFacts> = {}): SSTableFacts {
  return {
    descriptor: parseDescriptor(`oa-${id}-big-Data.db`).descriptor,
    partitioner,
    onDiskBytes: 1000,
    level: 0,
    repairedAtMillis: 0,
    isTransient: false,
    first: key(span[0]!),
    last: key(span[1]!),
    minTimestampMicros: 0n,
    maxTimestampMicros: 0n,
    maxLocalDeletionSeconds: Number.POSITIVE_INFINITY,
    sketch: undefined,
    estimatedKeys: () => 100,
    ...changes,
  };
}

const ids = (sstables: readonly SSTableFacts[]) => sstables.map(({ descriptor }) => descriptor.id).join(' ');
const spans = (...texts: string[]) => texts.map((text, i) => sstable(i + 1, text));

it.each([
  [
    ['ab', 'cd'],
    ['1', '2'],
  ],
  [
    ['cd', 'ab'],
    ['2', '1'],
  ],
  [['ab', 'bc', 'cd'], ['1 2 3']],
  [['az', 'bc', 'xy'], ['1 2 3']],
  [
    ['ac', 'xz', 'bd', 'ee'],
    ['1 3', '4', '2'],
  ],
])('groups of %o', (texts, expected) => {
  expect(overlappingGroups(spans(...texts), partitioner).map(ids)).toEqual(expected);
});

it('what a compaction overlaps: also what lies in a gap of a chain, not what lies between chains', () => {
  const others = spans('bb', 'ff', 'mn', 'zz');
  expect(ids(overlappingSSTables(spans('ac', 'be', 'ln'), others, partitioner))).toBe('1 3');
});

it('never mixes SSTables of different repairs', () => {
  const [A, B] = ['0a', '0b'];
  const all = [
    sstable(1, 'az'),
    sstable(2, 'az', { repairedAtMillis: 7 }),
    sstable(3, 'az', { pendingRepair: A! }),
    sstable(4, 'az', { pendingRepair: B!, isTransient: true }),
    sstable(5, 'az', { pendingRepair: B! }),
    sstable(6, 'az', { pendingRepair: A! }),
    sstable(7, 'az', { repairedAtMillis: 5 }),
    sstable(8, 'az'),
  ];
  const groups = repairGroups(all);
  expect(groups.map(({ repair, sstables }) => `${repair}: ${ids(sstables)}`)).toEqual([
    'pending repair: 4',
    'pending repair: 3 6',
    'pending repair: 5',
    'repaired: 2 7',
    'unrepaired: 1 8',
  ]);
  expect(groups.map(({ sstables }) => outputRepairState(sstables))).toEqual([
    { repairedAtMillis: 0, pendingRepair: B, isTransient: true },
    { repairedAtMillis: 0, pendingRepair: A, isTransient: false },
    { repairedAtMillis: 0, pendingRepair: B, isTransient: false },
    { repairedAtMillis: 5, isTransient: false },
    { repairedAtMillis: 0, isTransient: false },
  ]);
});

function strategyOf(name: string, options: Readonly<Record<string, string>> = {}): CompactionStrategy {
  return compactionParams({ class: `${name}CompactionStrategy`, ...options }).strategy;
}

it('makes tasks by strategy', () => {
  const all = [...spans('ab', 'xy', 'bc'), sstable(4, 'xz', { repairedAtMillis: 1 })];
  const tasks = (strategy: CompactionStrategy) => majorTasks(all, strategy).map(({ inputs }) => ids(inputs));
  const sizeTiered = strategyOf('SizeTiered');
  expect(tasks(sizeTiered)).toEqual(['4', '1 2 3']);
  expect(tasks(strategyOf('Unified', { base_shard_count: '1' }))).toEqual(['4', '1 3', '2']);
  expect(majorTasks([], sizeTiered)).toEqual([]);
  expect(majorTasks(spans('ab'), sizeTiered)).toHaveLength(1);
});

it('has one shard where the partitioner can not split its range', () => {
  const strategy = strategyOf('Unified', {
    base_shard_count: '4',
    target_sstable_size: '1MiB',
    min_sstable_size: '0B',
    sstable_growth: '0',
  });
  const cutter = outputCutter(majorShape(strategy), spans('ab', 'bc'));
  expect(cutter.before(0, 0, undefined)).toEqual({ level: 0, keyCount: 200 });
  expect(cutter.before(1, 0, { plain: 10, onDisk: 0 })).toBeUndefined();
  expect(cutter.tokenSpaceCoverage(0n, 1n)).toBe(1);
});

it.each(['oa-5.0/data/zoo/many-', 'da-5.0/data/zoo/many-', 'nb-4.1/data/zoo/many-'])(
  'reads the facts of %s',
  async (name) => {
    const { file } = fixtureSSTables().find((one) => one.file.includes(name))!;
    const facts = readCandidate(diskStorage, parseDescriptor(file).descriptor);
    const opened = await openSSTable(diskStorage, file);
    const keys = [...opened.partitions()].map((partition) => partition.key);
    opened.close();
    expect([facts.first.key, facts.last.key].map((k) => Buffer.from(k))).toEqual(
      [keys[0], keys.at(-1)].map((k) => Buffer.from(k!)),
    );
    expect(facts.onDiskBytes).toBe(diskStorage.stat(file)!.size);
    const intervals = Math.ceil(keys.length / 128) + 1;
    expect(facts.estimatedKeys()).toBe(name.startsWith('da') ? keys.length : intervals * 128);
    expect(Math.abs(approximateKeyCount([facts]) - keys.length)).toBeLessThan(keys.length / 100);
  },
);
