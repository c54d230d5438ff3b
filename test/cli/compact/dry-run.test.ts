/** One rule for all that changes SSTables: what is pending after a plan or a dry run is a finding (exit 1), nothing to do is none (exit 0). */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { wantedTables } from '../../../src/cli/surgery/tables.js';
import { temporaryDirectory } from '../../engine/directories.js';
import { FIXTURES } from '../../fixtures.js';
import { runCli } from '../../run-cli.js';

const DATA = path.join(FIXTURES, 'oa-5.0/data');
const NOW = fs.readFileSync(path.join(FIXTURES, 'oa-5.0/clock'), 'utf8').trim();

function tableOf(name: string): string {
  const keyspace = path.join(DATA, path.dirname(name));
  return path.join(keyspace, fs.readdirSync(keyspace).find((one) => one.startsWith(`${path.basename(name)}-`))!);
}

function copyOf(name: string): string {
  const table = path.join(temporaryDirectory(), 'zoo', path.basename(tableOf(name)));
  fs.cpSync(tableOf(name), table, { recursive: true });
  return table;
}

/** The plan of a table, as it is kept for apply. */
function planOf(...args: string[]): string {
  const file = path.join(temporaryDirectory(), 'plan.json');
  runCli(['compact', 'plan', tableOf('zoo/statics'), '--now', NOW, ...args, '--out', file]);
  return file;
}

/** As a crash before the end of a compaction leaves it. */
function unfinished(): string {
  const table = copyOf('zoo/statics');
  fs.writeFileSync(path.join(table, 'oa-9-big-Data.db.tmp'), 'x');
  return table;
}

const STATICS = tableOf('zoo/statics');

it('tells of hidden tables of indexes in one line, however many there are', () => {
  const lines: string[] = [];
  const { directories } = wantedTables([DATA], {}, (line) => lines.push(line));
  expect(directories.every(({ place }) => place.index === undefined)).toBe(true);
  expect(lines.filter((line) => line.includes('hidden table'))).toHaveLength(1);
});

it.each<[command: string, pending: () => string[], clean: () => string[]]>([
  ['plan', () => [STATICS, '--major'], () => [STATICS, '--now', NOW]],
  ['run', () => [STATICS, '--major', '--dry-run'], () => [STATICS, '--now', NOW, '--dry-run']],
  ['apply', () => [planOf('--major'), '--dry-run'], () => [planOf(), '--dry-run']],
  ['set-repaired', () => [STATICS, '--repaired', '--dry-run'], () => [STATICS, '--unrepaired', '--dry-run']],
  ['recover', () => [unfinished(), '--dry-run'], () => [copyOf('zoo/statics'), '--dry-run']],
])('compact %s', (command, pending, clean) => {
  const found = runCli(['compact', command, ...pending()]);
  expect([found.code, found.code === 1 ? '' : found.stderr]).toEqual([1, '']);
  const none = runCli(['compact', command, ...clean()]);
  expect([none.code, none.code === 0 ? '' : none.stderr]).toEqual([0, '']);
});
