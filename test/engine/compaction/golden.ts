/** Major compactions of a real node: what was known of their inputs, and what came out. test/oracle/make-compaction-golden.ts makes the file. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { Cursor } from '../../../src/bytes/cursor.js';
import type { SSTableFacts } from '../../../src/engine/compaction/sstable-facts.js';
import { parseDescriptor } from '../../../src/sstable/descriptor.js';
import { readHyperLogLog } from '../../../src/sstable/metadata/hyper-log-log.js';
import { decorate, partitionerOf } from '../../../src/sstable/partitioner.js';

export type GoldenInput = {
  readonly id: string;
  /** Hex. */
  readonly firstKey: string;
  readonly lastKey: string;
  readonly onDiskBytes: number;
  readonly level: number;
  readonly repairedAtMillis: number;
  readonly minTimestampMicros: string;
  readonly maxTimestampMicros: string;
  /** null: something lives for ever. */
  readonly maxLocalDeletionSeconds: number | null;
  /** Base64. */
  readonly sketch: string;
  readonly estimatedKeys: number;
};

export type GoldenOutput = {
  readonly level: number;
  readonly repairedAtMillis: number;
  /** null: not recorded. */
  readonly tokenSpaceCoverage: number | null;
  readonly fpChance: number;
  readonly filterBytes: number;
  /** Of each partition the token, and how much was written of the SSTable before it: plain bytes, bytes on disk. */
  readonly partitions: readonly (readonly [token: string, plain: number, onDisk: number])[];
  /** The same of the whole. */
  readonly end: readonly [plain: number, onDisk: number];
};

export type GoldenCompaction = {
  readonly name: string;
  readonly version: string;
  readonly compaction: Readonly<Record<string, string>>;
  readonly gcGraceSeconds: number;
  readonly inputs: readonly GoldenInput[];
  readonly tasks: readonly {
    /** Ids. */
    readonly inputs: readonly string[];
    readonly outputs: readonly GoldenOutput[];
    readonly nowSeconds: number;
  }[];
};

export function goldenCompactions(): GoldenCompaction[] {
  const file = fileURLToPath(new URL('../../golden/compactions.json.gz', import.meta.url));
  return JSON.parse(gunzipSync(readFileSync(file)).toString()) as GoldenCompaction[];
}

const partitioner = partitionerOf('org.apache.cassandra.dht.Murmur3Partitioner');

export function factsOf({ version }: GoldenCompaction, input: GoldenInput): SSTableFacts {
  const format = version === 'da' ? 'bti' : 'big';
  const key = (text: string) => decorate(partitioner, Buffer.from(text, 'hex'));
  return {
    descriptor: parseDescriptor(`${version}-${input.id}-${format}-Data.db`).descriptor,
    partitioner,
    onDiskBytes: input.onDiskBytes,
    level: input.level,
    repairedAtMillis: input.repairedAtMillis,
    isTransient: false,
    first: key(input.firstKey),
    last: key(input.lastKey),
    minTimestampMicros: BigInt(input.minTimestampMicros),
    maxTimestampMicros: BigInt(input.maxTimestampMicros),
    maxLocalDeletionSeconds: input.maxLocalDeletionSeconds ?? Number.POSITIVE_INFINITY,
    sketch: readHyperLogLog(new Cursor(Buffer.from(input.sketch, 'base64'))),
    estimatedKeys: () => input.estimatedKeys,
  };
}
