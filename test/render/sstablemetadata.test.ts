import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { diskStorage } from '../../src/bytes/source.js';
import { readSSTableMetadata } from '../../src/engine/sstable-metadata.js';
import { sstablemetadataText } from '../../src/render/sstablemetadata.js';
import { parseDescriptor } from '../../src/sstable/descriptor.js';
import { CORPUS, corpusFiles, hasCorpus, KITCHENS, readCorpus } from '../corpus.js';

const DROPPABLE = /^Estimated droppable tombstones: .*$/m;

/** Recorded texts, each with the SSTable it is of and the time at which it was printed, as far as known. */
type Golden = { readonly file: string; readonly sstable: string; readonly name: string; readonly clock?: number };

function kitchenGoldens(kitchen: string): Golden[] {
  const clock = Number(readCorpus(path.join(kitchen, 'clock')).toString());
  const golden = path.join(kitchen, 'golden');
  return corpusFiles('.metadata.txt', [golden]).map((file) => {
    const name = path.relative(golden, file).replace(/\.metadata\.txt$/, '');
    return { file, sstable: path.join(CORPUS, kitchen, 'data/kitchen', name), name, clock };
  });
}

function publicGoldens(): Golden[] {
  const golden = 'public/golden';
  return corpusFiles('.metadata.txt', [`${golden}/sstables`, `${golden}/corrupt`]).map((file) => {
    const name = /^SSTable: (.*)$/m.exec(readCorpus(file).toString())![1]!;
    return { file, sstable: path.join(CORPUS, 'public', name), name };
  });
}

function textOf({ sstable, name }: Golden, nowSeconds: number): string {
  const { descriptor } = parseDescriptor(`${sstable}-Data.db`);
  const metadata = readSSTableMetadata(diskStorage, descriptor);
  return sstablemetadataText(metadata, name, { color: false, unicode: false, nowSeconds, gcGraceSeconds: 0 });
}

const withoutDroppable = (text: string) => text.replace(DROPPABLE, '');
const droppable = (text: string) => DROPPABLE.exec(text)![0];

describe.skipIf(!hasCorpus())('sstablemetadata, as recorded', () => {
  const goldens = hasCorpus() ? [...KITCHENS.flatMap(kitchenGoldens), ...publicGoldens()] : [];

  test('there are many', () => expect(goldens.length).toBeGreaterThan(200));

  test.each(goldens.map((golden) => [golden.file, golden] as const))('%s', (_, golden) => {
    if (!fs.existsSync(`${golden.sstable}-Statistics.db`)) return;
    const recorded = readCorpus(golden.file).toString();
    const now = golden.clock ?? 1735689600;
    expect(withoutDroppable(textOf(golden, now))).toBe(withoutDroppable(recorded));
  });
});
