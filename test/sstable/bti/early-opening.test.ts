import { describe, expect, it } from 'vitest';
import { EarlyOpening } from '../../../src/sstable/bti/early-opening.js';

const CHUNK = 16384;
const BUFFER = 65536;
const INTERVAL = 1_000_000;

/** Waiting for data up to 1,500,000, rows up to 100 and partitions up to 3,000. */
function waiting(): EarlyOpening {
  const early = new EarlyOpening({ intervalBytes: INTERVAL, dataBufferBytes: CHUNK });
  expect(early.begins(1_500_000, 100, 3000, 40)).toBe(true);
  return early;
}

/** The least position of data at which the next opening begins. */
function nextAfter(early: EarlyOpening): number | undefined {
  for (let data = 1_500_000; data < 6_000_000; data++) if (early.begins(data, 0, 0, 1e9)) return data;
  return undefined;
}

describe('early opening', () => {
  it('begins past the interval, once there are keys', () => {
    const early = new EarlyOpening({ intervalBytes: INTERVAL, dataBufferBytes: CHUNK });
    expect(early.begins(INTERVAL, 0, 0, 5)).toBe(false);
    expect(early.begins(INTERVAL + 1, 0, 0, 0)).toBe(false);
    expect(early.begins(INTERVAL + 1, 0, 0, 1)).toBe(true);
    expect(early.begins(9 * INTERVAL, 0, 0, 2)).toBe(false);
  });

  it('waits for all three files', () => {
    const early = waiting();
    early.dataAt(3_000_000);
    early.rowsAt(BUFFER + 1, 3_000_000);
    expect(nextAfter(early)).toBeUndefined();
    early.partitionsAt(BUFFER, 3_000_000);
    expect(nextAfter(early)).toBeUndefined();
  });

  it('counts from where the data was when a buffer of an index was written', () => {
    const early = waiting();
    early.dataAt(3_000_000);
    early.rowsAt(BUFFER + 1, 3_000_000);
    early.partitionsAt(BUFFER + 1, 3_100_000);
    expect(nextAfter(early)).toBe(3_100_000 + INTERVAL + 1);
  });

  it('counts from the end of the chunk that completes the data', () => {
    const early = waiting();
    early.partitionsAt(BUFFER + 1, 1_500_100);
    early.rowsAt(BUFFER + 1, 1_500_200);
    const chunkEnd = Math.ceil(1_500_000 / CHUNK) * CHUNK;
    early.dataAt(chunkEnd);
    expect(nextAfter(early)).toBeUndefined();
    early.dataAt(3_000_000);
    expect(nextAfter(early)).toBe(chunkEnd + INTERVAL + 1);
  });

  it('has nothing to wait for in an empty file', () => {
    const early = new EarlyOpening({ intervalBytes: INTERVAL, dataBufferBytes: CHUNK });
    expect(early.begins(1_500_000, 0, 3000, 1)).toBe(true);
    early.dataAt(2_000_000);
    early.partitionsAt(BUFFER + 1, 2_000_000);
    expect(nextAfter(early)).toBe(2_000_000 + INTERVAL + 1);
  });
});
