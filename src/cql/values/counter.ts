/**
 * The value of a counter cell: a context of shards, one per node that ever took an increment.
 *
 *   i16 n | |n| × i16 index | shards × (16 bytes counter id | i64 clock | i64 count)
 *
 * Each index names a shard of the body that is not remote: index + 32768 when negative is a global shard (since 2.1, the only kind that is
 * written today), else a local one (2.0). A negative n marked contexts whose local shards were to be cleared. The counter is the sum of counts.
 */
import { Cursor } from '../../bytes/cursor.js';
import { CorruptError } from '../../bytes/errors.js';
import { ByteWriter } from '../../bytes/writer.js';
import { writeUuid } from './text.js';
import { badValue } from './value-writer.js';

export type CounterShard = {
  readonly id: string;
  readonly clock: bigint;
  readonly count: bigint;
  readonly kind: 'global' | 'local' | 'remote';
};

export type CounterContext = { readonly shards: readonly CounterShard[]; readonly total: bigint };

const SHARD_BYTES = 32;

/** @throws CorruptError */
export function decodeCounterContext(bytes: Uint8Array, start = 0, end = bytes.length): CounterContext {
  const cursor = new Cursor(bytes, {}, start, end);
  let header: number[];
  try {
    header = Array.from({ length: Math.abs(cursor.i16()) }, () => cursor.i16());
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error;
    throw badValue('counter', 'a counter context', bytes, start, end, 'ends in its header');
  }
  if (cursor.left % SHARD_BYTES !== 0) {
    throw badValue('counter', `shards of ${SHARD_BYTES} bytes`, bytes, start, end, 'ends within a shard');
  }
  const kinds = new Map(header.map((i) => (i < 0 ? ([i + 0x8000, 'global'] as const) : ([i, 'local'] as const))));
  const count = cursor.left / SHARD_BYTES;
  for (const index of kinds.keys()) {
    if (index >= count) throw badValue('counter', `${count} shards`, bytes, start, end, `names shard ${index}`);
  }
  const shards: CounterShard[] = [];
  let total = 0n;
  for (let i = 0; i < count; i++) {
    const id = uuidText(bytes, cursor.pos);
    cursor.skip(16);
    const clock = cursor.i64AsBigInt();
    const shardCount = cursor.i64AsBigInt();
    shards.push({ id, clock, count: shardCount, kind: kinds.get(i) ?? 'remote' });
    total += shardCount;
  }
  return { shards, total: BigInt.asIntN(64, total) };
}

/**
 * Whether a context has shards that are not global: an SSTable that holds such says so (CounterContext.hasLegacyShards).
 * @throws CorruptError where the header does not fit
 */
export function hasLegacyShards(bytes: Uint8Array, start: number, end: number): boolean {
  const count = end - start < 2 ? 0 : Math.abs(i16At(bytes, start));
  const shardsStart = start + 2 + 2 * count;
  if (shardsStart > end) throw badValue('counter', 'a counter context', bytes, start, end, 'ends in its header');
  if (count < Math.trunc((end - shardsStart) / SHARD_BYTES)) return true;
  for (let at = start + 2; at < shardsStart; at += 2) if (i16At(bytes, at) >= 0) return true;
  return false;
}

function i16At(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) >> 16) | bytes[at + 1]!;
}

function uuidText(bytes: Uint8Array, at: number): string {
  const out = new ByteWriter(36);
  writeUuid(bytes, at, out);
  return out.toString();
}
