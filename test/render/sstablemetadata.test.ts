import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { diskStorage } from '../../src/bytes/source.js';
import { readSSTableMetadata } from '../../src/engine/sstable-metadata.js';
import { type SSTableMetadataTextOptions, sstablemetadataText } from '../../src/render/sstablemetadata.js';
import { parseDescriptor } from '../../src/sstable/descriptor.js';
import { CORPUS, corpusFiles, hasCorpus, KITCHENS, readCorpus, readGolden } from '../corpus.js';

const DROPPABLE = /^Estimated droppable tombstones: (.*)$/m;

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

function textOf(
  { sstable, name }: Pick<Golden, 'sstable' | 'name'>,
  options: Partial<SSTableMetadataTextOptions>,
): string {
  const { descriptor } = parseDescriptor(`${sstable}-Data.db`);
  const metadata = readSSTableMetadata(diskStorage, descriptor);
  const plain = { color: false, unicode: false, nowSeconds: 1735689600, gcGraceSeconds: 0 };
  return sstablemetadataText(metadata, name, { ...plain, ...options });
}

const withoutDroppable = (text: string) => text.replace(DROPPABLE, '');
const droppable = (text: string) => DROPPABLE.exec(text)![1]!;

/** The second in (from, to] at which the text has the recorded share of droppable tombstones: it grows with time. */
function clockOf(golden: Golden, recorded: string, from: number, to: number): number {
  let low = from;
  let high = to;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (Number(droppable(textOf(golden, { nowSeconds: middle }))) < Number(droppable(recorded))) low = middle;
    else high = middle;
  }
  return high;
}

describe.skipIf(!hasCorpus())('sstablemetadata, as recorded', () => {
  const goldens = hasCorpus() ? [...KITCHENS.flatMap(kitchenGoldens), ...publicGoldens()] : [];
  /** When the public texts were printed can be read off those that have tombstones with deletion times on both sides of it. */
  const publicClocks: number[] = [];

  test('there are many', () => expect(goldens.length).toBeGreaterThan(300));

  test.each(goldens.map((golden) => [golden.file, golden] as const))('%s', (_, golden) => {
    const recorded = readCorpus(golden.file).toString();
    const now = golden.clock ?? 1735689600;
    const text = textOf(golden, { nowSeconds: now });
    expect(withoutDroppable(text)).toBe(withoutDroppable(recorded));
    if (text === recorded) return;
    const printedAt = golden.clock
      ? clockOf(golden, recorded, now - 60, now)
      : clockOf(golden, recorded, now, 2 ** 31 - 1);
    if (!golden.clock) publicClocks.push(printedAt);
    expect(textOf(golden, { nowSeconds: printedAt })).toBe(recorded);
  });

  test('the public texts whose clock shows were printed within the same hours', () => {
    expect(publicClocks.length).toBe(3);
    expect(Math.max(...publicClocks) - Math.min(...publicClocks)).toBeLessThan(86400);
  });

  test('in colour, with block characters and a day of grace', () => {
    const [sstable] = corpusFiles('oa-1-big-Data.db', ['kitchen-oa-1/data/kitchen']).filter((file) =>
      file.includes('/ttl-'),
    );
    const text = textOf(
      { sstable: path.join(CORPUS, sstable!).replace('-Data.db', ''), name: 'ttl/oa-1-big' },
      { color: true, unicode: true, gcGraceSeconds: 86400, nowSeconds: 1795233876 },
    );
    expect(text).toBe(readGolden('sstablemetadata/ttl-oa-1.color-unicode.txt'));
  });
});

describe.skipIf(!hasCorpus())('what 5.0.9 cannot print and 3.11 can', () => {
  const recorded = corpusFiles('.metadata.3.11.19.txt', ['public/golden/sstables', 'public/golden/corrupt']);
  const FIELDS = [
    'totalRows',
    'totalColumnsSet',
    'Estimated cardinality',
    'TTL max',
    'KeyType',
    'EncodingStats minTTL',
    'Estimated droppable tombstones',
  ];
  const field = (text: string, name: string) => new RegExp(`^${name}: ([^ \n]*)`, 'm').exec(text)?.[1];

  test.each(recorded)('%s', (file) => {
    const old = readCorpus(file).toString();
    const name = /^SSTable: (.*)$/m.exec(old)![1]!;
    const text = textOf({ sstable: path.join(CORPUS, 'public', name), name }, { nowSeconds: 1795233876 });
    for (const name of FIELDS) expect([name, field(text, name)]).toEqual([name, field(old, name)]);
    const stamps = (text: string) =>
      [...text.matchAll(/^(?:Minimum|Maximum|EncodingStats min)\s?[tT]imestamp: .*?(-?\d+)\)?$/gm)].map((m) => m[1]);
    expect(stamps(text)).toEqual(stamps(old));
  });

  test('there are some', () => expect(recorded.length).toBe(7));
});
