import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/bytes/errors.js';
import { parseDurationSeconds, parseTimeSeconds } from '../../src/cli/flags.js';

describe('times', () => {
  it.each([
    ['0', 0],
    ['1717200000', 1717200000],
    ['-1', -1],
    ['1970-01-02', 86400],
    ['2024-06-01T00:00:00Z', 1717200000],
    ['2024-06-01t00:00:00z', 1717200000],
    ['2024-06-01 00:00', 1717200000],
    ['2024-06-01T00:00:00', 1717200000],
    ['2024-06-01T02:00:00+02:00', 1717200000],
    ['2024-06-01T02:00:00+0200', 1717200000],
    ['2024-06-01T00:00:00.999Z', 1717200000],
    ['1969-12-31T23:59:59.5Z', -1],
  ])('%s', (text, seconds) => {
    expect(parseTimeSeconds(text, '--now')).toBe(seconds);
  });

  it.each([
    '',
    'now',
    'tomorrow',
    '12.5',
    '2024-13-01',
    '2024-06-01T25:00:00Z',
    '1 June 2024',
    '1e9',
    '9999999999999999',
    '1717200000000',
  ])('refuses %j', (text) => {
    expect(() => parseTimeSeconds(text, '--now')).toThrow(UsageError);
  });
});

describe('durations', () => {
  it.each([
    ['0', 0],
    ['864000', 864000],
    ['45s', 45],
    ['90m', 5400],
    ['36h', 129600],
    ['10d', 864000],
    ['2w', 1209600],
  ])('%s', (text, seconds) => {
    expect(parseDurationSeconds(text, '--gc-grace')).toBe(seconds);
  });

  it.each(['', '-1', '1.5h', 'd', '10 d', '10y'])('refuses %j', (text) => {
    expect(() => parseDurationSeconds(text, '--gc-grace')).toThrow(/--gc-grace is not a duration/);
  });
});
