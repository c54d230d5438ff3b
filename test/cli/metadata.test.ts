import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CountingStorage, diskStorage } from '../../src/bytes/source.js';
import { EXIT } from '../../src/cli/exit.js';
import { chooseFormat, eachMetadata, Failures } from '../../src/cli/metadata.js';
import { resolveSSTables } from '../../src/engine/data-directory.js';
import { metadataRenderer } from '../../src/render/metadata-format.js';
import { CORPUS, corpusFiles, hasCorpus } from '../corpus.js';

const OPTIONS = { nowSeconds: 1795228383, gcGraceSeconds: 0, unicode: false, color: false, root: '/' };
const FORMATS = ['json', 'page', 'table', 'sstablemetadata'] as const;

test.each([
  ['auto', 1, 'page'],
  ['auto', 4, 'page'],
  ['auto', 5, 'table'],
  ['page', 1000, 'page'],
  ['sstablemetadata', 1, 'sstablemetadata'],
] as const)('--format %s of %i SSTables: %s', (format, count, expected) => {
  expect(chooseFormat(format, count)).toBe(expected);
});

describe.skipIf(!hasCorpus())('many SSTables', () => {
  let root = '';

  /** As many copies of one SSTable of 5.0. */
  function copies(table: string, count: number): string {
    const directory = path.join(root, 'shop', `${table}-${'0'.repeat(32)}`);
    fs.mkdirSync(directory, { recursive: true });
    const from = corpusFiles('', ['kitchen-oa-1/data/kitchen']).filter((file) => /\/ttl-.*\/oa-1-big-/.test(file));
    for (let id = 1; id <= count; id++) {
      for (const file of from) {
        fs.copyFileSync(
          path.join(CORPUS, file),
          path.join(directory, path.basename(file).replace('oa-1-', `oa-${id}-`)),
        );
      }
    }
    return directory;
  }

  async function run(storage: typeof diskStorage, directory: string, format: (typeof FORMATS)[number]) {
    const printed: string[] = [];
    const failures = new Failures();
    const renderer = await metadataRenderer(format, OPTIONS, (text) => printed.push(text));
    const { sstables } = resolveSSTables(storage, [directory]);
    for (const made of eachMetadata(storage, sstables, failures, renderer.make)) renderer.take(made);
    renderer.end();
    return { text: printed.join(''), reports: renderer.reports, failures };
  }

  beforeAll(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'lsmctl-metadata-'));
  });
  afterAll(() => fs.rmSync(root, { recursive: true }));

  test.each(FORMATS)('%s opens two small files an SSTable, and never Data.db or an index', async (format) => {
    const storage = new CountingStorage();
    await run(storage, copies('counted', 10), format);
    expect([...new Set(storage.opened.map((name) => name.replace(/^oa-\d+-big-/, '')))].sort()).toEqual([
      'CompressionInfo.db',
      'Statistics.db',
    ]);
    expect(storage.opened.length).toBe(20);
  });

  test('a thousand take at most 5 ms each', async () => {
    const directory = copies('thousand', 1000);
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 3; i++) {
      const before = process.cpuUsage(); // not the clock: other processes have their time too
      const { text } = await run(diskStorage, directory, 'table');
      const { user, system } = process.cpuUsage(before);
      best = Math.min(best, (user + system) / 1000);
      expect(text.split('\n').filter((line) => line.includes('oa-')).length).toBe(1000);
    }
    expect(best / 1000).toBeLessThan(5);
  });

  test.each(FORMATS)(
    '%s: one that is damaged is told, the others are printed, and the exit code is 3',
    async (format) => {
      const directory = copies(`damaged_${format}`, 3);
      const damaged = path.join(directory, 'oa-2-big-Statistics.db');
      const bytes = fs.readFileSync(damaged);
      bytes[200]! ^= 1;
      fs.writeFileSync(damaged, bytes);
      const { text, reports, failures } = await run(diskStorage, directory, format);
      expect(failures.exitCode).toBe(EXIT.corrupt);
      expect(failures.objects).toEqual([
        expect.objectContaining({
          code: 'CORRUPT',
          file: damaged,
          component: 'Statistics.db',
          offset: expect.any(Number),
        }),
      ]);
      const named = format === 'json' ? reports.map((report) => report.path).join() : text;
      expect([1, 2, 3].filter((id) => named.includes(`oa-${id}-big`))).toEqual([1, 3]);
    },
  );

  test('one whose Statistics.db is gone: exit code 2', async () => {
    const directory = copies('gone', 2);
    fs.rmSync(path.join(directory, 'oa-1-big-Statistics.db'));
    const { failures } = await run(diskStorage, directory, 'table');
    expect(failures.exitCode).toBe(EXIT.usage);
    expect(failures.objects).toHaveLength(1);
  });

  test('damage beside Statistics.db leaves only what it would tell unmeasured', async () => {
    const directory = copies('beside', 1);
    fs.truncateSync(path.join(directory, 'oa-1-big-CompressionInfo.db'), 5);
    const { reports, failures } = await run(diskStorage, directory, 'json');
    expect(failures.exitCode).toBe(EXIT.clean);
    expect(reports[0]!.compression).toBeNull();
    expect(reports[0]!.uncompressedBytes).toBeNull();
    expect(reports[0]!.unmeasured).toEqual([
      { what: 'compression', cause: expect.stringContaining('CompressionInfo.db') },
    ]);
  });
});
