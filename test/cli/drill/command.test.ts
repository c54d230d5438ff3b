/** `lsmctl drill` as its users run it: exit codes, what is printed, the files that it writes. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { drill } from '../../../src/cli/drill/drill.js';
import { parseSeconds } from '../../../src/cli/drill/request.js';
import { drillJson } from '../../../src/render/drill-json.js';
import { jsonText } from '../../../src/render/json.js';
import { runCli } from '../../run-cli.js';
import { drillFlags, fingerprint, makeLog } from './made-node.js';

let dir = '';
beforeEach(() => {
  dir = fs.mkdtempSync(path.join(tmpdir(), 'lsmctl-drill-<&>-'));
});
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

const quiet = { notice() {}, isQuiet: true };

describe('lsmctl drill', () => {
  it('ends with 0 for PASS, 1 for FAIL, 2 for what can not be asked', async () => {
    await makeLog(dir, [3]);
    const run = (...args: string[]) => runCli(['drill', '--schema', path.join(dir, 'schema.cql'), ...args]);
    const passed = run('--lose-last', '1s', '--max-loss', '10', dir);
    expect([passed.code, passed.stderr]).toEqual([0, '']);
    expect(passed.stdout).toMatch(/\nPASS\n$/);
    const failed = run('--lose-last', '1s', '--max-loss', '500ms', '--json', dir);
    expect(failed.code).toBe(1);
    expect(JSON.parse(failed.stdout)).toMatchObject({
      schema: 'lsmctl.drill',
      version: 1,
      verdict: 'FAIL',
      limits: [{ flag: 'max-loss', unit: 'seconds', limit: 0.5, kept: false }],
      loss: { writes: 10, keys: 10, tables: 1, answers: { gone: 9, older: 1, back: 0 } },
    });
    for (const args of [['--flip', '5', dir], ['--tear-at', '77:1', dir], [path.join(dir, 'none')], []]) {
      expect(run(...args).code).toBe(2);
    }
  });

  it('writes a page, and each lost write', async () => {
    await makeLog(dir, [3]);
    const [html, lost] = [path.join(dir, 'drill.html'), path.join(dir, 'lost')];
    const report = await drill(dir, { ...drillFlags(dir, { 'lose-last': '650ms' }), html, lost }, quiet);
    const lines = fs.readFileSync(lost, 'utf8').trim().split('\n').map((line) => JSON.parse(line)); // biome-ignore format: one line
    expect(lines).toHaveLength(7);
    expect(lines[0]).toMatchObject({
      updates: [{ keyspace: 'ks', table: 't', key: Buffer.from('k23').toString('hex') }],
    });
    const page = fs.readFileSync(html, 'utf8');
    expect(page).toMatch(/^<!doctype html>[\s\S]*<\/html>\n$/);
    expect(page).toContain('lsmctl-drill-&lt;&amp;&gt;-');
    expect(page).not.toMatch(/<script|https?:|lsmctl-drill-<&>/);
    const opened = page.match(/<(section|div|table|svg|ul|header)\b/g)!.length;
    expect(page.match(/<\/(section|div|table|svg|ul|header)>/g)).toHaveLength(opened);
    expect(JSON.parse(jsonText(drillJson(report)))).toMatchObject({
      tables: [
        {
          keyspace: 'ks',
          table: 't',
          writes: 7,
          firstKeys: expect.arrayContaining([Buffer.from('k23').toString('hex')]),
        },
      ],
      recovery: { phases: ['copy', 'open', 'replay', 'verify'].map((name) => ({ name })) },
    });
  });

  it.skipIf(!isOtherFileSystem('/dev/shm'))('copies across file systems', async () => {
    await makeLog(dir, [3]);
    const before = fingerprint(dir);
    const report = await drill(dir, drillFlags(dir, { flip: ['random'], work: '/dev/shm' }), quiet);
    expect(report.base).toMatchObject({ linkedFiles: 0, copiedFiles: 1 });
    expect(fingerprint(dir)).toBe(before);
  });

  it('reads times', () => {
    expect(['10', '10s', '1.5s', '500ms', '5m', '2h', '1d'].map((text) => parseSeconds(text, '--x'))).toEqual([
      10, 10, 1.5, 0.5, 300, 7200, 86400,
    ]);
    for (const text of ['', 's', '-1s', '1w', '1 s', '1e3']) expect(() => parseSeconds(text, '--x')).toThrow(/--x/);
  });
});

function isOtherFileSystem(other: string): boolean {
  const device = fs.statSync(other, { throwIfNoEntry: false })?.dev;
  return device !== undefined && device !== fs.statSync(tmpdir()).dev;
}
