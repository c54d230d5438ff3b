import { expect, it } from 'vitest';
import { fullyExpiredSSTables } from '../../../src/engine/compaction/fully-expired.js';
import type { ExpiryFacts } from '../../../src/engine/compaction/sstable-facts.js';

const GC_BEFORE = 1000;

/** Timestamps from `min` to `max`; the last of it dies at `dies`. */
const one = (min: number, max: number, dies = Number.POSITIVE_INFINITY, repairedAtMillis = 0): ExpiryFacts => ({
  minTimestampMicros: BigInt(min),
  maxTimestampMicros: BigInt(max),
  maxLocalDeletionSeconds: dies,
  repairedAtMillis,
});

const old = one(1, 10, 999);
const later = one(11, 20, 999);

it.each([
  ['nothing lives: all go', [old, later], [], {}, [old, later]],
  ['what lives is younger', [old, one(11, 20)], [], {}, [old]],
  ['what lives is as old', [old, one(10, 20)], [], {}, []],
  ['one of two is older than what lives', [old, later, one(15, 30)], [], {}, [old]],
  ['not before the time, but at it', [one(1, 10, 1000)], [], {}, []],
  ['something else lives and is as old', [old], [one(5, 6)], {}, []],
  ['something else is expired as well', [old], [one(5, 6, 10)], {}, [old]],
  ['what is not in an SSTable yet is as old', [old], [], { unflushedMinTimestampMicros: 10n }, []],
  ['what is not in an SSTable yet is younger', [old], [], { unflushedMinTimestampMicros: 11n }, [old]],
  ['whatever lives', [old, one(1, 20)], [one(5, 6)], { ignoresOverlaps: true }, [old]],
  ['not repaired', [old], [], { onlyPurgeRepairedTombstones: true }, []],
  ['one not repaired', [one(1, 10, 999, 5), old], [], { onlyPurgeRepairedTombstones: true }, []],
])('%s', (_what, compacting, overlapping, options, expected) => {
  expect(fullyExpiredSSTables(compacting, overlapping, { gcBeforeSeconds: GC_BEFORE, ...options })).toEqual(expected);
});

it('what was written at the last of all times stays: nothing is later', () => {
  const last = { ...old, maxTimestampMicros: 2n ** 63n - 1n };
  expect(fullyExpiredSSTables([old, last], [], { gcBeforeSeconds: GC_BEFORE })).toEqual([old]);
});

it('repaired ones go', () => {
  const repaired = one(1, 10, 999, 5);
  const options = { gcBeforeSeconds: GC_BEFORE, onlyPurgeRepairedTombstones: true };
  expect(fullyExpiredSSTables([repaired], [], options)).toEqual([repaired]);
});
