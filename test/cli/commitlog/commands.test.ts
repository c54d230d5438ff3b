/** The commands on commit logs, on segments made here. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dumpLog, type LogDumpFlags } from '../../../src/cli/commitlog/dump.js';
import { listLog } from '../../../src/cli/commitlog/ls.js';
import { verifyPaths } from '../../../src/cli/commitlog/verify.js';
import { listingText } from '../../../src/render/commitlog-listing.js';
import { verdictText } from '../../../src/render/commitlog-verdict.js';
import { buildSegment, mutation, TABLE_ID } from '../../commitlog/build-segment.js';

let dir = '';
beforeEach(() => {
  dir = fs.mkdtempSync(path.join(tmpdir(), 'lsmctl-log-'));
  fs.writeFileSync(path.join(dir, 's.cql'), `CREATE TABLE ks.t (k blob PRIMARY KEY, v blob) WITH ID = ${TABLE_ID};`);
});
afterEach(() => fs.rmSync(dir, { recursive: true }));

const row = (n: number, tableId?: string) => mutation(Buffer.from([n]), Buffer.from([n, n]), n, tableId);

async function write(id: number, sections: readonly (readonly Uint8Array[])[]): Promise<string> {
  const built = await buildSegment({ form: 'plain', id, sections });
  const file = path.join(dir, built.name);
  fs.writeFileSync(file, built.bytes);
  return file;
}

const flags = (more: Partial<LogDumpFlags> = {}): LogDumpFlags => ({
  format: 'ndjson',
  schema: path.join(dir, 's.cql'),
  now: 1_700_000_000,
  output: path.join(dir, 'out'),
  follow: false,
  'left-out': false,
  ...more,
});
const printed = () =>
  fs
    .readFileSync(path.join(dir, 'out'), 'utf8')
    .trim()
    .split('\n')
    .filter((line) => line !== '');

const quiet = () => {};

describe('commitlog dump', () => {
  it('filters by key, time, place and number', async () => {
    await write(1700000000001, [[row(1), row(2)], [row(3)]]);
    await write(1700000000002, [[row(4), row(5)]]);
    const keys = async (more: Partial<LogDumpFlags>) => {
      expect(await dumpLog([dir], flags(more), quiet)).toBe(0);
      return printed().map((line) => JSON.parse(line).key.k);
    };
    expect(await keys({})).toEqual(['0x01', '0x02', '0x03', '0x04', '0x05']);
    expect(await keys({ table: 't', key: ['0x02', '0x05'] })).toEqual(['0x02', '0x05']);
    expect(await keys({ since: '1442880000000003', until: '1442880000000005' })).toEqual(['0x03', '0x04']);
    expect(await keys({ from: '1700000000002' })).toEqual(['0x04', '0x05']);
    expect(await keys({ to: '1700000000001' })).toEqual(['0x01', '0x02', '0x03']);
    expect(await keys({ limit: 2 })).toEqual(['0x01', '0x02']);
    expect(await keys({ keyspace: 'other' })).toEqual([]);
  });

  it('prints CQL that writes the same', async () => {
    await write(1700000000001, [[row(1)]]);
    await dumpLog([dir], flags({ format: 'cql' }), quiet);
    expect(printed().at(-1)).toBe(
      'INSERT INTO ks.t (k, v) VALUES (0x01, 0x0101) USING TIMESTAMP 1442880000000001 AND TTL 0;',
    );
  });

  it('names what it can not read', async () => {
    await write(1700000000001, [[row(1), row(2, '11223344-5566-1788-99aa-bbccddeeff01')]]);
    await dumpLog([dir], flags(), quiet);
    expect(JSON.parse(printed()[1]!)).toMatchObject({
      kind: 'unknown_table',
      table_id: '11223344-5566-1788-99aa-bbccddeeff01',
      key: '02',
      least_timestamp: 1442880000000002,
    });
  });

  it('follows a segment by its CDC index, each mutation once', async () => {
    const built = await buildSegment({ form: 'plain', sections: [[row(1), row(2)], [row(3)], [row(4)]] });
    const file = path.join(dir, built.name);
    fs.writeFileSync(file, built.bytes);
    const index = file.replace('.log', '_cdc.idx');
    fs.writeFileSync(index, String(built.markers[1]));
    const following = dumpLog([dir], flags({ follow: true, limit: 4 }), quiet);
    await new Promise((resolve) => setTimeout(resolve, 500));
    fs.writeFileSync(index, `${built.end}\nCOMPLETED`);
    expect(await following).toBe(0);
    expect(printed().map((line) => JSON.parse(line).key.k)).toEqual(['0x01', '0x02', '0x03', '0x04']);
  });
});

describe('commitlog dump --left-out', () => {
  it('prints as CQL what a node would leave out', async () => {
    const file = await write(1700000000001, [[row(1), row(2), row(3)], [row(4)]]);
    const bytes = fs.readFileSync(file);
    bytes[31] = bytes[31]! ^ 1; // the size of the first mutation
    fs.writeFileSync(file, bytes);
    expect(await dumpLog([dir], flags({ format: 'cql', 'left-out': true }), quiet)).toBe(3);
    const statements = printed().filter((line) => !line.startsWith('--'));
    expect(statements.map((line) => /VALUES \((0x\d+)/.exec(line)?.[1])).toEqual(['0x02', '0x03']);
  });
});

describe('commitlog ls', () => {
  it('counts by segment and table, and tells the holes between ids', async () => {
    await write(1700000000001, [[row(1), row(2)], [row(3)]]);
    await write(1700000000004, [[row(4)]]);
    const listing = await listLog([dir], flags());
    expect(listing.totals).toMatchObject({ mutations: 4 });
    expect(listing.holes).toEqual([{ after: 1700000000001, before: 1700000000004, missing: 2 }]);
    const text = listingText(listing, false);
    expect(text).toMatch(/8-1700000000001 +plain +64\.0 KiB +2 +3 /);
    expect(text).toMatch(/ks\.t +4 /);
    expect(
      Math.max(
        ...text
          .split('\n')
          .slice(0, 7)
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(80);
  });
});

describe('commitlog verify', () => {
  it('tells what a damaged mutation costs, and that only the last segment is forgiven', async () => {
    const file = await write(1700000000001, [[row(1), row(2), row(3)], [row(4)]]);
    await write(1700000000002, [[row(5)]]);
    const bytes = fs.readFileSync(file);
    bytes[40] = bytes[40]! ^ 1; // in the size of the first mutation, or its checksum
    fs.writeFileSync(file, bytes);
    const { report, left, schema } = await verifyPaths([dir], flags(), quiet);
    expect(report.verdict).toBe('stops');
    expect(report.faults).toHaveLength(1);
    expect(report.lost).toMatchObject([{ mutations: 1 }]);
    expect(left.count).toBe(0);
    fs.rmSync(path.join(dir, 'CommitLog-8-1700000000002.log'));
    const again = await verifyPaths([dir], flags(), quiet);
    expect(again.report.verdict).toBe('tolerates');
    expect(verdictText(report, left, schema)).toMatch(
      /A node does not start on it: it stops at CommitLog-8-1700000000001\.log/,
    );
  });

  it('names each mutation that a node leaves out though it can be read', async () => {
    const file = await write(1700000000001, [[row(1), row(2), row(3)], [row(4)]]);
    const bytes = fs.readFileSync(file);
    bytes[31] = bytes[31]! ^ 1; // the size of the first mutation
    fs.writeFileSync(file, bytes);
    const out = path.join(dir, 'left');
    const { report, left } = await verifyPaths([dir], { ...flags(), left: out }, quiet);
    expect(report.faults).toMatchObject([
      { kind: 'mutation_size_checksum', atStart: 'tolerates', whenIgnored: 'skips_section' },
    ]);
    expect(left.count).toBe(2);
    const lines = fs
      .readFileSync(out, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toMatchObject([
      { updates: [{ keyspace: 'ks', table: 't', key: '02', firstWriteMicros: 1442880000000002, inSSTables: false }] },
      { updates: [{ key: '03' }] },
    ]);
  });
});
