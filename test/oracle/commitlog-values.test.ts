/** Mutations with values that are none of their types, in the log of real nodes that are told to go on: they take those that a replay takes here. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildSegment } from '../commitlog/build-segment.js';
import { caseMutation, statements, TABLES } from '../commitlog/value-cases.js';
import { connect, cql, missing, setup, startNode, stopNode, V5, V41 } from './cassandra.js';

const lacks = missing([V5, V41]);
if (lacks && process.env.CI) throw new Error(`real Cassandra can't be run: ${lacks}`);

const NODE = { address: '127.0.0.13', jmxPort: 17913 };

describe.skipIf(lacks !== undefined)('values in a commit log', () => {
  it.each([
    { version: V5, log: 8 },
    { version: V41, log: 7 },
  ])('are held to their types by $version as here', async ({ version, log }) => {
    setup([version]);
    const isBefore5 = version === V41;
    const dir = mkdtempSync(join(tmpdir(), 'lsmctl-values-'));
    const maker = await startNode(version, dir, NODE);
    try {
      const client = await connect(maker);
      await cql(client, statements(isBefore5), 1);
      await client.shutdown();
    } finally {
      await stopNode(maker);
    }
    const there = TABLES.map((table, i) => ({ ...table, i })).filter(({ since5 }) => !(since5 && isBefore5));
    const mutations = there.flatMap(({ i, cases }) => cases.map((_, j) => caseMutation(i, j)));
    rmSync(join(dir, 'commitlog'), { recursive: true });
    mkdirSync(join(dir, 'commitlog'));
    const { name, bytes } = await buildSegment({ form: 'plain', version: log, sections: [mutations] });
    writeFileSync(join(dir, 'commitlog', name), bytes);
    const node = await startNode(version, dir, { ...NODE, jvm: ['-Dcassandra.commitlog.ignorereplayerrors=true'] });
    try {
      const client = await connect(node);
      const differ: string[] = [];
      for (const { i, cql: type, where = 'regular', cases } of there) {
        const { rows } = await client.execute(`SELECT DISTINCT k FROM vals.t${i}`);
        const keys = new Set(rows.map((row) => String(row.k)));
        for (const [j, { value, path = '', isTaken }] of cases.entries()) {
          if (keys.has(`${j}`) !== isTaken)
            differ.push(`${where} ${type} ${path} ${value || 'nothing'}: ${isTaken ? 'refused' : 'taken'}`);
        }
      }
      await client.shutdown();
      expect(differ).toEqual([]);
    } finally {
      await stopNode(node, 'SIGKILL');
    }
    rmSync(dir, { recursive: true });
  });
});
