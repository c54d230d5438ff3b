/** No false alarm: SSTables that nobody damaged are sound at every level, whatever their version and whoever wrote them. */
import path from 'node:path';
import { setImmediate as eventLoop } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { diskStorage } from '../../../src/bytes/source.js';
import { findTable } from '../../../src/cql/schema.js';
import { resolveSSTables } from '../../../src/engine/data-directory.js';
import { loadSchema } from '../../../src/engine/schema-loader.js';
import { isWrong } from '../../../src/engine/verify/finding.js';
import { LEVELS, type Level, verifySSTable } from '../../../src/engine/verify/verify-sstable.js';
import { CORPUS, hasCorpus, KITCHENS } from '../../corpus.js';
import { FIXTURES } from '../../fixtures.js';

const NOW_SECONDS = 1_900_000_000;
const DIRECTORIES = [
  ...['oa-5.0', 'da-5.0', 'nb-4.1'].map((name) => path.join(FIXTURES, name, 'data')),
  ...(hasCorpus()
    ? [...KITCHENS.map((name) => path.join(CORPUS, name, 'data')), path.join(CORPUS, 'public/sstables')]
    : []),
];

/** What is wrong at `level` in all SSTables below `directory`, and how many there are. */
async function verifyAll(directory: string, level: Level): Promise<{ count: number; wrong: string[]; open: string[] }> {
  const { sstables } = resolveSSTables(diskStorage, [directory], { snapshots: true });
  const { schema, source } = await loadSchema(diskStorage, [directory], { nowSeconds: NOW_SECONDS });
  const wrong: string[] = [];
  const open: string[] = [];
  for (const files of sstables) {
    const { keyspace, table, index } = files.place;
    const known =
      source.kind === 'system_schema' && index === undefined ? findTable(schema, keyspace, table) : undefined;
    const options = { level, nowSeconds: NOW_SECONDS, ...(known && { table: known }) };
    const { findings, checks } = await verifySSTable(diskStorage, files, options);
    const name = `${table}${index === undefined ? '' : `.${index}`} ${files.descriptor.prefix}`;
    for (const { rule, message, seen } of findings.filter(isWrong)) wrong.push(`${name} ${rule}: ${message} ${seen}`);
    for (const { check, state, detail } of checks) if (state === 'incomplete') open.push(`${name} ${check}: ${detail}`);
    await eventLoop(); // the runner wants to hear of us
  }
  return { count: sstables.length, wrong, open };
}

/** A row of the fixtures was written with the last timestamp that there is, and that is told. */
const isOfLastTimestamp = (text: string) => text.startsWith('types ') && text.includes(' timestamp-future: ');

describe.each(DIRECTORIES)('%s', (directory) => {
  it.each(LEVELS)('is sound: %s', async (level) => {
    const { count, wrong, open } = await verifyAll(directory, level);
    expect(wrong.filter((text) => !isOfLastTimestamp(text))).toEqual([]);
    expect(open).toEqual([]);
    expect(count).toBeGreaterThan(70);
    const told = level === 'deep' && directory.startsWith(FIXTURES) ? 2 : 0;
    expect(wrong.filter(isOfLastTimestamp)).toHaveLength(told);
  });
});
