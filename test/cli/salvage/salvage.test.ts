/** `lsmctl salvage` as its users meet it. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EXIT } from '../../../src/cli/exit.js';
import { type SalvageFlags, salvagePaths } from '../../../src/cli/salvage/run.js';
import { salvageText } from '../../../src/render/salvage.js';
import { FIXTURES } from '../../fixtures.js';

const FLAGS: SalvageFlags = { 'dry-run': false, unchecked: false, now: 1_795_000_000 };
const tell = () => {};
let root = '';

beforeAll(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'lsmctl-salvage-'));
});
afterAll(() => fs.rmSync(root, { recursive: true }));

function copy(name: string, table: string): string {
  const zoo = path.join(FIXTURES, 'oa-5.0/data/zoo');
  const directory = fs.readdirSync(zoo).find((found) => found.startsWith(`${table}-`))!;
  const target = path.join(root, name, 'zoo', directory);
  fs.cpSync(path.join(zoo, directory), target, { recursive: true });
  return target;
}

function flip(file: string, offset: number): void {
  const bytes = fs.readFileSync(file);
  bytes[offset]! ^= 0x20;
  fs.writeFileSync(file, bytes);
}

function contentOf(directory: string): Map<string, string> {
  const names = fs.readdirSync(directory, { recursive: true, encoding: 'utf8' }) as string[];
  const files = names.filter((name) => fs.statSync(path.join(directory, name)).isFile());
  return new Map(files.map((name) => [name, fs.readFileSync(path.join(directory, name), 'latin1')]));
}

test('keeps what is behind a damaged chunk, says what is lost, and leaves the input alone', async () => {
  const input = copy('input', 'wide');
  flip(path.join(input, 'oa-1-big-Data.db'), 1000);
  const before = contentOf(input);
  const output = path.join(root, 'output');
  const { reports, failures } = await salvagePaths([input], { ...FLAGS, output }, tell, true);
  expect(failures.exitCode).toBe(EXIT.findings);
  expect(contentOf(input)).toEqual(before);
  expect(reports.map(({ kept, losses }) => [kept.rows > 0, losses.length > 0])).toEqual([[true, true], [true, false]]); // biome-ignore format: rows
  const written = path.join(output, 'zoo', path.basename(input));
  expect(fs.readdirSync(written).filter((name) => name.endsWith('-Data.db'))).toEqual(['oa-1-big-Data.db', 'oa-2-big-Data.db']); // biome-ignore format: names
  expect(fs.readdirSync(written).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  const text = salvageText(reports, false);
  expect(text).toMatch(/lost: rows of partition 1, from its beginning, before \(.*\)/);
  expect(text).toContain('because: Data.db, chunk 0, offset 0: chunk checksum differs');
  await expect(salvagePaths([input], { ...FLAGS, output }, tell, true)).rejects.toThrow(
    /has files of SSTables already/,
  );
});

test('--dry-run tells the same and writes nothing', async () => {
  const input = copy('dry', 'wide');
  flip(path.join(input, 'oa-1-big-Data.db'), 1000);
  const { reports } = await salvagePaths([input], { ...FLAGS, 'dry-run': true }, tell, true);
  expect(reports[0]!.losses.length).toBeGreaterThan(0);
  expect(fs.readdirSync(path.join(root, 'dry'))).toEqual(['zoo']);
});

test('an SSTable whose header is lost is refused, and the others are kept', async () => {
  const input = copy('header', 'wide');
  fs.truncateSync(path.join(input, 'oa-1-big-Statistics.db'), 200);
  const output = path.join(root, 'header-output');
  const { reports, failures } = await salvagePaths([input], { ...FLAGS, output }, tell, true);
  expect(failures.exitCode).toBe(EXIT.corrupt);
  expect(reports.map(({ source }) => path.basename(source))).toEqual(['oa-2-big']);
});

test('what no checksum covers is kept where that is asked for', async () => {
  const input = copy('unchecked', 'c_none');
  for (const name of fs.readdirSync(input)) if (/CRC\.db|Digest/.test(name)) fs.rmSync(path.join(input, name));
  const first = await salvagePaths([input], { ...FLAGS, 'dry-run': true }, tell, true);
  expect(first.failures.exitCode).toBe(EXIT.corrupt);
  const { reports, failures } = await salvagePaths([input], { ...FLAGS, 'dry-run': true, unchecked: true }, tell, true);
  expect(failures.exitCode).toBe(EXIT.clean);
  expect(reports[0]!.kept.rows).toBeGreaterThan(0);
});

test('without --output', async () => {
  await expect(salvagePaths([copy('nowhere', 'wide')], FLAGS, tell, true)).rejects.toThrow(
    /where to write is not said/,
  );
});
