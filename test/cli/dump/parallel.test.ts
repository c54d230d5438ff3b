/**
 * A dump with workers is the dump without them, byte for byte: text, errors and exit code. On SSTables that are many times over what fixtures hold,
 * so that there is something to share out: uncompressed, with an index of their own.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setImmediate as eventLoop } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { diskStorage } from '../../../src/bytes/source.js';
import { wholeFile } from '../../../src/cli/dump/ranges.js';
import { openSSTable } from '../../../src/sstable/sstable.js';
import { temporaryDirectory } from '../../engine/directories.js';
import { type CliResult, runCli } from '../../run-cli.js';
import { type Large, makeLarge, makeLargeBti, PLAIN_BYTES } from './large.js';

function dump(file: string, jobs: number, args: readonly string[]): CliResult {
  return runCli(['dump', file, '--jobs', String(jobs), '--now', '1800000000', ...args], { timeoutMillis: 120_000 });
}

/** Both runs are alike in all that a shell sees. */
async function expectAlike(file: string, args: readonly string[], jobs = 3): Promise<CliResult> {
  const [one, many] = [dump(file, 1, args), dump(file, jobs, args)];
  await eventLoop(); // the runner wants to hear of us
  expect(many.stdoutBytes.equals(one.stdoutBytes)).toBe(true);
  expect([many.code, many.stderr]).toEqual([one.code, one.stderr]);
  return one;
}

/** A copy in which the byte at `offset` differs, with CRC.db or without. */
function damaged({ file, crc }: Large, offset: number, isChecked: boolean): string {
  const directory = path.join(temporaryDirectory(), 'zoo', path.basename(path.dirname(file)));
  fs.cpSync(path.dirname(file), directory, { recursive: true });
  const copy = path.join(directory, path.basename(file));
  const bytes = fs.readFileSync(copy);
  bytes[offset]! ^= 0x55;
  fs.writeFileSync(copy, bytes);
  if (!isChecked) fs.rmSync(path.join(directory, path.basename(crc)));
  return copy;
}

const FORMATS: readonly (readonly string[])[] = [
  [],
  ['-l', '-t'],
  ['-d'],
  ['--format', 'ndjson'],
  ['--format', 'csv'],
  ['--format', 'cql'],
];

describe.each([
  ['collections', 'big', FORMATS],
  ['statics', 'big', FORMATS.filter((args) => args.length !== 2)],
  ['collections', 'bti', [[], ['--format', 'ndjson']]],
  ['statics', 'bti', [['-l']]],
] as const)('%s, many times over (%s)', (table, format, formats) => {
  let large: Large;
  beforeAll(async () => {
    large = await (format === 'big' ? makeLarge(table) : makeLargeBti(table));
    const sstable = await openSSTable(diskStorage, large.file);
    expect(wholeFile(diskStorage, sstable).length).toBeGreaterThan(8); // else no worker would be asked
    sstable.close();
  });

  it.each(formats)('is the same with workers: %s %s', async (...args) => {
    const { code, stdout } = await expectAlike(
      large.file,
      args.filter((arg) => arg !== undefined),
    );
    expect(code).toBe(0);
    expect(stdout.length).toBeGreaterThan(1 << 20);
  });
});

describe('many partitions', () => {
  let large: Large;
  beforeAll(async () => {
    large = await makeLarge('collections');
  });

  it('is the same under filters', async () => {
    await expectAlike(large.file, ['-l', '--tombstones']);
    const key = JSON.parse(dump(large.file, 1, ['-l', '--limit', '1']).stdout) as { partition: { key: string[] } };
    const rest = await expectAlike(large.file, ['--format', 'ndjson', '-x', key.partition.key.join(':')]);
    expect(rest.code).toBe(0);
  });

  it('ends with the same error after the same text where a chunk fails its checksum', async () => {
    const copy = damaged(large, Math.floor(PLAIN_BYTES * 0.7), true);
    const { code, stderr } = await expectAlike(copy, ['--format', 'ndjson']);
    expect(code).toBe(3);
    expect(stderr).toMatch(/Data.*checksum differs from CRC\.db/);
    expect((await expectAlike(copy, ['-d'])).code).toBe(3);
  });

  it('ends alike where a partition makes no sense and nothing is checked', async () => {
    const copy = damaged(large, Math.floor(PLAIN_BYTES * 0.62), false);
    await expectAlike(copy, ['-l']);
    await expectAlike(copy, ['--format', 'ndjson'], 2);
  });

  it.each([
    ['big', makeLarge],
    ['bti', makeLargeBti],
  ] as const)('does not depend on a sound index (%s)', async (_, make) => {
    const { file, index } = await make('collections');
    const good = dump(file, 1, ['-l']).stdoutBytes;
    const bad = fs.readFileSync(index);
    for (let at = 1000; at < bad.length; at += 97) bad[at]! ^= 0x11;
    fs.writeFileSync(index, bad);
    expect(dump(file, 3, ['-l']).stdoutBytes.equals(good)).toBe(true);
  });
});

/** The benchmark's table, where it has been made. */
const BULK = path.join(os.homedir(), '.cache/lsmctl-bench/orders-250k/shop/orders_by_id/oa-2-big-Data.db');

describe.skipIf(!fs.existsSync(BULK))('250,000 partitions', () => {
  it('are the same with 4 jobs', async () => {
    expect((await expectAlike(BULK, ['-l'], 4)).code).toBe(0);
  });
});
