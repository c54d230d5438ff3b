/** Answers of two states of a table of the fixtures, by reading it through and by asking its indexes. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { diskStorage } from '../../../src/bytes/source.js';
import { compareAnswers, type PartitionDifference } from '../../../src/engine/drill/answers.js';
import { openDirectory } from '../../../src/engine/open-directory.js';
import { JsonRows } from '../../../src/render/read-rows.js';
import type { PartitionIndex } from '../../../src/sstable/partition-index.js';
import { partitionsOf } from '../../../src/sstable/partition-view.js';
import { ROOT } from '../../run-cli.js';

describe.each(['oa-5.0', 'da-5.0', 'nb-4.1'])('%s', (fixture) => {
  const nowSeconds = Number(fs.readFileSync(path.join(ROOT, 'fixtures', fixture, 'clock'), 'utf8'));

  it.each(['orders_by_id', 'carts', 'page_views'])('%s without its last SSTable', async (table) => {
    const data = path.join(ROOT, 'fixtures', fixture, 'data');
    const directory = await openDirectory(diskStorage, [data], { nowSeconds });
    const { sstables: files, definition } = directory.tables.find(
      (one) => one.keyspace === 'shop' && one.name === table,
    )!;
    const sstables = await Promise.all(files.map((one) => directory.open(one)));
    const indexes: PartitionIndex[] = [];
    const keys = new Set<string>();
    for (const { key } of partitionsOf(sstables.at(-1)!.cursor())) keys.add(Buffer.from(key).toString('latin1'));
    const compare = (wanted: ReadonlySet<string> | undefined, seekFactor: number) => {
      const found: PartitionDifference[] = [];
      const setup = {
        before: sstables,
        after: sstables.slice(0, -1),
        definition,
        nowSeconds,
        isStrict: false,
        textOf: (header: (typeof sstables)[number]['header']) => new JsonRows(header, definition, nowSeconds),
        keys: wanted,
        seekFactor,
        indexOf: (sstable: (typeof sstables)[number]) => {
          indexes.push(sstable.openIndex(diskStorage));
          return indexes.at(-1)!;
        },
      };
      const walk = compareAnswers(setup, (difference) => void found.push(difference));
      let step = walk.next();
      while (!step.done) step = walk.next();
      return { found, counts: step.value };
    };
    const all = compare(undefined, 0);
    expect(all.found.length).toBeGreaterThan(0);
    expect(indexes).toHaveLength(0);
    // only what the SSTable has can differ
    expect(all.found.every(({ key }) => keys.has(Buffer.from(key).toString('latin1')))).toBe(true);
    const scanned = compare(keys, Number.POSITIVE_INFINITY);
    expect(scanned.found).toEqual(all.found);
    expect(indexes).toHaveLength(0);
    expect(compare(keys, 0)).toEqual(scanned);
    expect(indexes).toHaveLength(sstables.length * 2 - 1);
    const [first] = keys;
    const one = compare(new Set([first!]), 0);
    expect(one.found).toEqual(all.found.filter(({ key }) => Buffer.from(key).toString('latin1') === first));
    for (const open of [...indexes, ...sstables]) open.close();
  });
});
