/** Statistics.db rewritten: bytes as real tools gave them, and what a failure leaves. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { CorruptError, UsageError } from '../../../src/bytes/errors.js';
import { diskOutput, type OutputStorage } from '../../../src/bytes/sink.js';
import { diskStorage } from '../../../src/bytes/source.js';
import { mutatedStatistics, mutateLevel } from '../../../src/engine/surgery/mutate-statistics.js';
import { applyEdits, planEdits, readEditable } from '../../../src/engine/surgery/statistics-edits.js';
import { COMPONENT, componentPath, parseDescriptor } from '../../../src/sstable/descriptor.js';
import { readStatistics, Statistics } from '../../../src/sstable/statistics.js';
import { CORPUS, hasCorpus } from '../../corpus.js';
import { corrupt } from '../../corrupt.js';
import { FIXTURES } from '../../fixtures.js';
import { temporaryDirectory } from '../directories.js';

/** Data.db below the fixtures or the corpus → sha256 of Statistics.db, its first 16 digits, after `--is-repaired` and after `--is-unrepaired`. */
type Golden = {
  readonly repairedAtMillis: number;
  readonly files: Readonly<Record<string, readonly [repaired: string, unrepaired: string]>>;
};

const golden = JSON.parse(
  zlib.gunzipSync(fs.readFileSync(new URL('../../golden/repaired-statistics.json.gz', import.meta.url))).toString(),
) as Golden;

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex').slice(0, 16);
const descriptorOf = (file: string) => parseDescriptor(file).descriptor;

describe('Statistics.db with another state of repair, as sstablerepairedset wrote it', () => {
  const roots: [string, boolean][] = [
    ['fixtures', true],
    ['corpus', hasCorpus()],
  ];
  test.each(roots)('%s', (root, isThere) => {
    if (!isThere) return;
    const files = Object.entries(golden.files).filter(([file]) => file.startsWith(`${root}/`));
    expect(files.length).toBeGreaterThan(root === 'fixtures' ? 340 : 25);
    const versions = new Set<string>();
    for (const [file, expected] of files) {
      const place = root === 'fixtures' ? FIXTURES : CORPUS;
      const descriptor = descriptorOf(path.join(place, file.slice(root.length + 1)));
      versions.add(descriptor.version.name);
      const seen = [golden.repairedAtMillis, 0].map((repairedAtMillis) =>
        digest(mutatedStatistics(diskStorage, descriptor, { repair: { repairedAtMillis, isTransient: false } })),
      );
      expect(seen, file).toEqual(expected);
    }
    expect([...versions].sort()).toEqual(
      root === 'fixtures' ? ['da', 'nb', 'oa'] : ['da', 'ma', 'mb', 'mc', 'md', 'me', 'na', 'nb', 'nc', 'oa'],
    );
  });
});

const FILES = ['oa-5.0', 'da-5.0', 'nb-4.1'].map((name) => {
  const keyspace = path.join(FIXTURES, name, 'data/zoo');
  return path.join(keyspace, fs.readdirSync(keyspace).find((table) => table.startsWith('leveled-'))!);
});

/** A copy of a table with two SSTables. */
function copied(from = FILES[0]!): { directory: string; sstables: ReturnType<typeof readEditable>[] } {
  const directory = path.join(temporaryDirectory(), path.basename(from));
  fs.cpSync(from, directory, { recursive: true });
  const files = fs.readdirSync(directory).filter((name) => name.endsWith('-Data.db')).sort(); // biome-ignore format: one line
  return {
    directory,
    sstables: files.map((name) => readEditable(diskStorage, descriptorOf(path.join(directory, name)))),
  };
}

function stateOf(directory: string) {
  return fs.readdirSync(directory).map((name) => [name, fs.readFileSync(path.join(directory, name), 'latin1')]);
}

describe.each(FILES)('%s', (from) => {
  test('another level: nothing else of Statistics.db is another, and no other file', () => {
    const { directory, sstables } = copied(from);
    const { descriptor } = sstables[0]!;
    const before = readStatistics(diskStorage, descriptor).parts();
    const files = stateOf(directory);
    mutateLevel(diskOutput, descriptor, 7);
    const after = readStatistics(diskStorage, descriptor).parts();
    expect(after).toEqual({ ...before, stats: { ...before.stats, sstableLevel: 7 } });
    const changed = stateOf(directory).filter(([, bytes], i) => bytes !== files[i]![1]);
    expect(changed.map(([name]) => name)).toEqual([`${descriptor.prefix}-Statistics.db`]);
    mutateLevel(diskOutput, descriptor, 0);
    expect(stateOf(directory)).toEqual(files);
  });

  test('a repair session that is left, or kept', () => {
    const { descriptor } = copied(from).sstables[0]!;
    const pendingRepair = '3b1a2c4d-5e6f-11ef-8000-0123456789ab';
    const pending = mutatedStatistics(diskStorage, descriptor, {
      repair: { repairedAtMillis: 0, pendingRepair, isTransient: true },
    });
    const { stats } = new Statistics(pending, 'made', descriptor.version);
    expect([stats.pendingRepair, stats.isTransient]).toEqual([pendingRepair, true]);
    const file = componentPath(descriptor, COMPONENT.statistics);
    fs.writeFileSync(file, pending);
    const leveled = new Statistics(mutatedStatistics(diskStorage, descriptor, { level: 2 }), file, descriptor.version);
    expect([leveled.stats.pendingRepair, leveled.stats.isTransient]).toEqual([pendingRepair, true]);
    const left = mutatedStatistics(diskStorage, descriptor, { repair: { repairedAtMillis: 5, isTransient: false } });
    const { stats: after } = new Statistics(left, file, descriptor.version);
    expect([after.pendingRepair, after.isTransient, after.repairedAtMillis]).toEqual([undefined, false, 5]);
  });
});

describe('edits of several', () => {
  const toLevel = (level: number) => (one: ReturnType<typeof readEditable>) => ({ ...one, level });

  test('leave out what is as wanted', () => {
    const { sstables } = copied();
    expect(planEdits(diskStorage, sstables, toLevel(0))).toEqual([]);
    expect(planEdits(diskStorage, sstables, toLevel(1)).map(({ after }) => after.level)).toEqual([1, 1]);
  });

  test('are refused before anything is written where any part of a Statistics.db is damaged', () => {
    const { sstables } = copied();
    const file = componentPath(sstables[1]!.descriptor, COMPONENT.statistics);
    for (let offset = 0; offset < fs.statSync(file).size; offset += 97) {
      const storage = corrupt(file, { kind: 'flip', offset, xor: 0x20 });
      expect(() => planEdits(storage, sstables, toLevel(1)), `byte ${offset}`).toThrow(CorruptError);
    }
  });

  test.each(['create', 'rename of the first'] as const)('a failing %s leaves all as it was', (what) => {
    const { directory, sstables } = copied();
    const edits = planEdits(diskStorage, sstables, toLevel(1));
    const before = stateOf(directory);
    let created = 0;
    const failing: OutputStorage = {
      ...diskOutput,
      create(file) {
        if (what === 'create' && ++created === 2) throw new UsageError('no space left on the device', { file });
        return diskOutput.create(file);
      },
      rename(from, to) {
        if (what !== 'create') throw new UsageError('no space left on the device', { file: from });
        diskOutput.rename(from, to);
      },
    };
    expect(() => applyEdits(failing, edits)).toThrow(/no space left/);
    expect(stateOf(directory)).toEqual(before);
    applyEdits(diskOutput, edits);
    expect(planEdits(diskStorage, copiedAgain(directory), toLevel(1))).toEqual([]);
  });

  test('of an SSTable that was changed since are refused, and none is made', () => {
    const { directory, sstables } = copied();
    const edits = planEdits(diskStorage, sstables, toLevel(1));
    mutateLevel(diskOutput, sstables[1]!.descriptor, 4);
    const before = stateOf(directory);
    expect(() => applyEdits(diskOutput, edits)).toThrow(/has changed since it was looked at/);
    expect(stateOf(directory)).toEqual(before);
  });

  test('take the place of what a killed run has left', () => {
    const { directory, sstables } = copied();
    const edits = planEdits(diskStorage, sstables, toLevel(1));
    const left = `${componentPath(sstables[0]!.descriptor, COMPONENT.statistics)}.tmp`;
    fs.writeFileSync(left, 'cut');
    applyEdits(diskOutput, edits);
    expect(fs.readdirSync(directory).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

function copiedAgain(directory: string) {
  const files = fs.readdirSync(directory).filter((name) => name.endsWith('-Data.db'));
  return files.map((name) => readEditable(diskStorage, descriptorOf(path.join(directory, name))));
}
