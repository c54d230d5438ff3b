import fc from 'fast-check';
import { expect, it } from 'vitest';
import { byFallingSize, bySize, smallest } from '../../../src/engine/strategies/by-size.js';

const sizes = fc.array(fc.oneof(fc.nat(5), fc.nat(2 ** 31), fc.constant(2 ** 52)), { maxLength: 200 });
const sized = sizes.map((all) => all.map((onDiskBytes, place) => ({ onDiskBytes, place })));

it('sorts as by a function, of one size in the order given', () => {
  fc.assert(
    fc.property(sized, (all) => {
      expect(bySize(all)).toEqual(all.toSorted((a, b) => a.onDiskBytes - b.onDiskBytes));
      expect(byFallingSize(all)).toEqual(all.toSorted((a, b) => b.onDiskBytes - a.onDiskBytes));
    }),
  );
});

it('finds the smallest as sorting does, few or many', () => {
  fc.assert(
    fc.property(sized, fc.oneof(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 100 })), (all, most) => {
      expect(smallest(all, most)).toEqual(bySize(all).slice(0, most));
    }),
  );
});
