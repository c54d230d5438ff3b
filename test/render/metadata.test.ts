import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { diskStorage } from '../../src/bytes/source.js';
import { readSSTableMetadata } from '../../src/engine/sstable-metadata.js';
import { barLines, grouped } from '../../src/render/bars.js';
import { jsonText } from '../../src/render/json.js';
import { metadataPage } from '../../src/render/metadata-page.js';
import { int64Of, type MetadataReport, metadataReport } from '../../src/render/metadata-report.js';
import { metadataTable } from '../../src/render/metadata-table.js';
import { parseDescriptor } from '../../src/sstable/descriptor.js';
import { CORPUS, corpusFiles, expectGolden, hasCorpus, KITCHENS } from '../corpus.js';

const COMPONENTS = ['Data.db', 'Index.db', 'Statistics.db', 'CompressionInfo.db', 'Filter.db'];
const OPTIONS = { nowSeconds: 1795228383, gcGraceSeconds: 0 };

function reportOf(file: string): MetadataReport {
  const { descriptor } = parseDescriptor(path.join(CORPUS, file));
  const report = metadataReport(readSSTableMetadata(diskStorage, descriptor, COMPONENTS), OPTIONS);
  return { ...report, path: path.relative(CORPUS, report.path) };
}

const find = (folder: string, table: string) =>
  corpusFiles('-Data.db', [folder]).filter((file) => file.includes(`/${table}`))[0]!;

describe.skipIf(!hasCorpus())('metadata of real SSTables', () => {
  test.each([
    ['ttl-nb', 'kitchen-nb-1/data/kitchen', 'ttl-'],
    ['types-oa', 'kitchen-oa-1/data/kitchen', 'types-'],
    ['wide-da', 'kitchen-da-1/data/kitchen', 'wide-'],
    ['compact-ma', 'public/sstables/apache/ma', 'legacy_ma_simple/'],
  ])('%s: the page and the JSON', (name, folder, table) => {
    const report = reportOf(find(folder, table));
    expectGolden(`metadata/${name}.page.txt`, metadataPage(report));
    expectGolden(`metadata/${name}.json`, `${jsonText(report)}\n`);
  });

  const all = corpusFiles('-Statistics.db', ['public/sstables', ...KITCHENS]);

  test('every page is made, keeps to 80 columns but for names, keys and types, and no JSON holds what JSON cannot', () => {
    const free =
      /^ {2}(?:table|partition key|clustering|columns|static columns|first key|last key|clusterings|generation| {9})/;
    for (const file of all.filter((file) => !file.includes('complex_column_zero_subcolumns'))) {
      const report = reportOf(file);
      const lines = metadataPage(report).split('\n').slice(1);
      expect(lines.filter((line) => line.length > 80 && !free.test(line))).toEqual([]);
      expect(JSON.parse(jsonText(report))).toEqual(JSON.parse(JSON.stringify(report)));
    }
  });

  test('the table has a line an SSTable, by directory', () => {
    const files = corpusFiles('-Data.db', ['kitchen-oa-1/data/kitchen']).filter((file) => /ttl-|wide-/.test(file));
    expectGolden('metadata/table.txt', metadataTable(files.map(reportOf)));
  });

  test('its lines end at column 80, names apart, which then have lines of their own', () => {
    for (const kitchen of ['kitchen-oa-1', 'kitchen-da-1']) {
      const reports = corpusFiles('-Data.db', [`${kitchen}/data/kitchen`]).map(reportOf);
      const text = metadataTable(reports);
      const lines = text.split('\n').filter((line) => line.startsWith(' '));
      expect(lines.filter((line) => line.length > 80)).toEqual([]);
      for (const { path: file } of reports) {
        expect(text).toMatch(new RegExp(`^  ${path.basename(file)}(?:$| )`, 'm'));
      }
    }
  });
});

test.each([
  [0n, 0],
  [-5n, -5],
  [2n ** 53n - 1n, 2 ** 53 - 1],
  [2n ** 53n, '9007199254740992'],
  [-(2n ** 63n), '-9223372036854775808'],
])('int64 %s in JSON', (value, expected) => expect(int64Of(value)).toBe(expected));

describe('bars', () => {
  test('the largest fills the line, the least still shows', () => {
    expect(
      barLines([
        { label: 'a', count: 1000 },
        { label: 'bb', count: 500 },
        { label: 'c', count: 1 },
      ]),
    ).toEqual([
      '   a  1,000  66.6 %  ██████████████████████████████',
      '  bb    500  33.3 %  ███████████████',
      '   c      1 0.067 %  ▏',
    ]);
  });

  test('none', () => expect(barLines([])).toEqual([]));

  test.each([
    [0, 3, []],
    [3, 3, [1, 2, 3]],
    [7, 3, [6, 15, 7]],
  ])('%i items in at most %i groups', (n, most, expected) => {
    expect(
      grouped(
        Array.from({ length: n }, (_, i) => i + 1),
        most,
        (a, b) => a + b,
      ),
    ).toEqual(expected);
  });
});
