/** sstabledump's text with its kernel and without: the same bytes, and the same error where there is one. */
import { setImmediate as eventLoop } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { LsmctlError } from '../../src/bytes/errors.js';
import { diskStorage, type Storage } from '../../src/bytes/source.js';
import { SSTableDumpWriter } from '../../src/render/sstabledump.js';
import type { DumpStyle } from '../../src/render/sstabledump-texts.js';
import { DataCursor } from '../../src/sstable/data-cursor.js';
import { type DataFile, openDataFile } from '../../src/sstable/data-file.js';
import { parseDescriptor } from '../../src/sstable/descriptor.js';
import type { SerializationHeader } from '../../src/sstable/serialization-header.js';
import { openSSTable } from '../../src/sstable/sstable.js';
import { UnfilteredCursor } from '../../src/sstable/unfiltered-cursor.js';
import { type Version, versionOf } from '../../src/sstable/version.js';
import { fixtureSSTables } from '../fixtures.js';
import { sequence16 } from '../sequence.js';
import { memoryStorage } from '../sstable/memory-storage.js';
import { MadeUpTable } from './made-up-data.js';

const STYLES: readonly DumpStyle[] = [
  { lines: false, rawTimes: false, nowSeconds: 1_700_000_000 },
  { lines: true, rawTimes: false, nowSeconds: 1_700_000_001 },
  { lines: true, rawTimes: true, nowSeconds: 4_294_967_290 },
];

/** More of them for a campaign. */
const TABLES = Number(process.env.TABLES ?? 60);

type Dump = {
  readonly text: string;
  readonly error: unknown;
  /** Partitions that were not written one by one. */
  readonly together: number;
};

type Source = { readonly data: DataFile; readonly header: SerializationHeader; readonly version: Version };

function dump({ data, header, version }: Source, style: DumpStyle, hasKernel: boolean): Dump {
  const pieces: Buffer[] = [];
  const writer = new SSTableDumpWriter(header, style, { write: (bytes) => void pieces.push(Buffer.from(bytes)) });
  const cursor = new UnfilteredCursor(new DataCursor(data), header, version);
  if (hasKernel) writer.prepare(cursor);
  let error: unknown;
  let together = 0;
  writer.begin();
  try {
    for (;;) {
      together += writer.partitions(cursor, data.length);
      if (!cursor.nextPartition()) break;
      writer.partition(cursor);
    }
    writer.end();
  } catch (thrown) {
    if (!(thrown instanceof LsmctlError)) throw thrown;
    const { message, facts } = thrown;
    error = {
      message,
      facts,
      key: Buffer.from(cursor.key.subarray(0, cursor.keyLength)).toString('hex'),
      at: cursor.partitionPosition,
    };
  }
  writer.flush();
  return { text: Buffer.concat(pieces).toString('latin1'), error, together };
}

/** @returns how many partitions the kernel wrote */
function compare(source: Source, style: DumpStyle): number {
  const plain = dump(source, style, false);
  const { together, ...quick } = dump(source, style, true);
  expect(quick).toEqual({ text: plain.text, error: plain.error });
  return together;
}

const FILE = '/d/ks/t-5a1c395e/oa-1-big-Data.db';

async function opened(bytes: Buffer, windowBytes: number): Promise<DataFile> {
  await eventLoop(); // the runner wants to hear of us
  const storage: Storage = memoryStorage(new Map([[FILE, bytes]]));
  return openDataFile(storage, parseDescriptor(FILE).descriptor, { windowBytes });
}

describe('with and without the kernel', () => {
  it('every SSTable of the fixtures gives the same text', async () => {
    let together = 0;
    for (const [i, { file }] of fixtureSSTables().entries()) {
      const sstable = await openSSTable(diskStorage, file);
      const { data, header, descriptor } = sstable;
      together += compare({ data, header, version: descriptor.version }, STYLES[i % STYLES.length]!);
      sstable.close();
    }
    expect(together).toBeGreaterThan(500);
  });

  it.each([
    { name: 'oa', oddness: 0, least: 700 },
    { name: 'nb', oddness: 0, least: 700 },
    { name: 'oa', oddness: 1, least: 100 },
    { name: 'nb', oddness: 1, least: 100 },
    { name: 'oa', oddness: 2, least: 10 },
    { name: 'nb', oddness: 2, least: 10 },
  ] as const)('made-up partitions of $name, how odd: $oddness', async ({ name, oddness, least }) => {
    const version = versionOf('big', name);
    let together = 0;
    for (let seed = 1; seed <= TABLES; seed++) {
      const table = new MadeUpTable(seed * 7919 + oddness, { hasUInt: name === 'oa', oddness });
      const bytes = table.partitions(oddness === 2 ? 6 : 25);
      const data = await opened(bytes, [1 << 18, 4096, 1000][seed % 3]!);
      together += compare({ data, header: table.header, version }, STYLES[seed % STYLES.length]!);
    }
    expect(together).toBeGreaterThan(least);
  });

  it('damaged partitions give the same text up to the same error', async () => {
    const version = versionOf('big', 'oa');
    let errors = 0;
    for (let seed = 1; seed <= TABLES * 2; seed++) {
      const table = new MadeUpTable(seed * 104729, { hasUInt: true, oddness: seed % 2 === 0 ? 0 : 1 });
      const bytes = table.partitions(8);
      const next = sequence16(seed);
      for (let i = 0; i < 2; i++) bytes[((next() << 16) | next()) % bytes.length]! ^= 1 << (next() % 8);
      const cut = bytes.subarray(0, seed % 4 === 0 ? next() % bytes.length : bytes.length);
      if (cut.length === 0) continue;
      const source = { data: await opened(cut, 4096), header: table.header, version };
      compare(source, STYLES[seed % STYLES.length]!);
      if (dump(source, STYLES[0]!, true).error) errors++;
    }
    expect(errors).toBeGreaterThan(TABLES / 2);
  });
});
