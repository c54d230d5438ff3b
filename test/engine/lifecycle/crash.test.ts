/** A swap of SSTables that is interrupted at each of its operations: by a crash of process or machine, or by a disk that fails. */
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { crc32 } from '../../../src/bytes/crc32.js';
import { CorruptError, UsageError } from '../../../src/bytes/errors.js';
import { diskOutput } from '../../../src/bytes/sink.js';
import { CrashDisk, type CrashMode, type DiskImage, Killed, type Operation } from './crash-disk.js';
import { fixtureImage, recoverTable, swap } from './swap.js';

const MODES: readonly CrashMode[] = ['everything', 'synced', 'some'];
/** Release, table, and at how many operations one is interrupted. */
const TABLES = [
  ['oa-5.0', 'ranges', 1],
  ['nb-4.1', 'ranges', 3],
  ['da-5.0', 'ranges', 3],
] as const;

/** What files hold, by name. */
function contents(image: DiskImage): Record<string, string> {
  return Object.fromEntries(
    [...image].sort().map(([file, { bytes }]) => [path.basename(file), `${bytes.length} bytes, ${crc32(bytes)}`]),
  );
}

const contentsOf = (disk: CrashDisk) => contents(disk.afterCrash('everything', Math.random));

/** Mulberry32: the same numbers in each run. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe.each(TABLES)('%s %s', (release, table, step) => {
  const { directory, image } = fixtureImage(release, table);
  const old = contents(image);
  let swapped: Record<string, string>;
  const log: { operation: Operation; file: string }[] = [];
  let commitAt: number;

  beforeAll(async () => {
    const disk = new CrashDisk(image);
    disk.onOperation = (_n, operation, file) => log.push({ operation, file });
    await swap(disk, directory);
    swapped = contentsOf(disk);
    commitAt = log.findLastIndex(({ operation, file }) => operation === 'sync' && file.endsWith('.log'));
  });

  it('leaves the new SSTables alone', () => {
    const names = Object.keys(swapped);
    expect(names.filter((name) => name.endsWith('-Data.db'))).toHaveLength(1);
    expect(names.filter((name) => name in old)).toEqual(Object.keys(old).filter((name) => !/^\w\w-/.test(name)));
    expect(names.filter((name) => /\.(log|tmp)$/.test(name))).toEqual([]);
    expect(log.length).toBeGreaterThan(60);
  });

  it('announces a new SSTable on the disk before the first of its files, and removes no file before COMMIT is there', () => {
    const firstFile = log.findIndex(({ operation, file }) => operation === 'create' && file.endsWith('.tmp'));
    const before = log.slice(0, firstFile).map(({ operation, file }) => `${operation} ${path.extname(file)}`);
    expect(before.filter((one) => /create|sync/.test(one))).toEqual(['create .log', 'syncDirectory ', 'sync .log']);
    expect(log.findIndex(({ operation }) => operation === 'remove')).toBeGreaterThan(commitAt);
    expect(log.findLast(({ operation }) => operation === 'remove')!.file).toMatch(/\.log$/);
  });

  it.each(MODES)('a crash at any operation that leaves %s: the old SSTables or the new', async (mode) => {
    const kept = { old: 0, new: 0 };
    const random = randomFrom(7);
    for (let at = 0; at <= log.length; at += step) {
      if (log[at]?.operation === 'read' || log[at]?.operation === 'open') continue; // leaves what the one before leaves
      const left = await crashed(image, directory, at, mode, random);
      const disk = new CrashDisk(left);
      const tables = recoverTable(disk, directory);
      expect(tables.filter(({ isRefused }) => isRefused)).toEqual([]);
      const found = contentsOf(disk);
      const isOld = Object.keys(old).every((name) => name in found);
      expect(found, `crash at ${at}: ${log[at]?.operation} ${log[at]?.file}`).toEqual(isOld ? old : swapped);
      kept[isOld ? 'old' : 'new']++;
      if (at <= commitAt && mode !== 'everything') expect(isOld || at === commitAt).toBe(true);
      if (at > commitAt) expect(isOld).toBe(false);
    }
    expect(kept.old).toBeGreaterThan(20 / step);
    expect(kept.new).toBeGreaterThan(20 / step);
  });

  it('a crash at any operation of the recovery: it can be done again', async () => {
    const random = randomFrom(8);
    let recoveries = 0;
    for (let at = 0; at <= log.length; at += 5 * step) {
      const left = await crashed(image, directory, at, 'everything', random);
      const whole = new CrashDisk(left);
      recoverTable(whole, directory);
      const wanted = contentsOf(whole);
      for (let again = 0; again < whole.operations; again++) {
        const disk = new CrashDisk(left);
        dieAt(disk, again);
        expect(() => recoverTable(disk, directory)).toThrow(Killed);
        const next = new CrashDisk(disk.afterCrash(MODES[again % 3]!, random));
        recoverTable(next, directory);
        expect(contentsOf(next), `crash at ${at}, then at ${again}`).toEqual(wanted);
        recoveries++;
      }
    }
    expect(recoveries).toBeGreaterThan(100 / step);
  });

  it('an operation that fails: the old SSTables and nothing else, or the new once COMMIT is written', async () => {
    const kept = { old: 0, new: 0, left: 0 };
    for (let at = 0; at < log.length; at += step) {
      const disk = new CrashDisk(image);
      disk.onOperation = (n, _operation, file) => {
        if (n === at) throw new UsageError('input/output error', { file });
      };
      await expect(swap(disk, directory), `at ${at}`).rejects.toThrow('input/output error');
      disk.onOperation = () => {};
      const found = contentsOf(disk);
      if (at <= commitAt) {
        expect(found, `${at}: ${log[at]!.operation} ${log[at]!.file}`).toEqual(old);
        kept.old++;
        continue;
      }
      if (Object.keys(found).some((name) => name.endsWith('.log'))) kept.left++;
      recoverTable(disk, directory);
      expect(contentsOf(disk), `${at}`).toEqual(swapped);
      kept.new++;
    }
    expect(kept.old).toBeGreaterThan(60 / step);
    expect(kept.new).toBeGreaterThan(20 / step);
    expect(kept.left).toBeGreaterThan(20 / step);
  });

  it('a disk that is full from any operation on: the old SSTables, and what else is left goes by the log', async () => {
    let clean = 0;
    for (let at = commitAt; at >= 0; at -= step) {
      const disk = new CrashDisk(image);
      disk.onOperation = (n, operation, file) => {
        if (n >= at && ['create', 'write', 'sync'].includes(operation)) {
          throw new UsageError('no space left on the device', { file });
        }
      };
      await expect(swap(disk, directory)).rejects.toThrow('no space left on the device');
      disk.onOperation = () => {};
      if (at < commitAt) expect(contentsOf(disk), `full from ${at}`).toEqual(old);
      else {
        // COMMIT may be on the disk or not: both are there in whole until that is known
        expect(Object.keys(contentsOf(disk))).toEqual(
          expect.arrayContaining([...Object.keys(old), ...Object.keys(swapped)]),
        );
        recoverTable(disk, directory);
        expect(contentsOf(disk)).toEqual(swapped);
      }
      clean++;
    }
    expect(clean).toBeGreaterThan(60 / step);
  });
});

it('an input that is corrupt half way: it stays, and nothing of what was written', async () => {
  const { directory, image } = fixtureImage('oa-5.0', 'c_lz4_4k');
  const file = [...image.keys()].find((name) => name.endsWith('-Data.db'))!;
  const { bytes, mtimeMillis } = image.get(file)!;
  const spoilt = Uint8Array.from(bytes);
  spoilt[Math.floor(bytes.length * 0.9)]! ^= 0x40;
  const disk = new CrashDisk(new Map(image).set(file, { bytes: spoilt, mtimeMillis }));
  const before = contentsOf(disk);
  const made: string[] = [];
  disk.onOperation = (_n, operation, name) => operation === 'create' && made.push(path.extname(name));
  await expect(swap(disk, directory)).rejects.toThrow(CorruptError);
  expect(made.slice(0, 2)).toEqual(['.log', '.tmp']);
  expect(contentsOf(disk)).toEqual(before);
});

const canMount = process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0;

describe.skipIf(!canMount)('a real disk that is full', () => {
  const PAGE = 4096;
  const { directory, image } = fixtureImage('oa-5.0', 'ranges');
  const old = contents(image);
  let mount: string;
  beforeAll(() => {
    mount = fs.mkdtempSync(path.join(os.tmpdir(), 'lsmctl-full-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mount]);
  });
  afterAll(() => {
    execFileSync('umount', [mount]);
    fs.rmdirSync(mount);
  });

  it('with any number of pages left: the old SSTables and nothing else, or the new', async () => {
    const kept = { old: 0, new: 0 };
    for (let pages = 0; pages < 14; pages++) {
      const table = path.join(mount, path.basename(directory));
      fs.mkdirSync(table);
      for (const [file, { bytes, mtimeMillis }] of image) {
        fs.writeFileSync(path.join(table, path.basename(file)), bytes);
        fs.utimesSync(path.join(table, path.basename(file)), mtimeMillis / 1000, mtimeMillis / 1000);
      }
      const { bavail } = fs.statfsSync(mount);
      fs.writeFileSync(path.join(mount, 'ballast'), Buffer.alloc(Math.max(0, bavail - pages) * PAGE));
      const error = await swap(diskOutput, table).catch((thrown: Error) => thrown);
      const found = contents(new Map(fs.readdirSync(table).map((name) => [name, read(path.join(table, name))]))); // biome-ignore format: one line
      if (error) expect(error.message).toContain('no space left on the device');
      if (error) expect(found, `${pages} pages`).toEqual(old);
      else expect(Object.keys(found).filter((name) => name.endsWith('-Data.db'))).toHaveLength(1);
      kept[error ? 'old' : 'new']++;
      fs.rmSync(table, { recursive: true });
      fs.rmSync(path.join(mount, 'ballast'));
    }
    expect(kept.old).toBeGreaterThan(5);
    expect(kept.new).toBeGreaterThan(1);
  });

  const read = (file: string) => ({ bytes: fs.readFileSync(file), mtimeMillis: 0 });
});

async function crashed(image: DiskImage, directory: string, at: number, mode: CrashMode, random: () => number) {
  const disk = new CrashDisk(image);
  dieAt(disk, at);
  await swap(disk, directory).then(
    () => undefined,
    (error: unknown) => {
      if (!(error instanceof Killed)) throw error;
    },
  );
  return disk.afterCrash(mode, random);
}

function dieAt(disk: CrashDisk, at: number): void {
  disk.onOperation = (n) => {
    if (n >= at) throw new Killed();
  };
}
