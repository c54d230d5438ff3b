/** `commitlog replay` that is killed or interrupted: in place a table has all of what was replayed or nothing, aside there is nothing. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildSegment, mutation, TABLE_ID } from '../../commitlog/build-segment.js';
import { temporaryDirectory } from '../../engine/directories.js';
import { LSMCTL, recoverDirectories, runAndKill, tableContents } from '../../killed.js';
import { plainEnvironment } from '../../run-cli.js';

const KILLS = Number(process.env.LSMCTL_KILLS ?? 3);
const TABLE = `t-${TABLE_ID.replaceAll('-', '')}`;
let log = '';

beforeAll(async () => {
  log = temporaryDirectory();
  const value = Uint8Array.from({ length: 300 }, (_, i) => (i * 31) & 255);
  const rows = Array.from({ length: 60_000 }, (_, i) => mutation(Buffer.from(`key ${i}`), value, i + 1));
  const built = await buildSegment({ form: 'plain', id: 1700000000001, sections: [rows], fileBytes: 32 << 20 });
  fs.mkdirSync(path.join(log, 'commitlog'));
  fs.writeFileSync(path.join(log, 'commitlog', built.name), built.bytes);
  fs.writeFileSync(
    path.join(log, 's.cql'),
    `CREATE TABLE ks.t (k blob PRIMARY KEY, v blob) WITH ID = ${TABLE_ID} AND compression = {'enabled': 'false'};`,
  );
});

function node(): { readonly data: string; readonly table: string; readonly args: readonly string[] } {
  const data = path.join(temporaryDirectory(), 'data');
  const table = path.join(data, 'ks', TABLE);
  fs.mkdirSync(table, { recursive: true });
  fs.mkdirSync(path.join(data, 'system_schema'));
  const args = ['commitlog', 'replay', log, '--data', data, '--schema', path.join(log, 's.cql'), '--jobs', '1'];
  return { data, table, args: [...args, '--memtable-mb', '4', '--now', '1700000000'] };
}

describe('commitlog replay', () => {
  it('in place, killed, is done or undone, and can be run again', async () => {
    const whole = node();
    expect(await runAndKill([...whole.args, '--in-place', '--yes'], { afterMillis: 60_000 })).toBe(false);
    const complete = tableContents(whole.table);
    expect(Object.keys(complete).filter((name) => name.endsWith('-Data.db')).length).toBeGreaterThan(2);
    expect(Object.keys(complete).filter((name) => /\.(log|tmp)$/.test(name))).toEqual([]);
    let undone = 0;
    for (let i = 0; i < KILLS; i++) {
      const { table, args } = node();
      const afterMillis = (i * 1500) / KILLS;
      const wasKilled = await runAndKill([...args, '--in-place', '--yes'], { directories: [table], afterMillis });
      recoverDirectories([table]);
      const contents = tableContents(table);
      if (wasKilled && Object.keys(contents).length === 0) undone++;
      else expect(contents).toEqual(complete);
      if (i !== 0) continue;
      expect(await runAndKill([...args, '--in-place', '--yes'], { afterMillis: 60_000 })).toBe(false);
      expect(tableContents(table)).toEqual(complete);
    }
    expect(undone).toBeGreaterThan(0);
  });

  it('aside, interrupted, leaves nothing', async () => {
    const { args, data } = node();
    const output = path.join(path.dirname(data), 'out');
    const child = spawn(process.execPath, [LSMCTL, ...args, '--output', output], {
      env: plainEnvironment(),
      stdio: 'ignore',
    });
    const closed = once(child, 'close');
    let hasBegun = false;
    while (!hasBegun && child.exitCode === null) {
      hasBegun =
        fs.existsSync(path.join(output, 'ks', TABLE)) && fs.readdirSync(path.join(output, 'ks', TABLE)).length > 0;
      await sleep(2);
    }
    child.kill('SIGINT');
    const [, signal] = (await closed) as [number | null, NodeJS.Signals | null];
    expect(hasBegun).toBe(true);
    expect([signal, child.exitCode]).toSatisfy(([by, code]) => by === 'SIGINT' || code === 130);
    expect(fs.existsSync(output)).toBe(false);
  });
});
