/** SSTables that are known to be corrupt, each for its own reason, and that reason; damages made to good ones, each told with its place. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { diskStorage, overlayStorage } from '../../../src/bytes/source.js';
import { resolveSSTables } from '../../../src/engine/data-directory.js';
import { type Finding, isWrong } from '../../../src/engine/verify/finding.js';
import { type Level, verifySSTable } from '../../../src/engine/verify/verify-sstable.js';
import { CORPUS, hasCorpus } from '../../corpus.js';
import { FIXTURES } from '../../fixtures.js';

const NOW_SECONDS = 1_900_000_000;
const FOLDER = path.join(CORPUS, 'public/corrupt');

/** `write_empty_counter` is left out: its counter has no shards, which is a count of nothing. */
const KNOWN: readonly (readonly [name: string, rules: readonly string[]])[] = [
  ['apache/mb/cf_with_duplicates_3_0', ['row-order']],
  ['apache/mc/negative-local-expiration-table1', ['deletion-time']],
  ['apache/mc/negative-local-expiration-table3', ['deletion-time']],
  ['apache/mc/negative-local-expiration-table4', ['deletion-time']],
  ['apache/na/legacy_na_clust_compact', ['statistics']],
  ['apache/na/legacy_na_simple_counter_compact', ['statistics']],
  ['apache/nb/negative-ldts-invalid_range_tombstone_reader', ['deletion-time']],
  ['apache/nc/negative-ldts-invalid_partition_deletion', ['deletion-time']],
  ['apache/nc/negative-ldts-invalid_tombstones', ['deletion-time']],
  ['scylla/mc/broken_open_tombstone', ['range-tombstone', 'data-chunk']],
  ['scylla/mc/compression-premature-eof', ['component-empty']],
  ['scylla/mc/empty_index', ['index']],
  ['scylla/mc/mismatched_timestamp', ['data-chunk']],
  ['scylla/mc/test-1c6ace40fad111e7b9cf000000000002', ['row']],
  ['scylla/mc/write_shadowable_deletion', ['row']],
  ['scylla/me/integrity_check_invalid_checksums_uncompressed', ['data-chunk']],
  ['scylla/me/integrity_check_invalid_digest_lz4', ['digest']],
];

describe.skipIf(!hasCorpus())('known to be corrupt', () => {
  it.each(KNOWN)('%s', async (name, rules) => {
    const { sstables } = resolveSSTables(diskStorage, [path.join(FOLDER, name)]);
    const { findings } = await verifySSTable(diskStorage, sstables[0]!, { level: 'deep', nowSeconds: NOW_SECONDS });
    expect(findings.filter(isWrong).map(({ rule }) => rule)).toEqual(expect.arrayContaining([...rules]));
  });
});

function sstableOf(fixture: string, table: string) {
  const below = path.join(FIXTURES, fixture, 'data/zoo');
  const directory = fs.readdirSync(below).find((name) => name.startsWith(`${table}-`))!;
  return resolveSSTables(diskStorage, [path.join(below, directory)]).sstables[0]!;
}

type Change = (bytes: Buffer) => Buffer;
const flip =
  (at: number, xor = 1): Change =>
  (bytes) => {
    const copy = Buffer.from(bytes);
    copy[at < 0 ? copy.length + at : at]! ^= xor;
    return copy;
  };
const zeros: Change = (bytes) => Buffer.from(bytes).fill(0, 8);
const ones: Change = (bytes) => Buffer.from(bytes).fill(0xff, 8);
const cut =
  (by: number): Change =>
  (bytes) =>
    bytes.subarray(0, bytes.length - by);

/** Fixture, table, component, what is done to it, the level, the rule, and what is told of the place. */
const DAMAGES: readonly (readonly [string, string, string, Change, Level, string, Partial<Finding>])[] = [
  ['oa-5.0', 'wide', 'Data.db', flip(40), 'default', 'data-chunk', { chunk: 0, offset: 0 }],
  ['oa-5.0', 'wide', 'Data.db', flip(-5), 'default', 'data-chunk', {}],
  ['oa-5.0', 'wide', 'Data.db', cut(40), 'default', 'data-chunk', {}],
  ['oa-5.0', 'c_none', 'Data.db', flip(100), 'default', 'data-chunk', { chunk: 0, offset: 0 }],
  ['oa-5.0', 'c_none', 'CRC.db', flip(-1), 'default', 'crc-file', {}],
  ['oa-5.0', 'wide', 'Digest.crc32', flip(2), 'default', 'digest', {}],
  ['oa-5.0', 'wide', 'CompressionInfo.db', flip(-1), 'default', 'compression-info', {}],
  ['oa-5.0', 'wide', 'Index.db', flip(24), 'deep', 'row-index', {}],
  ['oa-5.0', 'composite_keys', 'Index.db', flip(3), 'default', 'index', {}],
  ['oa-5.0', 'wide', 'Statistics.db', flip(200), 'quick', 'statistics', {}],
  ['oa-5.0', 'composite_keys', 'Summary.db', flip(30), 'default', 'summary', {}],
  ['oa-5.0', 'composite_keys', 'Filter.db', zeros, 'default', 'filter-denies', {}],
  ['oa-5.0', 'composite_keys', 'Filter.db', ones, 'default', 'filter-extra', {}],
  ['nb-4.1', 'composite_keys', 'Filter.db', zeros, 'default', 'filter-denies', {}],
  ['oa-5.0', 'wide', 'TOC.txt', flip(0), 'quick', 'toc', {}],
  ['da-5.0', 'wide', 'Partitions.db', flip(0), 'default', 'index', {}],
  ['da-5.0', 'wide', 'Rows.db', flip(0), 'deep', 'row-index', {}],
  ['da-5.0', 'composite_keys', 'Partitions.db', flip(-9), 'default', 'index', {}],
];

describe('damaged', () => {
  it.each(DAMAGES)('%s %s %s (%#)', async (fixture, table, component, change, level, rule, place) => {
    const files = sstableOf(fixture, table);
    const file = path.join(files.descriptor.directory, `${files.descriptor.prefix}-${component}`);
    const storage = overlayStorage(diskStorage, new Map([[file, change(fs.readFileSync(file))]]));
    const { findings, checks } = await verifySSTable(storage, files, { level, nowSeconds: NOW_SECONDS });
    const found = findings.find((finding) => finding.rule === rule);
    expect(found, findings.map((finding) => `${finding.rule}: ${finding.message}`).join('\n')).toMatchObject({
      file,
      ...place,
    });
    expect(checks.some(({ state }) => state !== 'proved')).toBe(true);
  });

  it('reads nothing of Data.db for a quick look', async () => {
    const files = sstableOf('oa-5.0', 'wide');
    const file = path.join(files.descriptor.directory, `${files.descriptor.prefix}-Data.db`);
    const storage = {
      ...diskStorage,
      open(name: string) {
        expect(name).not.toBe(file);
        return diskStorage.open(name);
      },
    };
    const { findings } = await verifySSTable(storage, files, { level: 'quick', nowSeconds: NOW_SECONDS });
    expect(findings).toEqual([]);
  });
});
