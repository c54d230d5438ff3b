/** `dump -d` beside the real `sstabledump -d`, byte for byte, on every SSTable of the fixtures and of the corpus. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { diskStorage } from '../../src/bytes/source.js';
import { SSTableDebugWriter } from '../../src/render/sstabledump-debug.js';
import { openSSTable } from '../../src/sstable/sstable.js';
import { CORPUS, corpusFiles, hasCorpus, KITCHENS } from '../corpus.js';
import { FIXTURES, fixtureSSTables } from '../fixtures.js';
import { missing, setup, ToolServer, V5 } from './cassandra.js';

const lacks = missing([V5]);
if (lacks && process.env.CI) throw new Error(`real Cassandra can't be run: ${lacks}`);

const corpus = hasCorpus()
  ? corpusFiles('-Data.db', ['public/sstables', ...KITCHENS.map((name) => `${name}/data`)])
  : [];
const files = [
  ...fixtureSSTables().map(({ name }) => [name, FIXTURES] as const),
  ...corpus.map((name) => [name, CORPUS] as const),
];

async function debugText(file: string): Promise<string> {
  const sstable = await openSSTable(diskStorage, file);
  const parts: Buffer[] = [];
  const writer = new SSTableDebugWriter(sstable.header, { write: (bytes) => void parts.push(Buffer.from(bytes)) });
  const cursor = sstable.cursor();
  while (cursor.nextPartition()) writer.partition(cursor);
  writer.flush();
  sstable.close();
  return Buffer.concat(parts).toString();
}

describe.skipIf(lacks !== undefined)('sstabledump -d', () => {
  let tools: ToolServer;
  let copies: string;

  beforeAll(() => {
    setup([V5]);
    tools = new ToolServer(V5);
    copies = fs.mkdtempSync(path.join(os.tmpdir(), 'lsmctl-debug-'));
  });

  afterAll(() => {
    tools.close();
    fs.rmSync(copies, { recursive: true });
  });

  it('prints the same', async () => {
    let compared = 0;
    const refused: string[] = [];
    for (const [name, root] of files) {
      // the tool may write beside what it reads
      const copy = path.join(copies, name);
      fs.cpSync(path.join(root, path.dirname(name)), path.dirname(copy), {
        recursive: true,
        filter: (from) => !fs.statSync(from).isDirectory() || from === path.join(root, path.dirname(name)),
      });
      const { status, stdout, stderr } = await tools.run('sstabledump', [copy, '-d']);
      if (status !== 0 || stderr.includes('Exception')) {
        // text in a field of a UDT is taken for a length, of gigabytes
        if (!stderr.includes('OutOfMemoryError')) refused.push(name);
        continue;
      }
      expect(await debugText(copy), name).toBe(stdout.toString());
      compared++;
    }
    expect(refused.filter((name) => !/scylla|indexed/.test(name))).toEqual([]);
    expect(compared).toBeGreaterThan(250);
  });
});
