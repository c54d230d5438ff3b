/** Drills of an encrypted log that a real node wrote: what it had in it was recorded by Cassandra's own reader. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dumpLog } from '../../../src/cli/commitlog/dump.js';
import { runDrill } from '../../../src/cli/drill/run.js';
import { CORPUS, hasCorpus, readCorpus } from '../../corpus.js';
import { drillFlags } from './made-node.js';

const NAME = '3.4-encrypted';
const there = hasCorpus();

let dir = '';
const kept: string[] = [];
beforeEach(() => {
  dir = fs.mkdtempSync(path.join(tmpdir(), 'lsmctl-drilled-'));
});
afterEach(() => {
  for (const one of [dir, ...kept.splice(0)]) fs.rmSync(one, { recursive: true, force: true });
});

/** A node with nothing but the log. @returns the positions of the writes to its table, as they were recorded */
function makeNode(): number[] {
  fs.cpSync(path.join(CORPUS, 'public/commitlogs', NAME), path.join(dir, 'commitlog'), { recursive: true });
  const id = /^cfid=(.*)$/m.exec(readCorpus(`public/commitlogs/${NAME}/hash.txt`).toString())![1]!;
  const columns = 'key ascii, col ascii, val blob, PRIMARY KEY (key, col)';
  fs.writeFileSync(path.join(dir, 'schema.cql'), `CREATE TABLE "Keyspace1"."Standard1" (${columns}) WITH ID = ${id};`);
  const keystore = path.join(CORPUS, 'public/commitlogs/keys/cassandra.keystore');
  fs.writeFileSync(
    path.join(dir, 'cassandra.yaml'),
    // a key that is given twice is nothing to a node
    `commitlog_sync: batch\ncommitlog_sync: periodic\ntransparent_data_encryption_options: { enabled: true, chunk_length_kb: 2, cipher: AES/CBC/PKCS5Padding, key_alias: "testing:1", key_provider: [ { class_name: org.apache.cassandra.security.JKSKeyProvider, parameters: [ { keystore: "${keystore}", keystore_password: cassandra, store_type: JCEKS, key_password: cassandra } ] } ] }\n`,
  );
  const lines = gunzipSync(readCorpus(`public/golden/commitlogs/${NAME}.mutations.jsonl.gz`))
    .toString()
    .trim();
  return lines.split('\n').flatMap((line) => {
    const { table, end_position: position } = JSON.parse(line) as { table?: string; end_position: number };
    return table === 'Keyspace1.Standard1' ? [position] : [];
  });
}

/** Positions of the writes that can be read of the log as it crashed, as a node does or, with `isAll`, behind damage too. */
async function positionsIn(log: string, isAll: boolean): Promise<Set<number>> {
  const output = path.join(dir, 'dump');
  const found = new Set<number>();
  for (const leftOut of isAll ? [false, true] : [false]) {
    const flags = { format: 'ndjson', follow: false, now: 0, output, 'left-out': leftOut } as const;
    const more = { schema: path.join(dir, 'schema.cql'), 'cassandra-yaml': path.join(dir, 'cassandra.yaml') };
    await dumpLog([log], { ...flags, ...more, table: 'Standard1' }, () => {});
    for (const line of fs.readFileSync(output, 'utf8').split('\n')) {
      if (line !== '') found.add((JSON.parse(line) as { mutation: number }).mutation);
    }
    fs.rmSync(output);
  }
  return found;
}

describe.skipIf(!there)('a drill of an encrypted log', () => {
  it.each([
    // whole sync sections go, and all of this was written into one
    ['loses all that was synced last', { 'lose-last': '1ms' }],
    ['is torn', { 'tear-at': ['first:700000'] }],
    ['is dropped', { 'drop-segment': ['first'] }],
  ])('that %s', async (what, crash) => {
    const written = makeNode();
    expect(written.length).toBe(14_561);
    const flags = drillFlags(dir, { ...crash, keep: true, 'cassandra-yaml': path.join(dir, 'cassandra.yaml') });
    const report = await runDrill(dir, flags, { notice() {}, isQuiet: true });
    kept.push(report.kept!);
    expect(report.result.isSound).toBe(true);
    const isDropped = what === 'is dropped';
    const isAll = report.start.replayedAs === 'skip-corrupt';
    const left = isDropped ? new Set() : await positionsIn(path.join(report.kept!, 'node/commitlog'), isAll);
    const lost = written.filter((position) => !left.has(position));
    expect(report.loss.writes).toBe(lost.length);
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.length < written.length).toBe(what === 'is torn');
    expect(report.result.replayedMutations).toBeGreaterThanOrEqual(written.length - lost.length);
  });

  it('needs its key', async () => {
    makeNode();
    const drilled = runDrill(dir, drillFlags(dir, { 'lose-last': '1s' }), { notice() {}, isQuiet: true });
    await expect(drilled).rejects.toThrow("is encrypted with the key 'testing:1'");
  });
});
