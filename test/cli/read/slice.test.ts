/** `--slice` as bounds of clusterings. */
import { describe, expect, it } from 'vitest';
import { parseSlice } from '../../../src/cli/read/slice.js';
import type { CqlType } from '../../../src/cql/type.js';

const INT: CqlType = { kind: 'native', name: 'int' };
const TEXT: CqlType = { kind: 'native', name: 'text' };
const DOWN: CqlType = { kind: 'reversed', of: INT };

function shown(text: string, types: readonly CqlType[]): string {
  const { start, end, isName } = parseSlice(text, types);
  const prefix = ({ kind, values }: typeof start) =>
    `${kind}(${values.map((value) => Buffer.from(value!).toString('hex')).join(',')})`;
  return `${prefix(start)} ${prefix(end)}${isName ? ' name' : ''}`;
}

describe('--slice', () => {
  it.each([
    ['1, a', [INT, TEXT], 'INCL_START_BOUND(00000001,61) INCL_END_BOUND(00000001,61) name'],
    ['1', [INT, TEXT], 'INCL_START_BOUND(00000001) INCL_END_BOUND(00000001)'],
    ['>=1', [INT, TEXT], 'INCL_START_BOUND(00000001) INCL_END_BOUND()'],
    ['>1, <=3', [INT], 'EXCL_START_BOUND(00000001) INCL_END_BOUND(00000003)'],
    ['1, <b', [INT, TEXT], 'INCL_START_BOUND(00000001) EXCL_END_BOUND(00000001,62)'],
    ["1, >='a,b'", [INT, TEXT], 'INCL_START_BOUND(00000001,612c62) INCL_END_BOUND(00000001)'],
    ['>1', [DOWN], 'INCL_START_BOUND() EXCL_END_BOUND(00000001)'],
    ['>=1, <3', [DOWN], 'EXCL_START_BOUND(00000003) INCL_END_BOUND(00000001)'],
  ] as const)('%s', (text, types, expected) => {
    expect(shown(text, types)).toBe(expected);
  });

  it.each([
    ['>1, >2', [INT], 'two bounds on one side'],
    ['>1, 2', [INT, INT], 'a value after a bound'],
    ['1, 2', [INT], 'more values'],
    ['>x', [INT], 'not a value'],
  ] as const)('refuses %s', (text, types, message) => {
    expect(() => parseSlice(text, types)).toThrow(message);
  });
});
