import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CountingStorage, diskStorage, readWhole } from '../../src/bytes/source.js';

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

describe('a file opened with room for all of it', () => {
  const bytes = Buffer.from('0123456789');
  const file = () => path.join(directory, 'ten');
  beforeAll(() => fs.writeFileSync(file(), bytes));

  test.each([1, 9, 10, 11, 64])('of %i bytes: reads as without', (room) => {
    const source = diskStorage.open(file(), new Uint8Array(room).fill(0xff));
    expect(source.size).toBe(10);
    for (const [position, length] of [
      [0, 10],
      [3, 1],
      [3, 4],
      [8, 9],
      [10, 1],
      [12, 3],
    ] as const) {
      // biome-ignore format: pairs
      const target = new Uint8Array(16);
      const n = source.read(position, target, 2, length);
      expect(Buffer.from(target.subarray(2, 2 + n))).toEqual(bytes.subarray(position, position + length));
      expect(target.filter((byte) => byte !== 0).length).toBe(n);
    }
    source.close();
  });

  test('is counted by what is asked for', () => {
    const counting = new CountingStorage();
    const source = counting.open(file(), new Uint8Array(64));
    source.read(4, new Uint8Array(2), 0, 2);
    expect(counting.opened).toEqual(['ten']);
    expect(counting.bytesRead).toBe(2);
  });

  test('is read whole into it', () => {
    const room = new Uint8Array(64);
    const whole = readWhole(diskStorage, file(), 64, room);
    expect(Buffer.from(whole)).toEqual(bytes);
    expect(whole.buffer).toBe(room.buffer);
    expect(Buffer.from(readWhole(diskStorage, file(), 64, new Uint8Array(4)))).toEqual(bytes);
  });

  test('an empty file, a directory and nothing at all are told as without', () => {
    const empty = path.join(directory, 'empty');
    fs.writeFileSync(empty, '');
    expect(diskStorage.open(empty, new Uint8Array(8)).size).toBe(0);
    for (const missing of [directory, path.join(directory, 'nobody')]) {
      const messages = [undefined, new Uint8Array(8)].map((room) => {
        try {
          return diskStorage.open(missing, room).path;
        } catch (error) {
          return (error as Error).message;
        }
      });
      expect(messages[1]).toBe(messages[0]);
      expect(messages[0]).not.toBe(missing);
    }
  });
});
