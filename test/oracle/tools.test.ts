/** The fixtures under the real tools of today's machine: with every flag of theirs, lsmctl prints the same. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { diskStorage } from '../../src/bytes/source.js';
import { scanOverview } from '../../src/engine/scan-overview.js';
import { readSSTableMetadata } from '../../src/engine/sstable-metadata.js';
import { sstablemetadataText } from '../../src/render/sstablemetadata.js';
import { openSSTable } from '../../src/sstable/sstable.js';
import { FIXTURES } from '../fixtures.js';
import { runCli } from '../run-cli.js';
import { missing, setup, ToolServer, V5 } from './cassandra.js';
import { differences, sstables } from './compare.js';

const lacks = missing([V5]);
if (lacks && process.env.CI) throw new Error(`real Cassandra can't be run: ${lacks}`);

const SAMPLE = [
  'clusterings_0',
  'collections',
  'composite_keys',
  'counters',
  'ranges',
  'sai',
  'statics',
  'ttl',
  'user_types',
  'wide',
];

/** What follows the file on the command line. Keys are those of the SSTable, as `-e` prints them. */
function flagSets(keys: readonly string[]): string[][] {
  const [first, last] = [keys[0]!, keys[keys.length - 1]!];
  return [
    ['-d'],
    ['-e'],
    ['-l'],
    ['-t'],
    ['-l', '-t'],
    ['-d', '-l', '-t'],
    ['-e', '-d'],
    ['-k', last],
    ['-k', first, last],
    ['-k', first, '-l'],
    ['-x', first],
    ['-x', first, last, '-t'],
    ['-k', 'no such key'],
  ];
}

describe.skipIf(lacks !== undefined)('the tools of a real Cassandra', () => {
  let copies: string;
  let tools: ToolServer;
  beforeAll(() => {
    setup([V5]);
    tools = new ToolServer(V5);
    // The tools write beside what they read: a missing TOC, for one.
    copies = mkdtempSync(join(tmpdir(), 'lsmctl-tools-'));
    cpSync(FIXTURES, copies, { recursive: true });
  });
  afterAll(() => {
    tools?.close();
    if (copies) rmSync(copies, { recursive: true });
  });

  it.each(['oa-5.0', 'da-5.0', 'nb-4.1'])('%s: dump and metadata of every SSTable', async (fixture) => {
    const { compared, stopped, different } = await differences(tools, join(copies, fixture, 'data'));
    expect(different).toEqual([]);
    expect(compared).toBeGreaterThan(440);
    expect(stopped.length).toBeLessThan(30);
  });

  it.each(['oa-5.0', 'da-5.0', 'nb-4.1'])('%s: sstabledump with its flags', async (fixture) => {
    const files = sstables(join(copies, fixture, 'data', 'zoo'));
    let compared = 0;
    for (const table of SAMPLE) {
      const file = files.find((path) => path.includes(`/${table}-`));
      if (!file) continue;
      const listed = await tools.run('sstabledump', [file, '-e']);
      const keys = (JSON.parse(listed.stdout.toString()) as string[][]).map((key) => key.join(':'));
      for (const flags of flagSets(keys)) {
        const real = await tools.run('sstabledump', [file, ...flags]);
        const ours = runCli(['dump', file, ...flags]);
        expect(ours.stdout, `dump ${file} ${flags.join(' ')}\n${ours.stderr}`).toBe(real.stdout.toString());
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(90);
  });

  it.each(['oa-5.0', 'da-5.0', 'nb-4.1'])('%s: sstablemetadata -s of every SSTable', async (fixture) => {
    const files = sstables(join(copies, fixture, 'data'));
    const [first = ''] = files;
    let compared = 0;
    for (const file of files) {
      const real = withoutProgress((await tools.run('sstablemetadata', ['-s', file])).stdout.toString());
      if (!real.includes('Partitioner')) continue; // it stops at some tables of indexes
      expect([file, headOf(await scanText(file))]).toEqual([file, headOf(real)]);
      expect(real.includes('\nSize: ')).toBe(fixture !== 'da-5.0'); // the tool takes `da` for too old
      compared++;
    }
    expect(compared).toBeGreaterThan(files.length - 5);
    const coloured = await tools.run('sstablemetadata', ['-s', '-c', first]);
    const ours = runCli(['metadata', '--format', 'sstablemetadata', '--scan', '--colors', first]);
    expect(headOf(ours.stdout)).toBe(headOf(withoutProgress(coloured.stdout.toString())));
  });
});

/** Our text of an SSTable, scanned where the tool scans it. */
async function scanText(file: string): Promise<string> {
  const sstable = await openSSTable(diskStorage, file);
  const scan = sstable.descriptor.version.name === 'da' ? undefined : scanOverview(sstable);
  sstable.close();
  const options = { color: false, unicode: false, nowSeconds: 0, gcGraceSeconds: 0 };
  const metadata = readSSTableMetadata(diskStorage, sstable.descriptor);
  return sstablemetadataText(metadata, file.replace(/-Data\.db$/, ''), options, scan);
}

/** How far it has come the tool writes between carriage returns. */
function withoutProgress(text: string): string {
  return text.replace(/^\r[^\n]*\r/m, '');
}

/** The part that only a scan gives; what follows depends on the clock, and is compared elsewhere. */
function headOf(text: string): string {
  return text.slice(0, text.search(/^\S*Partitioner/m));
}
