/** What a transaction writes and refuses, over several directories, and the replacement of one component; crashes are in crash.test.ts. */
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { InvariantError, UsageError } from '../../../src/bytes/errors.js';
import { LifecycleTransaction } from '../../../src/engine/lifecycle/lifecycle-transaction.js';
import { planRecovery, recover } from '../../../src/engine/lifecycle/recovery.js';
import { replaceComponent } from '../../../src/engine/lifecycle/replace-component.js';
import { transactionId } from '../../../src/engine/lifecycle/transaction-id.js';
import { parseRecord } from '../../../src/engine/lifecycle/transaction-log.js';
import { classifyDirectory } from '../../../src/engine/sstable-directory.js';
import { componentPath, type Descriptor, parseDescriptor } from '../../../src/sstable/descriptor.js';
import { CrashDisk, type DiskImage, Killed } from './crash-disk.js';

const TABLE = 'orders-5a1c395e9f3911e5bd5f3b6f0e6f2c11';
const [ONE, TWO] = [`/disk1/shop/${TABLE}`, `/disk2/shop/${TABLE}`];
const COMPONENTS = ['Data.db', 'Index.db', 'Statistics.db', 'TOC.txt'];

function descriptorOf(directory: string, prefix: string): Descriptor {
  return parseDescriptor(path.join(directory, `${prefix}-Data.db`)).descriptor;
}

const OLD = [descriptorOf(ONE, 'oa-1-big'), descriptorOf(TWO, 'oa-2-big')] as const;
const NEW = descriptorOf(TWO, 'oa-3-big');
const ALSO_NEW = descriptorOf(TWO, 'oa-4-big');
const ALL_NEW = [NEW, ALSO_NEW];

function imageOf(descriptors: readonly Descriptor[]): DiskImage {
  const files = descriptors.flatMap((descriptor) => COMPONENTS.map((name) => componentPath(descriptor, name)));
  return new Map(files.map((file, i) => [file, { bytes: Buffer.from(file), mtimeMillis: 1_700_000_000_000 + i }]));
}

function write(disk: CrashDisk, descriptor: Descriptor): void {
  for (const component of COMPONENTS) {
    const sink = disk.create(`${componentPath(descriptor, component)}.tmp`);
    sink.write(Buffer.from(component));
    sink.sync();
    sink.close();
  }
  for (const component of COMPONENTS) {
    const file = componentPath(descriptor, component);
    disk.rename(`${file}.tmp`, file);
  }
  disk.syncDirectory(descriptor.directory);
}

const ID = transactionId(1_700_000_000_123, 0x1234_5678_9abc_def0n);

function begin(disk: CrashDisk): LifecycleTransaction {
  return new LifecycleTransaction({ output: disk, version: NEW.version, id: ID });
}

function swap(disk: CrashDisk): LifecycleTransaction {
  const transaction = begin(disk);
  try {
    for (const descriptor of ALL_NEW) {
      transaction.trackNew(descriptor);
      write(disk, descriptor);
    }
    transaction.obsolete(OLD);
    transaction.commit();
  } catch (error) {
    if (!(error instanceof Killed)) transaction.abort();
    throw error;
  }
  return transaction;
}

const filesOf = (disk: CrashDisk) => [...disk.afterCrash('everything', Math.random).keys()].sort();
const filesOfAll = (descriptors: readonly Descriptor[]) => [...imageOf(descriptors).keys()].sort();

function recoverBoth(disk: CrashDisk) {
  const tables = planRecovery(disk, [ONE, TWO].map((where) => classifyDirectory(where, disk.list(where)))); // biome-ignore format: one line
  for (const table of tables) recover(disk, table);
  return tables;
}

describe('transactionId', () => {
  it('is a UUID of version 1 and variant 2, of this time', () => {
    expect(ID).toBe('04c284b0-833b-11ee-9234-56789abcdef0');
    expect(transactionId(0, 0n)).toBe('13814000-1dd2-11b2-8000-000000000000'); // as Cassandra's minTimeuuid of 1970
  });
});

describe('a log', () => {
  it('has the records in each directory, with sums', () => {
    const disk = new CrashDisk(imageOf(OLD));
    const transaction = begin(disk);
    expect(transaction.logName).toBe(`oa_txn_compaction_${ID}.log`);
    transaction.trackNew(NEW);
    write(disk, NEW);
    transaction.obsolete(OLD);
    const texts = [ONE, TWO].map((where) => {
      const file = path.join(where, transaction.logName);
      return Buffer.from(disk.afterCrash('synced', Math.random).get(file)!.bytes).toString();
    });
    expect(texts[0]).toBe(texts[1]);
    const lines = texts[0]!.split('\n');
    expect(lines.pop()).toBe('');
    expect(lines.map((line) => line.replace(/\[\d+\]$/, ''))).toEqual([
      `ADD:[${TWO}/oa-3-big-,0,0]`,
      `REMOVE:[${ONE}/oa-1-big-,1700000000003,4]`,
      `REMOVE:[${TWO}/oa-2-big-,1700000000007,4]`,
    ]);
    expect(lines.map((line) => parseRecord(line).error)).toEqual([undefined, undefined, undefined]);
    transaction.commit();
    expect(transaction.state).toBe('committed');
    expect(filesOf(disk)).toEqual(filesOfAll([NEW]));
  });

  it('is named by the format where that is not BIG', () => {
    const { version } = descriptorOf(ONE, 'da-3gxy_0abc_1de2f3ghijklmnopqr-bti');
    const { logName } = new LifecycleTransaction({ output: new CrashDisk(new Map()), version, id: ID });
    expect(logName).toBe(`bti-da_txn_compaction_${ID}.log`);
  });

  it('is not made where nothing is replaced', () => {
    const disk = new CrashDisk(imageOf(OLD));
    begin(disk).abort();
    begin(disk).commit();
    expect(filesOf(disk)).toEqual(filesOfAll(OLD));
    expect(disk.operations).toBe(0);
  });

  it('removes the oldest file of an SSTable first, so that its record holds until the last', () => {
    const image = new Map(imageOf(OLD));
    image.set(componentPath(OLD[0], 'Data.db'), { bytes: Buffer.from('x'), mtimeMillis: 1_800_000_000_000 });
    const disk = new CrashDisk(image);
    const removed: string[] = [];
    disk.onOperation = (_n, operation, file) => operation === 'remove' && removed.push(path.basename(file));
    swap(disk);
    expect(removed.filter((name) => name.startsWith('oa-1-')).at(-1)).toBe('oa-1-big-Data.db');
    expect(removed.slice(-2)).toEqual([`oa_txn_compaction_${ID}.log`, `oa_txn_compaction_${ID}.log`]);
  });
});

describe('what is refused', () => {
  it('a new SSTable whose name is taken', () => {
    const disk = new CrashDisk(imageOf([...OLD, NEW]));
    expect(() => begin(disk).trackNew(NEW)).toThrow(UsageError);
    expect(filesOf(disk)).toEqual(filesOfAll([...OLD, NEW]));
  });

  it('an old SSTable without its Data.db', () => {
    const image = new Map(imageOf(OLD));
    image.delete(componentPath(OLD[0], 'Data.db'));
    const disk = new CrashDisk(image);
    expect(() => swap(disk)).toThrow('is not there any more');
    expect(filesOf(disk)).toEqual([...image.keys()].sort());
  });

  it.each([
    ['a file under its temporary name', (disk: CrashDisk) => disk.create(`${componentPath(NEW, 'Rows.db')}.tmp`)],
    ['no Data.db', (disk: CrashDisk) => disk.remove(componentPath(NEW, 'Data.db'))],
  ])('to commit a new SSTable that has %s', (_what, spoil) => {
    const disk = new CrashDisk(imageOf(OLD));
    const transaction = begin(disk);
    transaction.trackNew(NEW);
    write(disk, NEW);
    spoil(disk);
    transaction.obsolete(OLD);
    expect(() => transaction.commit()).toThrow(InvariantError);
    transaction.abort();
    expect(filesOf(disk)).toEqual(filesOfAll(OLD));
  });

  it('to go on with one that is over', () => {
    const disk = new CrashDisk(imageOf(OLD));
    const transaction = swap(disk);
    expect(() => transaction.trackNew(NEW)).toThrow(InvariantError);
    transaction.abort(); // nothing to do
    expect(filesOf(disk)).toEqual(filesOfAll(ALL_NEW));
  });
});

describe('two data directories', () => {
  it('a crash at any operation: the old SSTables or the new, in both', () => {
    const whole = new CrashDisk(imageOf(OLD));
    swap(whole);
    const modes = ['everything', 'synced', 'some'] as const;
    const kept = { old: 0, new: 0 };
    let state = 1;
    const random = () => {
      state = (state * 16_807) % 2_147_483_647;
      return state / 2_147_483_647;
    };
    for (let at = 0; at < whole.operations; at++) {
      for (const mode of [...modes, 'some', 'some', 'some'] as const) {
        const disk = new CrashDisk(imageOf(OLD));
        disk.onOperation = (n) => {
          if (n >= at) throw new Killed();
        };
        expect(() => swap(disk)).toThrow(Killed);
        const after = new CrashDisk(disk.afterCrash(mode, random));
        after.makeDirectory(ONE);
        expect(recoverBoth(after).filter(({ isRefused }) => isRefused)).toEqual([]);
        const isOld = filesOf(after).includes(componentPath(OLD[0], 'Data.db'));
        expect(filesOf(after), `${at} ${mode}`).toEqual(filesOfAll(isOld ? OLD : ALL_NEW));
        kept[isOld ? 'old' : 'new']++;
      }
    }
    expect(kept.old).toBeGreaterThan(100);
    expect(kept.new).toBeGreaterThan(60);
  });

  it('an operation that fails, once or from then on: both are there until it is decided', () => {
    const whole = new CrashDisk(imageOf(OLD));
    swap(whole);
    for (let at = 0; at < whole.operations; at++) {
      for (const isLasting of [false, true]) {
        const disk = new CrashDisk(imageOf(OLD));
        disk.onOperation = (n, _operation, file) => {
          if (n === at || (isLasting && n > at)) throw new UsageError('input/output error', { file });
        };
        expect(() => swap(disk)).toThrow('input/output error');
        disk.onOperation = () => {};
        const tables = recoverBoth(disk);
        expect(tables.filter(({ isRefused }) => isRefused)).toEqual([]);
        const isOld = filesOf(disk).includes(componentPath(OLD[0], 'Data.db'));
        expect(filesOf(disk), `${at}`).toEqual(filesOfAll(isOld ? OLD : ALL_NEW));
      }
    }
  });
});

describe('a failure, and then a crash while it is undone', () => {
  it('the old SSTables or the new, whatever failed', () => {
    const whole = new CrashDisk(imageOf(OLD));
    swap(whole);
    let [crashes, seed] = [0, 1];
    const random = () => {
      seed = (seed * 16_807) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    for (let at = 0; at < whole.operations; at++) {
      for (let later = at + 1; later < at + 60; later++) {
        const disk = new CrashDisk(imageOf(OLD));
        disk.onOperation = (n, _operation, file) => {
          if (n === at) throw new UsageError('input/output error', { file });
          if (n >= later) throw new Killed();
        };
        let isOver = false;
        try {
          swap(disk);
        } catch (error) {
          isOver = !(error instanceof Killed);
        }
        for (const mode of ['everything', 'synced', 'some'] as const) {
          const after = new CrashDisk(disk.afterCrash(mode, random));
          after.makeDirectory(ONE);
          expect(recoverBoth(after).filter(({ isRefused }) => isRefused)).toEqual([]);
          const isOld = filesOf(after).includes(componentPath(OLD[0], 'Data.db'));
          expect(filesOf(after), `${at}, ${later} ${mode}`).toEqual(filesOfAll(isOld ? OLD : ALL_NEW));
          crashes++;
        }
        if (isOver) break;
      }
    }
    expect(crashes).toBeGreaterThan(1000);
  });
});

describe('replaceComponent', () => {
  const file = componentPath(OLD[0], 'Statistics.db');
  const before = Buffer.from(file);
  const after = Buffer.from('other bytes');
  const contentOf = (disk: CrashDisk) => Buffer.from(disk.afterCrash('everything', Math.random).get(file)!.bytes);

  it('a crash or a failure at any operation: the old bytes or the new, and nothing beside them', () => {
    const whole = new CrashDisk(imageOf(OLD));
    replaceComponent(whole, OLD[0], 'Statistics.db', after);
    expect(contentOf(whole)).toEqual(after);
    const replace = (disk: CrashDisk) => replaceComponent(disk, OLD[0], 'Statistics.db', (sink) => sink.write(after));
    for (let at = 0; at <= whole.operations; at++) {
      for (const mode of ['everything', 'synced'] as const) {
        const disk = new CrashDisk(imageOf(OLD));
        disk.onOperation = (n) => {
          if (n >= at) throw new Killed();
        };
        if (at < whole.operations) expect(() => replace(disk)).toThrow(Killed);
        else replace(disk);
        const left = new CrashDisk(disk.afterCrash(mode, Math.random));
        recoverBoth(left);
        expect(filesOf(left)).toEqual(filesOfAll(OLD));
        expect(at < whole.operations ? [before, after] : [after]).toContainEqual(contentOf(left));
      }
      if (at === whole.operations) continue;
      const disk = new CrashDisk(imageOf(OLD));
      disk.onOperation = (n) => {
        if (n === at) throw new UsageError('input/output error');
      };
      expect(() => replaceComponent(disk, OLD[0], 'Statistics.db', after)).toThrow('input/output error');
      expect(filesOf(disk)).toEqual(filesOfAll(OLD));
      expect([before, after]).toContainEqual(contentOf(disk));
    }
  });
});
