/**
 * The writes of a commit log that no SSTable holds, as the purge rule of a merge asks them: what a tombstone may still hide. A node keeps them in
 * its memtables; a compaction away from it must leave every tombstone that one of them is older than.
 */
import { CorruptError } from '../bytes/errors.js';
import { compare64, toBigInt } from '../bytes/int64.js';
import { type Hash128, murmur3 } from '../bytes/murmur3.js';
import type { LogSchema } from '../commitlog/log-schema.js';
import { MutationReader } from '../commitlog/mutation-reader.js';
import { type OpenSegment, readSegment } from '../commitlog/segment-reader.js';
import { isInside, type Persisted, persistedInSegment } from './commitlog-persisted.js';
import type { UnflushedSource } from './compaction/overlap-purge.js';

/** Least timestamp by key, in microseconds as two halves. */
export type LeastTimestamp = { readonly hi: number; readonly lo: number };

const hash: Hash128 = new Int32Array(4);

/**
 * Of one table: the least timestamp of the unflushed updates of each partition. Keys are kept as 52 bits of their Murmur3 hash: two keys that share
 * them share the lesser timestamp, which errs towards keeping.
 */
export class UnflushedTable implements UnflushedSource {
  private readonly byHash = new Map<number, LeastTimestamp>();
  /** Updates that could not be read, or have no timestamp of their own: whatever the key, all must be kept. */
  private isOpaque = false;
  private least: LeastTimestamp | undefined;

  /** Of all partitions; microseconds. */
  get leastMicros(): bigint | undefined {
    const least = this.isOpaque ? LEAST : this.least;
    return least && toBigInt(least.hi, least.lo);
  }

  get partitions(): number {
    return this.byHash.size;
  }

  add(key: Uint8Array, hi: number, lo: number): void {
    const id = keyHash(key, key.length);
    const known = this.byHash.get(id);
    if (!known || compare64(hi, lo, known.hi, known.lo) < 0) this.byHash.set(id, { hi, lo });
    if (!this.least || compare64(hi, lo, this.least.hi, this.least.lo) < 0) this.least = { hi, lo };
  }

  addUnknown(): void {
    this.isOpaque = true;
  }

  /** `undefined` where no unflushed write is of this partition. */
  leastOf(key: Uint8Array, length: number): LeastTimestamp | undefined {
    return this.isOpaque ? LEAST : this.byHash.get(keyHash(key, length));
  }
}

/** Long.MIN_VALUE: nothing may go. */
const LEAST: LeastTimestamp = { hi: -0x80000000, lo: 0 };

function keyHash(key: Uint8Array, length: number): number {
  murmur3(key, 0, length, hash);
  return (hash[0]! >>> 12) * 4294967296 + (hash[1]! >>> 0);
}

/** By table id (UUID in its usual form). */
export class UnflushedWrites {
  private readonly tables = new Map<string, UnflushedTable>();
  /** Something can't be read: any table may be in it. */
  private isOpaque = false;

  /** `undefined` where the log has nothing of the table that is not in SSTables. */
  table(id: string): UnflushedTable | undefined {
    const found = this.tables.get(id);
    if (found || !this.isOpaque) return found;
    return this.ensure(id);
  }

  /** For a table whose id is not known: where there are writes at all, whatever its tombstones are, they stay. */
  any(): UnflushedTable | undefined {
    if (this.tables.size === 0 && !this.isOpaque) return undefined;
    const table = new UnflushedTable();
    table.addUnknown();
    return table;
  }

  ensure(id: string): UnflushedTable {
    let table = this.tables.get(id);
    if (!table) {
      table = new UnflushedTable();
      if (this.isOpaque) table.addUnknown();
      this.tables.set(id, table);
    }
    return table;
  }

  addUnknown(): void {
    this.isOpaque = true;
    for (const table of this.tables.values()) table.addUnknown();
  }
}

/**
 * Adds the unflushed writes of a segment; yields the file position from time to time.
 * @param wants ids of the tables that are asked for; all by default
 */
export function* takeUnflushed(
  segment: OpenSegment,
  schema: LogSchema,
  persisted: Persisted,
  into: UnflushedWrites,
  wants: (tableId: string) => boolean = () => true,
): Generator<number> {
  const { descriptor, source } = segment;
  const reader = new MutationReader(schema, descriptor.version, source.path);
  const pairs = new Map<string, readonly number[]>();
  const isPersisted = (id: string, position: number) => {
    let known = pairs.get(id);
    if (!known) {
      known = persistedInSegment(persisted, id, descriptor.id);
      pairs.set(id, known);
    }
    return isInside(known, position);
  };
  yield* readSegment(segment, {
    mutation(entry) {
      try {
        reader.begin(entry);
        while (reader.nextHead()) {
          const { tableId, stats, key } = reader;
          if (reader.unreachable > 0) into.addUnknown();
          if (!wants(tableId) || isPersisted(tableId, entry.position)) continue;
          if (stats.hasTimestamp) into.ensure(tableId).add(key, stats.timestampHi, stats.timestampLo);
          else into.ensure(tableId).add(key, LEAST.hi, LEAST.lo);
        }
      } catch (error) {
        if (!(error instanceof CorruptError)) throw error;
        into.addUnknown();
      }
    },
    fault: () => into.addUnknown(),
  });
}
