/** `lsmctl read PATH --sample N`: how many SSTables reads of this table ask, and how many after a major compaction. */
import { randomInt } from 'node:crypto';
import { diskStorage } from '../../bytes/source.js';
import { WHOLE_PARTITION } from '../../engine/read/clustering-slice.js';
import { memtableCandidate } from '../../engine/read/memtable-candidate.js';
import { PartitionRead } from '../../engine/read/partition-read.js';
import { ReadCandidate } from '../../engine/read/read-candidate.js';
import { ReadPath } from '../../engine/read/read-path.js';
import { sampleKeys, seeded } from '../../engine/read/sample-keys.js';
import { distribution, type SampleReport, sampleText } from '../../render/read-sample.js';
import { readMemtable } from './memtable.js';
import { nothingThere, type ReadTable } from './read-table.js';

export type SampleFlags = {
  readonly sample?: number | undefined;
  readonly seed?: number | undefined;
  readonly commitlog?: readonly string[] | undefined;
  readonly schema?: string | undefined;
  readonly now: number;
};

const MAX_SEED = 2 ** 31;

/** @throws UsageError, UnsupportedError, CorruptError */
export async function readSample(
  table: ReadTable,
  flags: SampleFlags,
  tell: (line: string) => void,
): Promise<{ readonly report: SampleReport; readonly text: string }> {
  const { commitlog } = flags;
  const unflushed =
    commitlog && (await readMemtable(table.path, { ...flags, commitlog }, { table, key: undefined }, tell));
  const memtable = memtableCandidate(unflushed);
  const candidates = [
    ...table.descriptors.map((one) => new ReadCandidate(diskStorage, one)),
    ...(memtable ? [memtable] : []),
  ];
  if (candidates.length === 0) throw nothingThere(table);
  try {
    const seed = flags.seed ?? randomInt(1, MAX_SEED);
    const keys = await sampleKeys(candidates, flags.sample!, seeded(seed));
    const reads: OneRead[] = [];
    for (const key of keys) reads.push(await readOne(table, candidates, key, flags.now));
    const of = (pick: (read: OneRead) => number) => distribution(reads.map(pick));
    const report: SampleReport = {
      keyspace: table.keyspace,
      table: table.name,
      seed,
      keys: keys.length,
      sstables: table.descriptors.length,
      now: {
        sstables: of((r) => r.sstables),
        falsePositives: of((r) => r.falsePositives),
        visited: of((r) => r.visited),
      },
      afterMajor: { sstables: of((r) => (r.left > 0 ? 1 : 0)), visited: of((r) => r.left) },
      tombstones: of((r) => r.tombstones),
    };
    return { report, text: sampleText(report) };
  } finally {
    for (const candidate of candidates) candidate.close();
  }
}

type OneRead = {
  readonly sstables: number;
  readonly falsePositives: number;
  /** Rows and bounds of range tombstones in all SSTables. */
  readonly visited: number;
  /** What would be left of them, and of a deletion of the partition, in one SSTable. */
  readonly left: number;
  readonly tombstones: number;
};

async function readOne(
  { definition, gcGraceSeconds, isStrict }: ReadTable,
  candidates: readonly ReadCandidate[],
  key: Uint8Array,
  nowSeconds: number,
): Promise<OneRead> {
  const slice = WHOLE_PARTITION;
  const path = new ReadPath({ candidates, key, slice, definition });
  await path.find();
  const count = (outcome: string) => path.steps.filter((step) => !step.isMemtable && step.outcome === outcome).length;
  const header = path.header();
  if (!header) return { sstables: 0, falsePositives: count('false-positive'), visited: 0, left: 0, tombstones: 0 };
  const gcBeforeSeconds = gcGraceSeconds === undefined ? Number.NEGATIVE_INFINITY : nowSeconds - gcGraceSeconds;
  const read = new PartitionRead({ header, slice, nowSeconds, gcBeforeSeconds, isStrict });
  const sources = path.open(header);
  let hasStatic = false;
  const deletion = read.run(sources, {
    staticRow: (row) => {
      hasStatic = !row.isEmpty;
    },
    row: () => true,
  });
  const keepsDeletion = deletion.isSet && deletion.localDeletionSeconds >= gcBeforeSeconds;
  return {
    sstables: count('read'),
    falsePositives: count('false-positive'),
    visited: sources.reduce((sum, { unfiltereds }) => sum + unfiltereds, 0),
    left: read.rows + read.markers + (hasStatic ? 1 : 0) + (keepsDeletion ? 1 : 0),
    tombstones: read.counts.tombstones,
  };
}
