import { expect, it } from 'vitest';
import { LongHashMap } from '../../../src/engine/strategies/long-hash-map.js';

const KEYS = [
  102836747391419, 2646789718, 3946266559224, 596796, 16593837352, 11967117296, 1045677372633070, 255123378577, 4824,
  1298777498242, 3134, 682938312504, 22026381489636, 3082233019737989, 242561964451, 5232535122131, 656803469590,
  2877942161, 14689377025484, 25314, 62736949567, 88817676, 1730096416236, 1005009585564, 204080, 2119464395,
  64190400997, 24199546, 7820853223718, 3131, 8608271, 313737536, 55075233, 29244419435749, 107985, 1478421272884,
  759168, 225811, 26100055706748, 118183598657823,
];
/** What java.util.HashMap<Long, Integer>.values() gives after the same steps. */
const JAVA = [
  33, 9, 16, 21, 12, 13, 23, 18, 39, 14, 27, 36, 38, 34, 37, 1, 28, 8, 17, 26, 19, 100, 32, 11, 24, 31, 3, 22, 4, 29, 6,
  101, 2,
];

it('is walked in the order of a HashMap of Java', () => {
  const map = new LongHashMap<number>();
  for (const [i, key] of KEYS.entries()) map.put(key, i);
  for (let i = 0; i < KEYS.length; i += 5) map.remove(KEYS[i]!);
  map.put(KEYS[7]!, 100);
  map.put(KEYS[10]!, 101);
  expect(map.values()).toEqual(JAVA);
  expect(map.find((key) => key === KEYS[7])?.value).toBe(100);
  expect(map.find((key) => key === KEYS[5])).toBeUndefined();
});

it('grows where nine keys meet in one bin', () => {
  const map = new LongHashMap<number>();
  for (let i = 0; i < 10; i++) map.put(i * 2 ** 20, i);
  expect(map.values()).toEqual([0, 2, 4, 6, 8, 1, 3, 5, 7, 9]);
});

it('knows which key is the last of its bin', () => {
  const map = new LongHashMap<number>();
  for (const key of [3, 3 + 2 ** 20, 5]) map.put(key, key);
  expect([3, 3 + 2 ** 20, 5, 6].map((key) => map.isLast(key))).toEqual([false, true, true, false]);
});
