/** sstablemetadata's `-s`: what Cassandra 5.0.9's own printed of the fixtures, and what its command line says of other files. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { diskStorage } from '../../src/bytes/source.js';
import { scanOverview } from '../../src/engine/scan-overview.js';
import { readSSTableMetadata } from '../../src/engine/sstable-metadata.js';
import { sstablemetadataText } from '../../src/render/sstablemetadata.js';
import { openSSTable } from '../../src/sstable/sstable.js';
import { fixtureSSTables } from '../fixtures.js';
import { runCli } from '../run-cli.js';
import { temporaryDirectory } from './directories.js';

const GOLDEN = new URL('../golden/sstablemetadata/scan-5.0.txt', import.meta.url);
const PLAIN = { color: false, unicode: false, nowSeconds: 1_800_000_000, gcGraceSeconds: 0 };
const SCAN = ['metadata', '--format', 'sstablemetadata', '--scan', '--now', '1800000000'];

/** Recorded texts by table: `-- keyspace/table`, then the lines that a scan adds. */
const recorded = fs
  .readFileSync(GOLDEN, 'utf8')
  .split(/^-- /m)
  .slice(1)
  .map((section) => {
    const at = section.indexOf('\n');
    return [section.slice(0, at), section.slice(at + 1)] as const;
  });

function firstOf(fixture: string, table: string): string {
  return fixtureSSTables().find(({ name }) => name.startsWith(`${fixture}/data/${table}-`))!.file;
}

it.each(recorded)('%s is counted as the tool counts it', async (table, expected) => {
  const sstable = await openSSTable(diskStorage, firstOf('oa-5.0', table));
  const scan = scanOverview(sstable);
  sstable.close();
  const text = sstablemetadataText(readSSTableMetadata(diskStorage, sstable.descriptor), 'x', PLAIN, scan);
  const rest = sstablemetadataText(readSSTableMetadata(diskStorage, sstable.descriptor), 'x', PLAIN);
  expect(text).toBe(rest.replace('\n', () => `\n${expected}`));
});

it('has its colours', async () => {
  const { stdout } = runCli([...SCAN, '--colors', firstOf('oa-5.0', 'shop/orders_by_user')]);
  const [blue, cyan, white, reset] = ['\u001b[34m', '\u001b[36m', '\u001b[37m', '\u001b[0m'];
  expect(stdout).toContain(`${blue}Size${cyan}: ${reset}23306\n`);
  expect(stdout).toContain(
    `\n  ${cyan}[${reset}7907e185-2f77-4c9a-a146-7e033b62cc2d${cyan}] ${reset}9520${white} (9.3 kB)${reset}\n`,
  );
});

describe('the command', () => {
  it('scans no da, as the tool does not, and says so', () => {
    const file = firstOf('da-5.0', 'shop/orders_by_user');
    const { stdout, stderr, code } = runCli([...SCAN, file]);
    expect(code).toBe(0);
    expect(stderr).toBe('lsmctl: sstablemetadata -s scans no SSTables of version da: nor does --scan\n');
    expect(stdout).toBe(runCli(SCAN.filter((word) => word !== '--scan').concat(file)).stdout);
  });

  it.each([['page'], ['table'], ['auto']])('refuses --scan with --format %s', (format) => {
    const { stdout, stderr, code } = runCli(['metadata', '-s', '--format', format, firstOf('oa-5.0', 'zoo/ttl')]);
    expect({ stdout, code }).toEqual({ stdout: '', code: 2 });
    expect(stderr).toMatch(
      /^lsmctl: --scan belongs to the sstablemetadata format \(expected --format sstablemetadata\)\n/,
    );
  });

  it('tells of a damaged chunk, passes the SSTable over, and goes on with the next', () => {
    const directory = path.join(temporaryDirectory(), 'shop', 'orders_by_user');
    fs.cpSync(path.dirname(firstOf('oa-5.0', 'shop/orders_by_user')), directory, { recursive: true });
    const file = path.join(directory, 'oa-1-big-Data.db');
    const bytes = fs.readFileSync(file);
    bytes[100]! ^= 1;
    fs.writeFileSync(file, bytes);
    const { stdout, stderr, code } = runCli([...SCAN, directory]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/oa-1-big-Data\.db: .*chunk 0.*checksum/);
    expect(stdout.match(/^(SSTable|Size): .*/gm)!.map((line) => line.replace(directory, ''))).toEqual([
      'SSTable: /oa-2-big',
      expect.stringMatching(/^Size: \d+$/),
      'SSTable: /oa-3-big',
      expect.stringMatching(/^Size: \d+$/),
    ]);
  });
});

it('reads every fixture: as many partitions as Index.db or Partitions.db has', async () => {
  let scanned = 0;
  for (const { file } of fixtureSSTables()) {
    const sstable = await openSSTable(diskStorage, file);
    const index = sstable.openIndex(diskStorage);
    expect([file, scanOverview(sstable).partitions]).toEqual([file, [...index.entries()].length]);
    index.close();
    sstable.close();
    scanned++;
  }
  expect(scanned).toBeGreaterThan(250);
});
