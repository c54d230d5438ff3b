/** A mutation as reports name it: the tables and keys that it writes, and when. */
import { compare64, MIN_HI, toBigInt } from '../bytes/int64.js';
import { isBoundary } from '../sstable/marker-buffer.js';
import { END, ROW } from '../sstable/unfiltered-cursor.js';
import type { LogTable } from './log-schema.js';
import type { MutationReader } from './mutation-reader.js';
import type { Entry } from './segment-reader.js';
import type { UpdateCursor } from './update-cursor.js';

export type UpdateFacts = {
  readonly tableId: string;
  readonly table: LogTable | undefined;
  readonly key: Uint8Array;
  /** Least and greatest timestamp in it, microseconds; absent where it has none, the greatest too where the table is not known. */
  readonly leastMicros?: bigint;
  readonly greatestMicros?: bigint;
};

/** All updates of a mutation; what stands behind one of an unknown table is not among them. @throws CorruptError */
export function mutationFacts(reader: MutationReader, entry: Entry): UpdateFacts[] {
  const facts: UpdateFacts[] = [];
  reader.begin(entry);
  while (reader.next()) {
    const { tableId, table, cursor, stats } = reader;
    const least = stats.hasTimestamp ? toBigInt(stats.timestampHi, stats.timestampLo) : undefined;
    const times = cursor && updateTimes(cursor);
    const leastMicros = times?.has ? toBigInt(times.leastHi, times.leastLo) : least;
    facts.push({
      tableId,
      table,
      key: reader.key.slice(),
      ...(leastMicros !== undefined && { leastMicros }),
      ...(times?.has && { greatestMicros: toBigInt(times.greatestHi, times.greatestLo) }),
    });
  }
  return facts;
}

/** Least and greatest of the timestamps that were added. */
export class Times {
  has = false;
  leastHi = 0;
  leastLo = 0;
  greatestHi = 0;
  greatestLo = 0;

  clear(): void {
    this.has = false;
  }

  add(hi: number, lo: number): void {
    if (hi === MIN_HI && lo === 0) return;
    if (!this.has || compare64(hi, lo, this.leastHi, this.leastLo) < 0) {
      this.leastHi = hi;
      this.leastLo = lo;
    }
    if (!this.has || compare64(hi, lo, this.greatestHi, this.greatestLo) > 0) {
      this.greatestHi = hi;
      this.greatestLo = lo;
    }
    this.has = true;
  }
}

/** Reads the update under `c` to its end. @param times the object to add to. @throws CorruptError */
export function updateTimes(c: UpdateCursor, times: Times = new Times()): Times {
  if (c.hasPartitionDeletion) times.add(c.partitionDeletion.hi, c.partitionDeletion.lo);
  if (c.readStaticRow()) rowTimes(c, times);
  for (let kind = c.nextUnfiltered(); kind !== END; kind = c.nextUnfiltered()) {
    if (kind === ROW) {
      rowTimes(c, times);
      continue;
    }
    times.add(c.deletion.hi, c.deletion.lo);
    if (isBoundary(c.boundKind)) times.add(c.openDeletion.hi, c.openDeletion.lo);
  }
  return times;
}

function rowTimes(c: UpdateCursor, times: Times): void {
  if (c.hasLiveness) times.add(c.livenessHi, c.livenessLo);
  if (c.hasDeletion) times.add(c.deletion.hi, c.deletion.lo);
  while (c.nextColumn()) {
    if (c.hasComplexDeletion) times.add(c.complexDeletion.hi, c.complexDeletion.lo);
    while (c.nextCell()) times.add(c.cellHi, c.cellLo);
  }
}
