/** Every SSTable of the corpus against what the real sstabledump printed for it. */
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { CorruptError, LsmctlError } from '../../../src/bytes/errors.js';
import { diskStorage } from '../../../src/bytes/source.js';
import { wholeFile } from '../../../src/cli/dump/ranges.js';
import { dumpSSTable } from '../../../src/cli/dump/run.js';
import type { DumpSpec } from '../../../src/cli/dump/spec.js';
import { parseDescriptor } from '../../../src/sstable/descriptor.js';
import { openSSTable } from '../../../src/sstable/sstable.js';
import { CORPUS, corpusFiles, hasCorpus, KITCHENS, readCorpus } from '../../corpus.js';

/** Where the recorded outputs of a Data.db lie, without the ending that says which. */
function goldenOf(file: string): string {
  if (file.startsWith('public/')) {
    return file.replace('public/', 'public/golden/').replace(/[a-z]{2}-([^/]*)-(big|bti)-Data\.db$/, '$1');
  }
  return file.replace('/data/kitchen/', '/golden/').replace(/-Data\.db$/, '');
}

function recorded(golden: string, ending: string): Buffer | undefined {
  if (fs.existsSync(path.join(CORPUS, golden + ending))) return readCorpus(golden + ending);
  if (fs.existsSync(path.join(CORPUS, `${golden}${ending}.gz`)))
    return zlib.gunzipSync(readCorpus(`${golden}${ending}.gz`));
  return undefined;
}

const SPEC: DumpSpec = {
  format: 'sstabledump',
  lines: false,
  rawTimes: false,
  debug: false,
  filter: {},
  excluded: [],
  toleratesBadChunks: true,
  width: 80,
};

function nowOf(file: string): number {
  // the TTLs of the public files are long over, or far beyond any clock
  return file.startsWith('kitchen') ? Number(readCorpus(`${file.split('/')[0]}/clock`)) : 1_800_000_000;
}

async function dump(file: string): Promise<{ text: Buffer; error?: unknown }> {
  const pieces: Buffer[] = [];
  let error: unknown;
  try {
    const context = { keyspace: '', table: '', sstable: '', partitionKey: [], clustering: [], nowSeconds: nowOf(file) };
    const { descriptor } = parseDescriptor(path.join(CORPUS, file));
    const sink = { write: (b: Uint8Array) => void pieces.push(Buffer.from(b)) };
    await dumpSSTable(
      diskStorage,
      descriptor,
      SPEC,
      context,
      (sstable) => ({ ranges: wholeFile(diskStorage, sstable) }),
      sink,
      { jobs: 1, isWhole: true },
    );
  } catch (e) {
    error = e;
  }
  return { text: Buffer.concat(pieces), ...(error !== undefined && { error }) };
}

/** What dumps of all releases have in common: 5.0 added the table's kind and moved the position of partitions. */
function comparable(text: Buffer): unknown {
  return JSON.parse(text.toString('utf8'), (key, value) => {
    if (key === 'table kind') return undefined;
    if (key === 'partition') return { ...(value as object), position: undefined };
    return value;
  });
}

const files = hasCorpus()
  ? corpusFiles('-Data.db', ['public/sstables', 'public/corrupt', ...KITCHENS.map((k) => `${k}/data/kitchen`)])
  : [];

describe.skipIf(!hasCorpus())('sstabledump on the corpus', () => {
  it('finds the corpus', () => {
    expect(files.length).toBeGreaterThan(330);
  });

  it.each(files.filter((f) => recorded(goldenOf(f), '.dump.json')))('%s', async (file) => {
    const { text, error } = await dump(file);
    expect(error).toBeUndefined();
    expect(text.equals(recorded(goldenOf(file), '.dump.json')!)).toBe(true);
  });

  it.each(
    files.flatMap((file) =>
      ['3.11.19', '4.1.9']
        .filter((r) => recorded(goldenOf(file), `.dump.${r}.json`))
        .map((release) => ({ file, release })),
    ),
  )('$file as $release reads it', async ({ file, release }) => {
    const { text, error } = await dump(file);
    expect(error).toBeUndefined();
    expect(comparable(text)).toEqual(comparable(recorded(goldenOf(file), `.dump.${release}.json`)!));
  });

  const failing = files.filter((f) => f.includes('/corrupt/') && !recorded(goldenOf(f), '.dump.json'));
  it.each(failing.filter((f) => !f.includes('legacy_na')))('%s ends in an error that names the place', async (file) => {
    const { error } = await dump(file);
    expect(error).toBeInstanceOf(LsmctlError);
    expect((error as LsmctlError).facts).toMatchObject({ file: expect.stringContaining(path.dirname(file)) });
  });

  it.each(files.filter((f) => f.includes('integrity_check_invalid_checksums')))(
    '%s is refused where bad chunks are not tolerated',
    async (file) => {
      const sstable = await openSSTable(diskStorage, path.join(CORPUS, file));
      expect(() => [...sstable.partitions()].map((p) => [...p.unfiltereds])).toThrow(CorruptError);
      sstable.close();
    },
  );
});
