/** lsmctl's stand-ins for the real tools, run within the test's process. */
import { diskStorage } from '../src/bytes/source.js';
import { wholeFile } from '../src/cli/dump/ranges.js';
import { dumpSSTable } from '../src/cli/dump/run.js';
import type { DumpSpec } from '../src/cli/dump/spec.js';
import { readSSTableMetadata } from '../src/engine/sstable-metadata.js';
import { sstablemetadataText } from '../src/render/sstablemetadata.js';
import { parseDescriptor } from '../src/sstable/descriptor.js';

const SPEC: DumpSpec = {
  format: 'sstabledump',
  lines: false,
  rawTimes: false,
  debug: false,
  filter: {},
  excluded: [],
  toleratesBadChunks: true,
  width: 80,
};

/** What `lsmctl dump` prints for a Data.db. @throws whatever ends the dump */
export async function dumpText(file: string, nowSeconds: number, flags: Partial<DumpSpec> = {}): Promise<string> {
  const pieces: Buffer[] = [];
  const context = { keyspace: '', table: '', sstable: '', partitionKey: [], clustering: [], nowSeconds };
  await dumpSSTable(
    diskStorage,
    parseDescriptor(file).descriptor,
    { ...SPEC, ...flags },
    context,
    (sstable) => ({ ranges: wholeFile(diskStorage, sstable) }),
    { write: (bytes: Uint8Array) => void pieces.push(Buffer.from(bytes)) },
    { jobs: 1, isWhole: true },
  );
  return Buffer.concat(pieces).toString();
}

/** What `lsmctl metadata --format sstablemetadata` prints for a Data.db, but for the share of droppable tombstones, which moves with the clock. */
export function metadataText(file: string, nowSeconds: number): string {
  const metadata = readSSTableMetadata(diskStorage, parseDescriptor(file).descriptor);
  const name = file.replace(/-Data\.db$/, '');
  return steady(sstablemetadataText(metadata, name, { color: false, unicode: false, nowSeconds, gcGraceSeconds: 0 }));
}

/** A text of sstablemetadata without what moves with the clock. */
export function steady(text: string): string {
  return text.replace(/^Estimated droppable tombstones: .*$/m, '');
}
