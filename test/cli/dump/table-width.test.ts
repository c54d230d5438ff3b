/** `dump --format table` fits the terminal; elsewhere nothing is cut. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { terminalWidth } from '../../../src/cli/output.js';
import { temporaryDirectory } from '../../engine/directories.js';
import { fixtureSSTables } from '../../fixtures.js';
import { plainEnvironment, ROOT, runCli } from '../../run-cli.js';

const ORDERS = fixtureSSTables().find(({ name }) => /oa-5\.0\/data\/shop\/orders_by_id-.*\/oa-1-/.test(name))!.file;
/** Its rows are some 200 characters wide. */
const WIDE = fixtureSSTables().find(({ name }) => /oa-5\.0\/data\/zoo\/wide_text-/.test(name))!.file;
const ARGS = ['dump', '--format', 'table', '--limit', '5'];

/** Lines as a terminal of so many columns gets them. */
function onTerminal(columns: number, ...args: string[]): string[] {
  const quoted = [process.execPath, path.join(ROOT, 'bin/run.js'), ...ARGS, ...args].map((word) => `'${word}'`);
  const command = `stty cols ${columns}; ${quoted.join(' ')}`;
  const done = spawnSync('script', ['-qec', command, '/dev/null'], { encoding: 'utf8', env: plainEnvironment() });
  expect(done.status).toBe(0);
  return done.stdout.split(/\r?\n/);
}

describe.skipIf(spawnSync('script', ['--version']).error !== undefined)('on a terminal', () => {
  it('is a table where its columns fit', () => {
    const lines = onTerminal(180, ORDERS);
    expect(lines[2]).toMatch(/^order_id +amount +created_at +description +status +user_id +written$/);
  });

  it('is a block a row where they do not', () => {
    expect(onTerminal(80, ORDERS)[2]).toMatch(/^order_id = [0-9a-f-]{36}$/);
  });

  it.each([60, 100, 150])('is not wider than %i columns', (columns) => {
    const lines = onTerminal(columns, WIDE).slice(1);
    const widest = Math.max(...lines.map((line) => line.length));
    expect(widest).toBeLessThanOrEqual(columns);
    expect(lines.join('\n')).toContain('…');
  });
});

describe('without a terminal', () => {
  it('is a table, however wide, and no value is cut', () => {
    const { stdout } = runCli([...ARGS, WIDE]);
    expect(stdout).not.toContain('…');
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeGreaterThan(190);
    expect(runCli([...ARGS, ORDERS]).stdout).toMatch(/\norder_id +amount .* written\n/);
  });

  it('nor is one in a file', () => {
    const file = path.join(temporaryDirectory(), 'out');
    runCli([...ARGS, WIDE, '--output', file]);
    expect(fs.readFileSync(file, 'utf8')).toBe(runCli([...ARGS, WIDE]).stdout);
    expect(terminalWidth(file)).toBe(Number.POSITIVE_INFINITY);
  });
});
