import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { diskStorage } from '../../src/bytes/source.js';

let directory: string;
beforeAll(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'lsmctl-source-'));
});
afterAll(() => fs.rmSync(directory, { recursive: true }));

const times: [seconds: string, millis: number][] = [
  ['1717243200.123', 1717243200123],
  ['1717243200.123999', 1717243200123],
  ['1717243200.1239999', 1717243200123],
  ['1717243200.123999999', 1717243200123],
  ['1717243200', 1717243200000],
  ['-1.0005', -1001],
];

test.each(times)('a file changed at %s: the millisecond in which that was, never the next', (seconds, millis) => {
  const file = path.join(directory, seconds);
  // fs.utimes takes a double, which has no room for nanoseconds
  execFileSync('touch', ['-d', `@${seconds}`, file]);
  expect(diskStorage.stat(file)!.mtimeMillis).toBe(millis);
});
