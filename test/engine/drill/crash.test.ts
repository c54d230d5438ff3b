import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/bytes/errors.js';
import {
  type CrashRequest,
  parseDrop,
  parseFlip,
  parseTear,
  resolveDamage,
  seededRandom,
  type UsedSegment,
} from '../../../src/engine/drill/crash.js';

const segment = (id: number, usedBytes: number, mutations = 1): UsedSegment => ({
  file: { file: `/log/CommitLog-8-${id}.log`, id, version: 8, bytes: 1000 },
  usedBytes,
  mutations,
});
const LOG = [segment(5, 300), segment(6, 700), segment(7, 20, 0)];

describe('what is asked for', () => {
  it.each<[string, CrashRequest]>([
    ['random', { kind: 'tear-at', segment: 'random', offset: 'random' }],
    ['last:12', { kind: 'tear-at', segment: 'last', offset: 12 }],
    ['5:random', { kind: 'tear-at', segment: { id: 5 }, offset: 'random' }],
    ['CommitLog-8-1795225886036.log:7', { kind: 'tear-at', segment: { id: 1795225886036 }, offset: 7 }],
  ])('--tear-at %s', (text, request) => expect(parseTear(text)).toEqual(request));

  it('--drop-segment and --flip', () => {
    expect(parseDrop('all')).toEqual({ kind: 'drop-segment', segment: 'all' });
    expect(parseDrop('CommitLog-7-12.log')).toEqual({ kind: 'drop-segment', segment: { id: 12 } });
    expect(parseFlip('first:9')).toEqual({ kind: 'flip', segment: 'first', bit: 9 });
  });

  it.each(['', '5', ':3', '5:', '5:-1', '5:x', 'middle:3', 'all:3', '../5:1'])('--flip %s is refused', (text) => {
    expect(() => parseFlip(text)).toThrow(UsageError);
  });

  it.each(['', 'some', '5:3', 'a.log'])('--drop-segment %s is refused', (text) => {
    expect(() => parseDrop(text)).toThrow(UsageError);
  });
});

describe('where it falls', () => {
  const damage = (requests: readonly CrashRequest[], seed = 1) => resolveDamage(requests, LOG, seededRandom(seed));

  it('is told of names and ends', () => {
    expect(damage([parseTear('last:12'), parseFlip('first:8'), parseDrop('7')])).toEqual([
      { kind: 'tear-at', segment: LOG[1]!.file, offset: 12 },
      { kind: 'flip', segment: LOG[0]!.file, bit: 8 },
      { kind: 'drop-segment', segment: LOG[2]!.file },
    ]);
    expect(damage([parseDrop('all')])).toHaveLength(3);
  });

  it('is in what holds something when it is random, and the same for the same seed', () => {
    const counts = new Map<number, number>();
    for (let seed = 0; seed < 600; seed++) {
      const [tear, flip] = damage([parseTear('random'), parseFlip('random')], seed);
      if (tear?.kind !== 'tear-at' || flip?.kind !== 'flip') throw new Error('other damage');
      const used = LOG.find(({ file }) => file.id === tear.segment.id)!.usedBytes;
      expect(tear.offset).toBeLessThan(used);
      expect(Math.floor(flip.bit / 8)).toBeLessThan(LOG.find(({ file }) => file.id === flip.segment.id)!.usedBytes);
      counts.set(tear.segment.id, (counts.get(tear.segment.id) ?? 0) + 1);
      expect(damage([parseTear('random'), parseFlip('random')], seed)).toEqual([tear, flip]);
    }
    expect(counts.get(7)).toBeUndefined();
    expect(counts.get(6)! / counts.get(5)!).toBeGreaterThan(1.5); // 700 to 300
  });

  it('is refused where it can not be', () => {
    expect(() => damage([parseDrop('9')])).toThrow(/no such segment/);
    expect(() => damage([parseTear('5:1001')])).toThrow(/beyond the end/);
    expect(() => damage([parseFlip('5:8000')])).toThrow(/beyond the end/);
    expect(() => resolveDamage([parseFlip('random')], [LOG[2]!], seededRandom(1))).toThrow(/nothing that could/);
  });
});
