import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CORPUS, hasCorpus } from '../corpus.js';
import { runCli } from '../run-cli.js';

const DATA = path.join(CORPUS, 'kitchen-oa-1/data');

describe.skipIf(!hasCorpus())('lsmctl schema', () => {
  const copy = fs.mkdtempSync(path.join(os.tmpdir(), 'lsmctl-cli-schema-'));
  fs.cpSync(path.join(DATA, 'system_schema'), path.join(copy, 'system_schema'), { recursive: true });
  afterAll(() => fs.rmSync(copy, { recursive: true }));

  it('prints CQL, without system keyspaces and ids', () => {
    const { stdout, stderr, code } = runCli(['schema', DATA]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^CREATE KEYSPACE kitchen WITH replication = /);
    expect(stdout).not.toMatch(/CREATE KEYSPACE system|ID = /);
    expect(stdout.endsWith(';\n')).toBe(true);
  });

  it('prints one table, with the types that it uses', () => {
    const { stdout, stderr } = runCli(['schema', DATA, '--table', 'collections', '--with-ids', '--source']);
    expect(stderr).toBe(`lsmctl: schema from ${DATA}/system_schema\n`);
    expect(stdout.match(/^CREATE \w+ \S+/gm)).toEqual([
      'CREATE TYPE kitchen.address',
      'CREATE TYPE kitchen.person',
      'CREATE TABLE kitchen.collections',
    ]);
    expect(stdout).toMatch(/WITH ID = [0-9a-f-]{36}\n/);
  });

  it('--system adds the keyspaces that Cassandra makes, --keyspace picks one', () => {
    expect(runCli(['schema', DATA, '--system']).stdout).toContain('CREATE KEYSPACE system_auth ');
    const { stdout } = runCli(['schema', DATA, '--keyspace', 'system_traces']);
    expect(stdout.match(/^CREATE KEYSPACE \w+/gm)).toEqual(['CREATE KEYSPACE system_traces']);
  });

  it('--json is the whole model', () => {
    const { stdout } = runCli(['schema', DATA, '--table', 'dropped', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 'lsmctl.schema',
      version: 1,
      source: { kind: 'system_schema', paths: [`${DATA}/system_schema`] },
      fromHeaders: [],
      keyspaces: [
        {
          name: 'kitchen',
          tables: [
            {
              name: 'dropped',
              flags: ['compound'],
              columns: [
                { name: 'k', kind: 'partition_key', type: 'int' },
                { name: 'added' },
                { name: 'keep', type: 'text' },
              ],
              droppedColumns: [
                { name: 'gone', type: 'int' },
                { name: 'gone_set', type: 'set<int>', droppedTimeMicros: expect.any(Number) },
              ],
              options: { gcGraceSeconds: 864000, compression: { chunk_length_in_kb: '16' } },
            },
          ],
        },
      ],
    });
  });

  it.each([
    [['--keyspace', 'nope'], "lsmctl: keyspace 'nope' is not in the schema (seen nope, expected kitchen, system"],
    [['--table', 'nope'], "lsmctl: table 'nope' is not in the schema (seen nope, expected c_deflate"],
    [['--schema', '/nowhere/schema.cql'], 'lsmctl: /nowhere/schema.cql: no such file or directory'],
  ])('%j is a mistake of usage', (flags, message) => {
    const { stdout, stderr, code } = runCli(['schema', DATA, ...flags]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
  });

  it('a damaged SSTable of system_schema is named, and nothing is printed', () => {
    const directory = fs.readdirSync(path.join(copy, 'system_schema')).find((name) => name.startsWith('columns-'))!;
    const folder = path.join(copy, 'system_schema', directory);
    const data = fs.readdirSync(folder).find((name) => name.endsWith('-Data.db'))!;
    const bytes = fs.readFileSync(path.join(folder, data));
    bytes[bytes.length >> 1]! ^= 0x55;
    fs.writeFileSync(path.join(folder, data), bytes);
    const { stdout, stderr, code } = runCli(['schema', copy]);
    expect([code, stdout]).toEqual([3, '']);
    expect(stderr).toContain(data);
    expect(stderr).toContain('chunk');
    expect(stderr).not.toContain('    at ');
  });
});
