/**
 * Every component of every kind of SSTable, with bytes flipped and cut off: a dump gives the right text, or an error that names the place, after
 * text that is right up to there. Never a wrong row, a hang, an unknown error, or memory for lengths that lie.
 */
import fs from 'node:fs';
import path from 'node:path';
import { setImmediate as eventLoop } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type CorruptError, LsmctlError } from '../../../src/bytes/errors.js';
import { diskStorage, type Storage } from '../../../src/bytes/source.js';
import { dumpKeys } from '../../../src/cli/dump/keys.js';
import { wholeFile } from '../../../src/cli/dump/ranges.js';
import { dumpSSTable } from '../../../src/cli/dump/run.js';
import { select } from '../../../src/cli/dump/select.js';
import type { DumpFormat, DumpSpec } from '../../../src/cli/dump/spec.js';
import { readSSTableMetadata } from '../../../src/engine/sstable-metadata.js';
import { componentPath, type Descriptor, parseDescriptor } from '../../../src/sstable/descriptor.js';
import type { SSTable } from '../../../src/sstable/sstable.js';
import { corrupt, damages, randomOf } from '../../corrupt.js';
import { fixtureSSTables } from '../../fixtures.js';

const SEED = Number(process.env.LSMCTL_SEED ?? 20240229);
const MAX_MEMORY = 512 * 1024 * 1024;
const FLIPS = Number(process.env.LSMCTL_FLIPS ?? 4);

type Outcome = { readonly text: string; readonly error?: unknown; readonly bad: readonly CorruptError[] };

async function dump(
  storage: Storage,
  descriptor: Descriptor,
  format: DumpFormat,
  choose: (sstable: SSTable) => ReturnType<typeof select>,
): Promise<Outcome> {
  const pieces: Buffer[] = [];
  const spec: DumpSpec = {
    format,
    lines: true,
    rawTimes: true,
    debug: false,
    filter: {},
    excluded: [],
    toleratesBadChunks: false,
    width: 80,
  };
  const context = {
    keyspace: 'k',
    table: 't',
    sstable: 's',
    partitionKey: [],
    clustering: [],
    nowSeconds: 1_700_000_000,
  };
  const sink = { write: (b: Uint8Array) => void pieces.push(Buffer.from(b)) };
  let error: unknown;
  let bad: CorruptError[] = [];
  try {
    bad = await dumpSSTable(storage, descriptor, spec, context, choose, sink, { jobs: 1, isWhole: true });
  } catch (e) {
    error = e;
  }
  return { text: Buffer.concat(pieces).toString('latin1'), bad, ...(error !== undefined && { error }) };
}

function expectSound(right: string, outcome: Outcome): void {
  if (outcome.error !== undefined) {
    expectOurs(outcome.error);
    expect((outcome.error as LsmctlError).facts.file).toBeTypeOf('string');
    expect(right.startsWith(outcome.text) || right.startsWith(cutToPartition(outcome.text))).toBe(true);
  } else {
    expect(outcome.text).toBe(right);
  }
}

/** Without what was written of the partition in which the error came: a value can be half written. */
function cutToPartition(text: string): string {
  return text.slice(0, text.lastIndexOf('\n') + 1);
}

const sstables = fixtureSSTables();

describe('damaged SSTables', () => {
  it('has SSTables to damage', () => {
    expect(sstables.length).toBeGreaterThan(20);
  });

  it.each(sstables)('$name', async ({ file }) => {
    const { descriptor } = parseDescriptor(file);
    const all = (storage: Storage) => (sstable: SSTable) => ({ ranges: wholeFile(storage, sstable) });
    const right = await dump(diskStorage, descriptor, 'sstabledump', all(diskStorage));
    expect(right.error).toBeUndefined();
    const key = firstKey(right.text);
    const byKey = (storage: Storage) => (sstable: SSTable) => select(storage, sstable, { keys: [key] });
    const rightByKey = await dump(diskStorage, descriptor, 'sstabledump', byKey(diskStorage));
    const random = randomOf(SEED ^ file.length ^ fs.statSync(file).size);
    for (const name of fs.readdirSync(descriptor.directory)) {
      if (!name.startsWith(`${descriptor.prefix}-`)) continue;
      const component = path.join(descriptor.directory, name);
      for (const damage of damages(fs.statSync(component).size, FLIPS, random)) {
        const storage = corrupt(component, damage);
        expectSound(right.text, await dump(storage, descriptor, 'sstabledump', all(storage)));
        expectSound(rightByKey.text, await dump(storage, descriptor, 'sstabledump', byKey(storage)));
        await keysOnly(storage, descriptor);
        metadata(storage, descriptor);
        await eventLoop(); // the runner wants to hear of us
      }
    }
    expect(process.memoryUsage().rss).toBeLessThan(MAX_MEMORY);
  });

  it('says which component is missing', async () => {
    const { descriptor } = parseDescriptor(
      sstables.find(({ file }) => file.includes('c_lz4_4k'))?.file ?? sstables[0]!.file,
    );
    for (const component of ['Data.db', 'Statistics.db', 'CompressionInfo.db']) {
      const gone = componentPath(descriptor, component);
      const storage: Storage = {
        ...diskStorage,
        stat: (file) => (file === gone ? undefined : diskStorage.stat(file)),
        open: (file) => diskStorage.open(file === gone ? `${file}.gone` : file),
      };
      const { error, text } = await dump(storage, descriptor, 'sstabledump', (sstable) => ({
        ranges: wholeFile(storage, sstable),
      }));
      expect(error).toBeInstanceOf(LsmctlError);
      expect((error as LsmctlError).facts.file).toContain(component);
      expect(text).toBe('');
    }
  });
});

function firstKey(lines: string): string {
  const { partition } = JSON.parse(Buffer.from(lines, 'latin1').toString('utf8').split('\n')[0]!) as {
    partition: { key: string[] };
  };
  return partition.key
    .map((part) => (partition.key.length > 1 ? part.replaceAll('\\', '\\\\').replaceAll(':', '\\:') : part))
    .join(':');
}

/** What lsmctl tells of an SSTable without Data.db: all of it, or an error; whichever component is damaged. */
function metadata(storage: Storage, descriptor: Descriptor): void {
  try {
    JSON.stringify(readSSTableMetadata(storage, descriptor), (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    );
  } catch (error) {
    expectOurs(error);
  }
}

function expectOurs(error: unknown): void {
  expect(error, (error as Error).stack ?? '').toBeInstanceOf(LsmctlError);
  expect((error as LsmctlError).code).not.toBe('INVARIANT');
}

async function keysOnly(storage: Storage, descriptor: Descriptor): Promise<void> {
  try {
    await dumpKeys(storage, descriptor, { write() {} });
  } catch (error) {
    expectOurs(error);
  }
}
