import { describe, expect, it } from 'vitest';
import { memorySource } from '../../src/bytes/source.js';
import { decodeDescriptor } from '../../src/commitlog/segment-descriptor.js';
import { NOTHING_PERSISTED, type Persisted } from '../../src/engine/commitlog-persisted.js';
import { takeUnflushed, UnflushedWrites } from '../../src/engine/commitlog-unflushed.js';
import { buildSegment, mutation, oneTable, TABLE_ID } from '../commitlog/build-segment.js';

const EPOCH = 1442880000000000n;
const key = (n: number) => Buffer.from(`key ${n}`);
const row = (n: number, micros: number) => mutation(key(n), Buffer.from('v'), micros);

const build = () =>
  buildSegment({
    form: 'plain',
    sections: [
      [row(1, 50), row(2, 60)],
      [row(1, 40), row(3, 70)],
    ],
  });

async function unflushed(persisted: Persisted, damage?: (bytes: Uint8Array) => void): Promise<UnflushedWrites> {
  const built = await build();
  const bytes = Uint8Array.from(built.bytes);
  damage?.(bytes);
  const segment = { source: memorySource(bytes), descriptor: decodeDescriptor(bytes, built.name), decoder: undefined };
  const writes = new UnflushedWrites();
  const walk = takeUnflushed(segment, oneTable(), persisted, writes);
  while (!walk.next().done);
  return writes;
}

function leastOf(writes: UnflushedWrites, n: number): bigint | undefined {
  const found = writes.table(TABLE_ID)?.leastOf(key(n), key(n).length);
  return found && (BigInt(found.hi) << 32n) + BigInt(found.lo >>> 0) - EPOCH;
}

describe('unflushed writes', () => {
  it('give the least timestamp of each partition', async () => {
    const writes = await unflushed(NOTHING_PERSISTED);
    expect([1, 2, 3, 4].map((n) => leastOf(writes, n))).toEqual([40n, 60n, 70n, undefined]);
    expect(writes.table('00000000-0000-0000-0000-000000000000')).toBeUndefined();
  });

  it('leave out what SSTables hold', async () => {
    const id = 1700000000123n;
    const first = {
      start: { segmentId: id, position: 0 },
      end: { segmentId: id, position: (await build()).entries[1]!.end },
    };
    const persisted = { ...NOTHING_PERSISTED, intervals: new Map([[TABLE_ID, [first]]]) };
    const writes = await unflushed(persisted);
    expect([1, 2, 3].map((n) => leastOf(writes, n))).toEqual([40n, undefined, 70n]);
  });

  it('let nothing go where the log is damaged', async () => {
    const writes = await unflushed(NOTHING_PERSISTED, (bytes) => {
      bytes[60] = bytes[60]! ^ 1;
    });
    expect(writes.table('00000000-0000-0000-0000-000000000000')!.leastOf(key(4), 5)!.hi).toBe(-0x80000000);
  });
});
