/**
 * `compact run` in place, killed at random moments: each table then has its old SSTables or its new ones, byte for byte, once it is recovered.
 * LSMCTL_KILLS=200 makes a long run of it, LSMCTL_SEED another one.
 */
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../engine/directories.js';
import { FIXTURES } from '../../fixtures.js';
import { recoverDirectories, runAndKill, tableContents } from '../../killed.js';
import { runCli } from '../../run-cli.js';

const KILLS = Number(process.env.LSMCTL_KILLS ?? 24);
const seed = Number(process.env.LSMCTL_SEED ?? 1);
const TABLES = ['ranges', 'statics', 'user_types', 'collections'];
const FROM = path.join(FIXTURES, 'oa-5.0/data/zoo');
const NOW = fs.readFileSync(path.join(FIXTURES, 'oa-5.0/clock'), 'utf8').trim();

let state = seed;
function random(): number {
  state = (state * 48_271) % 2_147_483_647;
  return state / 2_147_483_647;
}

function copyTables(): { readonly data: string; readonly directories: readonly string[] } {
  const data = temporaryDirectory();
  const directories = TABLES.map((table) => {
    const name = fs.readdirSync(FROM).find((one) => one.startsWith(`${table}-`))!;
    fs.cpSync(path.join(FROM, name), path.join(data, 'zoo', name), { recursive: true });
    return path.join(data, 'zoo', name);
  });
  return { data, directories };
}

const argsFor = (data: string) => ['compact', 'run', data, '--major', '--yes', '--now', NOW, '--gc-grace', '0'];
const dataFiles = (contents: object) => Object.keys(contents).filter((name) => name.endsWith('-Data.db'));

describe('compact run, killed', () => {
  let old: Record<string, string>[];
  let compacted: Record<string, string>[];
  /** From the first log to the end. */
  let windowMillis: number;

  beforeAll(async () => {
    const { data, directories } = copyTables();
    old = directories.map(tableContents);
    let firstLog = 0;
    const watchers = directories.map((directory) =>
      fs.watch(directory, () => {
        firstLog ||= performance.now();
      }),
    );
    expect(await runAndKill(argsFor(data), { afterMillis: 60_000 })).toBe(false);
    windowMillis = performance.now() - firstLog;
    for (const watcher of watchers) watcher.close();
    compacted = directories.map(tableContents);
    for (const [i, contents] of compacted.entries()) {
      expect(dataFiles(contents).length).toBeLessThan(dataFiles(old[i]!).length);
      expect(Object.keys(contents).filter((name) => /\.(log|tmp)$/.test(name))).toEqual([]);
    }
  });

  it('has the old SSTables or the new of each table', { timeout: 60_000 + KILLS * 10_000 }, async () => {
    const seen = { runs: 0, killed: 0, old: 0, new: 0, logs: 0 };
    while (seen.killed < KILLS && seen.runs < 3 * KILLS) {
      const { data, directories } = copyTables();
      const wasKilled = await runAndKill(argsFor(data), { directories, afterMillis: random() * windowMillis });
      // machines are faster and slower from one moment to the next
      windowMillis *= wasKilled ? 1.1 : 0.6;
      seen.runs++;
      if (wasKilled) seen.killed++;
      const tables = seen.killed % 8 === 1 ? recoverByCommand(data) : recoverDirectories(directories);
      expect(tables.filter(({ isRefused }) => isRefused)).toEqual([]);
      seen.logs += tables.filter(({ logs }) => logs.length > 0).length;
      for (const [t, directory] of directories.entries()) {
        const contents = tableContents(directory);
        const isOld = dataFiles(old[t]!).every((name) => name in contents);
        expect(contents, `run ${seen.runs}, seed ${seed}: ${directory}`).toEqual(isOld ? old[t] : compacted[t]);
        seen[isOld ? 'old' : 'new']++;
      }
      fs.rmSync(data, { recursive: true });
    }
    if (process.env.LSMCTL_KILLS) console.log(JSON.stringify({ ...seen, windowMillis, seed }));
    expect(seen.killed).toBe(KILLS);
    expect(seen.logs).toBeGreaterThan(KILLS / 4);
    expect(Math.min(seen.old, seen.new)).toBeGreaterThan(KILLS / 4);
  });
});

type Recovered = { readonly isRefused: boolean; readonly logs: readonly object[] };

function recoverByCommand(data: string): readonly Recovered[] {
  const { code, stdout, stderr } = runCli(['compact', 'recover', data, '--yes', '--json']);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return (JSON.parse(stdout) as { tables: Recovered[] }).tables;
}
