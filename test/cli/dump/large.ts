/** SSTables that are many times over what fixtures hold, made of their partitions: uncompressed, with an index of their own. */
import fs from 'node:fs';
import path from 'node:path';
import { crc32 } from '../../../src/bytes/crc32.js';
import { diskStorage } from '../../../src/bytes/source.js';
import { ByteWriter } from '../../../src/bytes/writer.js';
import { cqlTypeName } from '../../../src/cql/type-facts.js';
import { BTI_BLOCK_BYTES } from '../../../src/sstable/bti/bti-index-writer.js';
import { componentPath, parseDescriptor } from '../../../src/sstable/descriptor.js';
import { writeIndexEntry } from '../../../src/sstable/index-file.js';
import { openSSTable, type SSTable } from '../../../src/sstable/sstable.js';
import { encodeStatistics } from '../../../src/sstable/statistics.js';
import { encodeSummary } from '../../../src/sstable/summary.js';
import { temporaryDirectory } from '../../engine/directories.js';
import { fixtureSSTables } from '../../fixtures.js';
import { rewriteIndex } from '../../sstable/bti/rewrite-index.js';

export const PLAIN_BYTES = 4 << 20;
const CHECKED = 65536;

/** Paths of Data.db and of what stands beside it. */
export type Large = { readonly file: string; readonly index: string; readonly crc: string };

type Partition = { readonly key: Uint8Array; readonly position: number };

/** The partitions of a fixture, of version oa, again and again under the same keys, with Index.db, Summary.db and CRC.db. */
export async function makeLarge(table: string): Promise<Large> {
  const { sstable, partitions, plain, to } = await takeFixture('oa-5.0', table);
  fs.copyFileSync(componentPath(sstable.descriptor, 'Statistics.db'), to('Statistics.db'));
  const times = Math.ceil(PLAIN_BYTES / plain.length);
  const index = new ByteWriter(1 << 16);
  const entries: { key: Uint8Array; position: number }[] = [];
  let count = 0;
  for (let n = 0; n < times; n++) {
    for (const { key, position } of partitions) {
      if (count++ % 128 === 0) entries.push({ key, position: index.pos });
      writeIndexEntry(index, key, n * plain.length + position);
    }
  }
  const summary = {
    minIndexInterval: 128,
    samplingLevel: 128,
    sizeAtFullSampling: entries.length,
    entries,
    firstKey: partitions[0]!.key,
    lastKey: partitions.at(-1)!.key,
  };
  writeData(to, Buffer.concat(Array<Uint8Array>(times).fill(plain)));
  fs.writeFileSync(to('Index.db'), index.toBytes());
  fs.writeFileSync(to('Summary.db'), encodeSummary(summary));
  return { file: to('Data.db'), index: to('Index.db'), crc: to('CRC.db') };
}

/** The partitions of a fixture, of version da, again and again under new keys in the order of their tokens, with Partitions.db, Rows.db and CRC.db. */
export async function makeLargeBti(table: string): Promise<Large> {
  const { sstable, partitions, plain, to } = await takeFixture('da-5.0', table);
  const bodies = partitions.map(({ key, position }, i) =>
    plain.subarray(position + 2 + key.length, partitions[i + 1]?.position ?? plain.length),
  );
  const count = Math.ceil(PLAIN_BYTES / (plain.length / partitions.length));
  const { partitioner, header } = sstable;
  const keys = Array.from({ length: count }, (_, i) => newKey(cqlTypeName(header.keyType), i))
    .map((key) => ({ key, token: partitioner.tokenOf(key) }))
    .sort((a, b) => partitioner.compareTokens(a.token, b.token))
    .map(({ key }) => key);
  const data = new ByteWriter(PLAIN_BYTES * 2);
  for (const [i, key] of keys.entries()) {
    data.u16(key.length);
    data.bytes(key);
    data.bytes(bodies[i % bodies.length]!);
  }
  const parts = sstable.statistics.parts();
  const stats = { ...parts.stats!, firstKey: keys[0]!, lastKey: keys.at(-1)! };
  fs.writeFileSync(to('Statistics.db'), encodeStatistics({ ...parts, stats }, sstable.descriptor.version));
  writeData(to, data.view());
  const index = await rewriteIndex(to('Data.db'), BTI_BLOCK_BYTES);
  fs.writeFileSync(to('Partitions.db'), index.partitions);
  fs.writeFileSync(to('Rows.db'), index.rows);
  return { file: to('Data.db'), index: to('Partitions.db'), crc: to('CRC.db') };
}

async function takeFixture(
  fixture: string,
  table: string,
): Promise<{
  readonly sstable: SSTable;
  readonly partitions: readonly Partition[];
  readonly plain: Uint8Array;
  /** The path of a component of the SSTable to make. */
  readonly to: (component: string) => string;
}> {
  const { file } = fixtureSSTables().find(({ name }) => name.startsWith(`${fixture}/data/zoo/${table}-`))!;
  const sstable = await openSSTable(diskStorage, file);
  const c = sstable.cursor();
  const partitions: Partition[] = [];
  while (c.nextPartition()) partitions.push({ key: c.key.slice(0, c.keyLength), position: c.partitionPosition });
  const plain = new Uint8Array(sstable.data.length);
  for (let at = 0; at < plain.length; ) at += sstable.data.read(at, plain, at, 1, plain.length - at);
  sstable.close();
  const directory = path.join(temporaryDirectory(), 'zoo', path.basename(path.dirname(file)));
  fs.mkdirSync(directory, { recursive: true });
  const { descriptor } = parseDescriptor(path.join(directory, path.basename(file)));
  return { sstable, partitions, plain, to: (component) => componentPath(descriptor, component) };
}

function newKey(type: string, i: number): Uint8Array {
  if (type !== 'int') return Buffer.from(`partition ${i}`);
  const key = Buffer.alloc(4);
  key.writeInt32BE(i);
  return key;
}

function writeData(to: (component: string) => string, data: Uint8Array): void {
  const sums = new ByteWriter(1 << 10);
  sums.i32(CHECKED);
  for (let at = 0; at < data.length; at += CHECKED) sums.i32(crc32(data.subarray(at, at + CHECKED)));
  fs.writeFileSync(to('Data.db'), data);
  fs.writeFileSync(to('CRC.db'), sums.toBytes());
}
