import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../engine/directories.js';
import { FIXTURES } from '../../fixtures.js';
import { runCli } from '../../run-cli.js';

const DATA = path.join(FIXTURES, 'oa-5.0/data');
const NOW = fs.readFileSync(path.join(FIXTURES, 'oa-5.0/clock'), 'utf8').trim();

type Task = { inputs: string[]; outputs: { file: string; dataBytes: number; level: number }[] };
type Totals = Record<'inputs' | 'outputs' | 'outputBytes' | 'overwrittenBytes' | 'deletedBytes', number>;

function directoryOf(name: string): string {
  const keyspace = path.join(DATA, path.dirname(name));
  return path.join(keyspace, fs.readdirSync(keyspace).find((one) => one.startsWith(`${path.basename(name)}-`))!);
}

function collect(table: string, ...args: string[]): Totals & { readonly tasks: Task[] } {
  const { code, stdout, stderr } = runCli(['compact', 'run', directoryOf(table), '--now', NOW, '--json', ...args]);
  expect(code, stderr).toBe(args.includes('--dry-run') ? 1 : 0);
  return (JSON.parse(stdout) as { tables: (Totals & { tasks: Task[] })[] }).tables[0]!;
}

describe('compact run --garbage-collect', () => {
  it.each(['shop/carts', 'shop/inventory', 'zoo/statics', 'zoo/counters'])('%s', (table) => {
    const row = collect(table, '--garbage-collect', 'row', '--dry-run');
    const output = temporaryDirectory();
    const dry = collect(table, '--garbage-collect', 'cell', '--dry-run');
    const real = collect(table, '--garbage-collect', 'cell', '--output', output);
    expect(real.tasks.map(({ inputs }) => inputs.length)).toEqual(real.tasks.map(() => 1));
    expect(real.tasks.every(({ outputs }) => outputs.length <= 1)).toBe(true);
    expect(real.outputs).toBe(real.inputs);
    expect(dry.outputBytes).toBe(real.outputBytes);
    const written = real.tasks.flatMap(({ outputs }) => outputs.map(({ file }) => fs.statSync(file).size));
    expect(written.reduce((sum, size) => sum + size, 0)).toBe(real.outputBytes);
    expect(real.outputBytes).toBeLessThan(row.outputBytes);
    expect(real.overwrittenBytes).toBeGreaterThan(0);
    expect(row.overwrittenBytes).toBe(0);
  });

  it('leaves what a major compaction of all leaves: what is hidden is gone from it anyway', () => {
    for (const level of ['row', 'cell']) {
      const output = temporaryDirectory();
      const again = temporaryDirectory();
      const whole = temporaryDirectory();
      collect('shop/carts', '--garbage-collect', level, '--output', output);
      const schema = path.join(temporaryDirectory(), 'schema.cql');
      fs.writeFileSync(schema, runCli(['schema', DATA]).stdout);
      const { code, stderr } = runCli([
        'compact',
        'run',
        output,
        '--schema',
        schema,
        '--now',
        NOW,
        '--major',
        '-o',
        again,
      ]);
      expect(code, stderr).toBe(0);
      collect('shop/carts', '--major', '--output', whole);
      expect(dump(again)).toEqual(dump(whole));
    }
  });

  it.each<[name: string, args: string[], message: RegExp]>([
    ['it and --major', ['--major', '--garbage-collect', 'row'], /only one of these .*--major and --garbage-collect/],
    ['another level', ['--garbage-collect', 'rows'], /--garbage-collect=rows to be one of: row, cell/],
    ['it alone', ['--garbage-collect'], /--garbage-collect/],
  ])('refuses %s', (_, args, message) => {
    const { code, stdout, stderr } = runCli(['compact', 'run', directoryOf('zoo/statics'), '--dry-run', ...args]);
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([2, '']);
  });
});

/** Rows of the SSTables below a directory, without their places in the files. */
function dump(directory: string): string[] {
  const { code, stdout, stderr } = runCli(['dump', directory, '--now', NOW]);
  expect(code, stderr).toBe(0);
  return stdout.replaceAll(/"position" : \d+/g, '').split('\n');
}
