/**
 * `npx vite-node test/oracle/make-compaction-golden.ts`: test/golden/compactions.json.gz off the recordings cuts-oa, cuts-da, cuts-nb and oa-5.0
 * (of that the tables that are not SizeTiered, and zoo.repaired): what was known of the SSTables that went into each major compaction, and what came
 * out. The tests of src/engine/compaction hold to it with neither node nor files.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { diskStorage } from '../../src/bytes/source.js';
import { ByteWriter } from '../../src/bytes/writer.js';
import { readCandidate } from '../../src/engine/compaction/read-candidate.js';
import { chunkOffset, readCompressionInfo } from '../../src/sstable/compression-info.js';
import { componentPath, type Descriptor, parseDescriptor } from '../../src/sstable/descriptor.js';
import { writeHyperLogLog } from '../../src/sstable/metadata/hyper-log-log.js';
import { openDescriptor } from '../../src/sstable/sstable.js';
import type { GoldenCompaction, GoldenInput, GoldenOutput } from '../engine/compaction/golden.js';
import { RECORDINGS, type RecordedTable, type Recording, recordings } from './recordings.js';

const OUT = fileURLToPath(new URL('../golden/compactions.json.gz', import.meta.url));
/** The formats differ in how they count keys. */
const DA = ['cuts.shards_3', 'cuts.shards_narrow', 'cuts.apart', 'cuts.levels_lz4'];
const NAMES = ['cuts-oa', 'cuts-da', 'cuts-nb', 'oa-5.0'];

function isWanted(recording: string, { table, compaction }: RecordedTable): boolean {
  if (recording === 'cuts-da') return DA.includes(table);
  return (
    table === 'zoo.repaired' || !compaction.class!.endsWith('SizeTieredCompactionStrategy') || table.startsWith('cuts.')
  );
}

function inputOf(descriptor: Descriptor): GoldenInput {
  const facts = readCandidate(diskStorage, descriptor);
  const sketch = new ByteWriter(4096);
  writeHyperLogLog(facts.sketch!, sketch);
  const { maxLocalDeletionSeconds } = facts;
  return {
    id: descriptor.id,
    firstKey: Buffer.from(facts.first.key).toString('hex'),
    lastKey: Buffer.from(facts.last.key).toString('hex'),
    onDiskBytes: facts.onDiskBytes,
    level: facts.level,
    repairedAtMillis: facts.repairedAtMillis,
    minTimestampMicros: String(facts.minTimestampMicros),
    maxTimestampMicros: String(facts.maxTimestampMicros),
    maxLocalDeletionSeconds: maxLocalDeletionSeconds === Number.POSITIVE_INFINITY ? null : maxLocalDeletionSeconds,
    sketch: Buffer.from(sketch.view()).toString('base64'),
    estimatedKeys: facts.estimatedKeys(),
  };
}

async function outputOf(descriptor: Descriptor): Promise<GoldenOutput> {
  const sstable = await openDescriptor(diskStorage, descriptor);
  const info = readCompressionInfo(diskStorage, descriptor);
  const onDisk = (plain: number) => {
    if (!info) return plain;
    const chunk = Math.floor(plain / info.chunkLength);
    return chunk < info.chunkCount ? chunkOffset(info, chunk) : sstable.data.storedLength;
  };
  const { stats, validation } = sstable.statistics;
  const partitions: [string, number, number][] = [];
  const cursor = sstable.cursor();
  while (cursor.nextPartition()) {
    const token = sstable.partitioner.tokenOf(cursor.key.slice(0, cursor.keyLength));
    const at = cursor.partitionPosition;
    partitions.push([sstable.partitioner.tokenText(token), at, onDisk(at)]);
  }
  const end: [number, number] = [sstable.data.length, onDisk(sstable.data.length)];
  sstable.close();
  return {
    level: stats.sstableLevel,
    repairedAtMillis: stats.repairedAtMillis,
    tokenSpaceCoverage: Number.isNaN(stats.tokenSpaceCoverage) ? null : stats.tokenSpaceCoverage,
    fpChance: validation.bloomFilterFpChance,
    filterBytes: diskStorage.stat(componentPath(descriptor, 'Filter.db'))!.size,
    partitions,
    end,
  };
}

async function goldenOf(recording: Recording, table: RecordedTable): Promise<GoldenCompaction> {
  const descriptor = (file: string) => parseDescriptor(join(RECORDINGS, recording.name, file)).descriptor;
  const tasks: GoldenCompaction['tasks'][number][] = [];
  for (const { inputs, outputs, startMillis } of table.tasks) {
    const read: GoldenOutput[] = [];
    for (const file of outputs) read.push(await outputOf(descriptor(file)));
    const nowSeconds = Math.floor(startMillis / 1000);
    tasks.push({ inputs: inputs.map((file) => descriptor(file).id), outputs: read, nowSeconds });
  }
  return {
    name: `${recording.name} ${table.table}`,
    version: descriptor(table.inputs[0]!).version.name,
    compaction: table.compaction,
    gcGraceSeconds: table.gcGraceSeconds,
    inputs: table.inputs.map((file) => inputOf(descriptor(file))),
    tasks,
  };
}

const golden: GoldenCompaction[] = [];
for (const recording of recordings(NAMES))
  for (const table of recording.tables)
    if (isWanted(recording.name, table) && table.inputs.length > 0) golden.push(await goldenOf(recording, table));
const text = `[\n${golden.map((one) => JSON.stringify(one)).join(',\n')}\n]\n`;
writeFileSync(OUT, gzipSync(text, { level: 9 }));
console.log(`${golden.length} compactions in ${OUT}`);
