import { describe, expect, it } from 'vitest';
import { bytesText, countText, estimateText, shareText } from '../../src/render/bytes.js';
import { jsonDocument, jsonLine, jsonText } from '../../src/render/json.js';
import { tableText } from '../../src/render/table.js';
import { durationText, microsTimeText, secondsTimeText } from '../../src/render/time.js';

describe('sizes', () => {
  it.each([
    [0, '0 B'],
    [1, '1 B'],
    [1023, '1023 B'],
    [1024, '1.00 KiB'],
    [10_230, '9.99 KiB'],
    [10_239, '10.0 KiB'],
    [102_348, '99.9 KiB'],
    [102_399, '100 KiB'],
    [1_048_064, '1.00 MiB'],
    [1_048_063, '1023 KiB'],
    [18_140_365, '17.3 MiB'],
    [2 ** 40, '1.00 TiB'],
    [Number.MAX_SAFE_INTEGER, '8.00 PiB'],
    [-2048, '-2.00 KiB'],
  ])('%i', (bytes, text) => {
    expect(bytesText(bytes)).toBe(text);
  });

  it.each([
    [0, '0'],
    [999, '999'],
    [1000, '1,000'],
    [1234567, '1,234,567'],
    [-1234567, '-1,234,567'],
    [2n ** 63n, '9,223,372,036,854,775,808'],
  ])('count %s', (count, text) => {
    expect(countText(count)).toBe(text);
  });

  it('marks an estimate', () => {
    expect(estimateText(1234.6)).toBe('~1,235');
  });

  it.each([
    [0, '0 %'],
    [1, '100 %'],
    [0.123, '12.3 %'],
    [0.0012, '0.12 %'],
    [0.00001, '0.001 %'],
    [0.9999, '100 %'],
  ])('share %d', (share, text) => {
    expect(shareText(share)).toBe(text);
  });
});

describe('times', () => {
  it.each([
    [0, '1970-01-01T00:00:00Z'],
    [1717243200, '2024-06-01T12:00:00Z'],
    [-1, '1969-12-31T23:59:59Z'],
    [9e15, '9000000000000000 s since 1970'],
  ])('%d s', (seconds, text) => {
    expect(secondsTimeText(seconds)).toBe(text);
  });

  it.each([
    [1717243200123456n, '2024-06-01T12:00:00.123456Z'],
    [-1n, '1969-12-31T23:59:59.999999Z'],
    [-1000000n, '1969-12-31T23:59:59.000000Z'],
    [1n, '1970-01-01T00:00:00.000001Z'],
    [-(2n ** 63n), '-9223372036854775808 µs since 1970'],
  ])('%d µs', (micros, text) => {
    expect(microsTimeText(micros)).toBe(text);
  });

  it.each([
    [0, '0 s'],
    [0.4, '0 s'],
    [59, '59 s'],
    [60, '1 min'],
    [200, '3 min 20 s'],
    [3600, '1 h'],
    [864000, '10 d'],
    [90061, '1 d 1 h'],
    [86460, '1 d'],
    [-61, '-1 min 1 s'],
  ])('%d s long', (seconds, text) => {
    expect(durationText(seconds)).toBe(text);
  });
});

describe('JSON', () => {
  const value = {
    a: [1, 'x"\n', null, true, undefined],
    b: {},
    c: [],
    d: undefined,
    e: { f: [{}] },
    g: Number.NaN,
    '\u2028': 'é',
  };

  it.each([0, 2, 3])('is what JSON.stringify gives, indented by %i', (indent) => {
    expect(jsonText(value, indent)).toBe(JSON.stringify(value, null, indent));
  });

  it('keeps every digit of an integer, and bytes as hex', () => {
    const text = jsonLine({
      min: -(2n ** 63n),
      blob: Buffer.from([0, 255]),
      map: new Map([['k', 1n]]),
      at: new Date(0),
    });
    expect(text).toBe('{"min":-9223372036854775808,"blob":"0x00ff","map":{"k":1},"at":"1970-01-01T00:00:00.000Z"}');
  });

  it('names its schema first', () => {
    expect(Object.keys(jsonDocument('ls', 1, { x: 1 }))).toEqual(['schema', 'version', 'x']);
  });
});

describe('tables', () => {
  const columns = [{ title: 'table' }, { title: 'size', align: 'right' as const }];

  it('stand numbers to the right and end lines without spaces', () => {
    expect(
      tableText(
        columns,
        [
          ['orders', '17.3 MiB'],
          ['x', '9 B'],
          ['y', ''],
        ],
        { indent: 2 },
      ).split('\n'),
    ).toEqual(['  table       size', '  orders  17.3 MiB', '  x            9 B', '  y']);
  });

  it('cut the widest text column to fit, never a number', () => {
    const lines = tableText(columns, [['a_very_long_name_of_a_table', '123456']], { width: 20 }).split('\n');
    expect(lines).toEqual(['table           size', 'a_very_long…  123456']);
  });

  it('colour nothing', () => {
    expect(tableText(columns, [['a', '1']])).not.toContain('\x1b');
  });
});
