import { appendFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { parseDescriptor } from '../../src/sstable/descriptor.js';
import { encodeStatistics, Statistics, type StatisticsParts } from '../../src/sstable/statistics.js';
import { fixtureSSTables } from '../fixtures.js';
import { compareSSTables } from './compare-sstables.js';

const copies: string[] = [];
afterAll(() => {
  for (const copy of copies) rmSync(copy, { recursive: true });
});

function fixture(name: string): string {
  return fixtureSSTables().find(({ file }) => file.includes(name))!.file;
}

/** A copy of an SSTable whose component `change` has made anew. */
function changed(file: string, component: string, change: (bytes: Buffer) => Uint8Array): string {
  const directory = mkdtempSync(join(tmpdir(), 'lsmctl-compare-'));
  copies.push(directory);
  const { descriptor } = parseDescriptor(file);
  for (const name of readdirSync(dirname(file)))
    if (name.startsWith(`${descriptor.prefix}-`)) cpSync(join(dirname(file), name), join(directory, name));
  const target = join(directory, `${descriptor.prefix}-${component}`);
  writeFileSync(target, change(readFileSync(target)));
  return join(directory, `${descriptor.prefix}-Data.db`);
}

function withStatistics(file: string, change: (parts: StatisticsParts) => StatisticsParts): string {
  const { version } = parseDescriptor(file).descriptor;
  return changed(file, 'Statistics.db', (bytes) =>
    encodeStatistics(change(new Statistics(bytes, file, version).parts()), version),
  );
}

const flipped = (at: number) => (bytes: Buffer) => {
  bytes[at]! ^= 1;
  return bytes;
};

const OA = 'oa-5.0/data/zoo/c_none-';
const DA = 'da-5.0/data/zoo/wide-';

it.each([OA, DA, 'nb-4.1/data/zoo/wide-'])('an SSTable is equal to itself: %s', async (name) => {
  expect(await compareSSTables(fixture(name), fixture(name))).toEqual([]);
});

it.each([
  [OA, 'Index.db', 9],
  [OA, 'Summary.db', 30],
  [OA, 'Filter.db', 12],
  [OA, 'CRC.db', 5],
  [OA, 'Digest.crc32', 2],
  [DA, 'Partitions.db', 0],
  [DA, 'Rows.db', 3],
] as const)('%s: a byte of %s', async (name, component, at) => {
  const differences = await compareSSTables(fixture(name), changed(fixture(name), component, flipped(at)));
  expect(differences.map(({ kind, component: of, at: offset }) => [kind, of, offset])).toEqual([
    ['content', component, at],
  ]);
});

it('a byte of a value, with its row', async () => {
  const file = fixture(OA);
  const { length } = readFileSync(file);
  const other = changed(file, 'Data.db', flipped(length - 2));
  const [difference] = await compareSSTables(file, other);
  expect(difference).toMatchObject({ kind: 'content', component: 'Data.db', at: length - 2 });
  expect(difference!.where).toMatch(/expected: partition .*row .*\n.*seen: +partition .*row /);
});

it('fields of Statistics.db, but for the host', async () => {
  const file = fixture(OA);
  const host = '00000000-0000-0000-0000-000000000001';
  const elsewhere = withStatistics(file, (parts) => ({
    ...parts,
    stats: { ...parts.stats!, originatingHostId: host },
  }));
  expect(await compareSSTables(file, elsewhere)).toEqual([]);
  const levelled = withStatistics(file, (parts) => ({ ...parts, stats: { ...parts.stats!, sstableLevel: 3 } }));
  expect(await compareSSTables(file, levelled)).toEqual([
    { kind: 'content', component: 'Statistics.db', at: 'stats.sstableLevel', expected: '0', seen: '3' },
  ]);
});

it('a component more, and names in TOC.txt', async () => {
  const file = fixture(OA);
  const other = changed(file, 'TOC.txt', (bytes) => Buffer.concat([bytes, Buffer.from('Rows.db\nSAI+aa+x.db\n')]));
  appendFileSync(other.replace('Data.db', 'Rows.db'), 'x');
  const differences = await compareSSTables(file, other);
  expect(differences.map(({ component, at }) => [component, at])).toEqual([
    ['Rows.db', 'presence'],
    ['TOC.txt', 'names'],
  ]);
});
