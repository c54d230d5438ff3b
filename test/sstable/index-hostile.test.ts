import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { LsmctlError } from '../../src/bytes/errors.js';
import { diskStorage, overlayStorage, readWhole } from '../../src/bytes/source.js';
import { COMPONENT, componentPath } from '../../src/sstable/descriptor.js';
import { isPresent, readFilter } from '../../src/sstable/filter.js';
import { openPartitionIndex } from '../../src/sstable/partition-index.js';
import { partitionerOf } from '../../src/sstable/partitioner.js';
import { openSSTable, type SSTable } from '../../src/sstable/sstable.js';
import { CORPUS, corpusFiles, hasCorpus } from '../corpus.js';

const LED_ASTRAY: Readonly<Record<string, RegExp>> = {
  'Index.db': /Index|Summary/,
  'Partitions.db': /Partitions|Rows/,
};

/** Everything that an index can be asked. */
function ask(sstable: SSTable, component: string, bytes: Uint8Array): void {
  const { descriptor, header } = sstable;
  const storage = overlayStorage(diskStorage, new Map([[componentPath(descriptor, component), bytes]]));
  const partitioner = partitionerOf(sstable.statistics.validation.partitioner, header.keyType);
  const keyAt = (position: number): Uint8Array => Uint8Array.of(position & 0xff);
  const filter = readFilter(storage, descriptor);
  const index = openPartitionIndex(storage, descriptor, {
    partitioner,
    clusteringTypes: header.clusteringTypes,
    keyAt,
  });
  const key = Uint8Array.of(0, 0, 0, 1);
  if (filter) isPresent(filter, key);
  index.find(key)?.rowIndex();
  const token = partitioner.tokenOf(key);
  for (const entry of index.entries()) {
    const rows = entry.rowIndex();
    if (!rows) continue;
    for (const _ of rows.blocks());
    rows.blockFor({ kind: 'INCL_START_BOUND', values: [key] });
  }
  for (const _ of index.entries({ from: { token, inclusive: true } }));
  index.close();
}

describe.skipIf(!hasCorpus())('indexes with flipped and missing bytes', () => {
  const wide = corpusFiles('-Data.db', [
    'kitchen-oa-1/data/kitchen',
    'kitchen-da-1/data/kitchen',
    'kitchen-nb-1/data/kitchen',
  ]);
  const one = (start: string): string =>
    wide.find((file) => path.basename(file).startsWith(start) && file.includes('/wide-'))!;
  const many = (start: string): string =>
    wide.find((file) => path.basename(file).startsWith(start) && file.includes('/c_none-'))!;
  const cases = ['oa', 'nb', 'da'].flatMap((version) => {
    const components =
      version === 'da'
        ? [COMPONENT.partitions, COMPONENT.rows, COMPONENT.filter]
        : [COMPONENT.index, COMPONENT.summary, COMPONENT.filter];
    return components.flatMap((component) => [
      [component, one(`${version}-`)] as const,
      [component, many(`${version}-`)] as const,
    ]);
  });

  it.each(cases)('%s of %s', async (component, file) => {
    const sstable = await openSSTable(diskStorage, path.join(CORPUS, file));
    const good = readWhole(diskStorage, componentPath(sstable.descriptor, component));
    ask(sstable, component, good);
    const refused = (bytes: Uint8Array): boolean => {
      try {
        ask(sstable, component, bytes);
        return false;
      } catch (error) {
        if (!(error instanceof LsmctlError)) throw error;
        expect(error.code).toBe('CORRUPT');
        // a pointer that leads astray shows in the file that it leads to, an entry that the summary does not lead to in the summary
        expect(`${error.facts.component}.db`).toMatch(LED_ASTRAY[component] ?? component);
        return true;
      }
    };
    const step = Math.max(1, Math.floor(good.length / 250));
    let caught = 0;
    for (let i = 0; i < good.length; i += step) {
      for (const flip of [0xff, 0x01, 0x80]) {
        const bytes = good.slice();
        bytes[i]! ^= flip;
        if (refused(bytes)) caught++;
      }
    }
    const cuts = Math.max(1, Math.floor(good.length / 40));
    for (let i = 0; i < good.length; i += cuts) if (refused(good.slice(0, i))) caught++;
    if (good.length > 0) expect(caught).toBeGreaterThan(0);
    sstable.close();
  });
});
