/** The list of keys (`dump --keys-only`), which comes from the index alone. */
import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CorruptError } from '../../../src/bytes/errors.js';
import { diskStorage, type Storage } from '../../../src/bytes/source.js';
import { dumpKeys } from '../../../src/cli/dump/keys.js';
import { parseDescriptor } from '../../../src/sstable/descriptor.js';
import { openSSTable } from '../../../src/sstable/sstable.js';
import { corrupt } from '../../corrupt.js';
import { fixtureSSTables } from '../../fixtures.js';

const SSTABLES = fixtureSSTables().filter(({ name }) => /\/zoo\/(c_lz4_4k|statics|wide)-/.test(name));

async function keysOf(storage: Storage, file: string): Promise<string> {
  const pieces: Buffer[] = [];
  await dumpKeys(storage, parseDescriptor(file).descriptor, { write: (b) => void pieces.push(Buffer.from(b)) });
  return Buffer.concat(pieces).toString();
}

describe('the list of keys', () => {
  it.each(SSTABLES.map(({ name, file }) => [name, file]))('is whole: %s', async (_, file) => {
    const sstable = await openSSTable(diskStorage, file!);
    const partitions = [...sstable.partitions()].length;
    sstable.close();
    expect(JSON.parse(await keysOf(diskStorage, file!))).toHaveLength(partitions);
  });

  const big = SSTABLES.filter(({ file }) => file.endsWith('-big-Data.db')).map(({ name, file }) => [name, file]);

  it.each(big)('is refused where Index.db ends with an entry before the last: %s', async (_, file) => {
    const index = file!.replace('Data.db', 'Index.db');
    const sstable = await openSSTable(diskStorage, file!);
    const entries = sstable.openIndex(diskStorage);
    const keys = [...entries.entries()].map(({ key }) => key!);
    entries.close();
    sstable.close();
    const last = fs.readFileSync(index).lastIndexOf(Buffer.from(keys.at(-1)!)) - 2;
    for (const length of [0, last]) {
      const keysAre = keysOf(corrupt(index, { kind: 'cut', length }), file!);
      await expect(keysAre).rejects.toThrow(CorruptError);
      await expect(keysAre).rejects.toMatchObject({ facts: { file: index, component: 'Index.db' } });
    }
  });
});
