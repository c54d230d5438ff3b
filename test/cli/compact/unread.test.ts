/** A table with an SSTable of a version that is not read: what it holds may need the tombstones of the others. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { RefusedError } from '../../../src/bytes/errors.js';
import { planTables } from '../../../src/cli/compact/plan.js';
import { type RunFlags, runCompactions } from '../../../src/cli/compact/run.js';
import { runSplit } from '../../../src/cli/surgery/split.js';
import { temporaryDirectory } from '../../engine/directories.js';
import { FIXTURES } from '../../fixtures.js';

const ZOO = path.join(FIXTURES, 'oa-5.0/data/zoo');
const NOW = Number(fs.readFileSync(path.join(FIXTURES, 'oa-5.0/clock'), 'utf8'));
const FLAGS: RunFlags = { now: NOW, strategy: 'stcs', 'gc-grace': 0, major: true, 'dry-run': false, yes: true, 'drop-indexes': false }; // biome-ignore format: one line
const STAGE = { show: () => {}, tell: () => {}, quiet: true };
const LEFT_OUT = /^SSTable version 'pa' .*: it is left out, and what the table holds is not known without it$/;

function tableWithNewer(): string {
  const name = fs.readdirSync(ZOO).find((one) => one.startsWith('statics-'))!;
  const table = path.join(temporaryDirectory(), name);
  fs.cpSync(path.join(ZOO, name), table, { recursive: true });
  for (const file of fs.readdirSync(table).filter((one) => one.startsWith('oa-1-')))
    fs.copyFileSync(path.join(table, file), path.join(table, file.replace('oa-1-', 'pa-9-')));
  return table;
}

it('is planned and tried without it, which is told', async () => {
  const table = tableWithNewer();
  const expected = [
    { kind: 'unsupported', path: path.join(table, 'pa-9-big'), message: expect.stringMatching(LEFT_OUT) },
  ];
  expect((await planTables([table], FLAGS, () => {})).problems).toMatchObject(expected);
  expect((await runCompactions([table], { ...FLAGS, 'dry-run': true }, STAGE)).problems).toMatchObject(expected);
});

it('is refused in place and aside, but not where nothing is purged', async () => {
  const table = tableWithNewer();
  const before = fs.readdirSync(table);
  const output = path.join(temporaryDirectory(), 'out');
  for (const more of [{}, { output }]) {
    const error = await runCompactions([table], { ...FLAGS, ...more }, STAGE).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RefusedError);
    expect((error as RefusedError).message).toMatch(/^SSTable version 'pa' .*what the table holds is not known/);
  }
  expect(fs.existsSync(output)).toBe(false);
  expect(fs.readdirSync(table)).toEqual(before);
  const stage = { show: () => {}, tell: () => {}, width: 80, isQuiet: true };
  const split = { ...FLAGS, output, size: 1, 'no-snapshot': true };
  expect((await runSplit([table], split, stage)).exitCode).toBe(0);
});
