/**
 * What a commit log holds, by segment and table: mutations, bytes, when they were written, and how much of it SSTables hold already.
 *
 * Counts and bytes are exact. Times are least timestamps: what each update names ahead of its rows. Rows are not read, and the checksums of
 * mutations are not checked (those of their sizes are).
 */
import { CorruptError } from '../bytes/errors.js';
import { toBigInt } from '../bytes/int64.js';
import type { LogSchema, LogTable } from '../commitlog/log-schema.js';
import { Times } from '../commitlog/mutation-facts.js';
import { MutationReader } from '../commitlog/mutation-reader.js';
import type { SegmentFault } from '../commitlog/segment-fault.js';
import { type OpenSegment, readSegment, type SegmentEnd } from '../commitlog/segment-reader.js';
import { isInside, type Persisted, persistedInSegment } from './commitlog-persisted.js';

/** Microseconds; absent where nothing has a timestamp. */
export type TimeSpan = { readonly firstMicros: bigint; readonly lastMicros: bigint };

export type LogTotals = {
  /** Mutations; of a table, those with an update of it. */
  readonly mutations: number;
  /** Of the mutations; of a table, those of mutations shared with other tables are counted with the first of them. */
  readonly bytes: number;
  /** Of them, what no SSTable holds: a start would replay it. */
  readonly dirtyMutations: number;
  readonly dirtyBytes: number;
  readonly span: TimeSpan | undefined;
};

export type TableContent = LogTotals & {
  readonly tableId: string;
  /** `undefined` where the schema has no table of this id. */
  readonly table: LogTable | undefined;
};

export type SegmentContent = LogTotals & {
  readonly end: SegmentEnd;
  readonly faults: readonly SegmentFault[];
  readonly tables: readonly TableContent[];
  /** Updates that could not be reached behind one of an unknown table. */
  readonly unreadUpdates: number;
};

class Count {
  mutations = 0;
  bytes = 0;
  dirtyMutations = 0;
  dirtyBytes = 0;
  readonly times = new Times();

  totals(): LogTotals {
    const { mutations, bytes, dirtyMutations, dirtyBytes, times } = this;
    const span = times.has
      ? {
          firstMicros: toBigInt(times.leastHi, times.leastLo),
          lastMicros: toBigInt(times.greatestHi, times.greatestLo),
        }
      : undefined;
    return { mutations, bytes, dirtyMutations, dirtyBytes, span };
  }
}

class TableCount extends Count {
  readonly tableId: string;
  readonly table: LogTable | undefined;
  /** Positions of the segment that SSTables hold. */
  readonly persisted: readonly number[];

  constructor(tableId: string, table: LogTable | undefined, persisted: readonly number[]) {
    super();
    this.tableId = tableId;
    this.table = table;
    this.persisted = persisted;
  }
}

/** Yields the file position from time to time. */
export function* takeContent(
  segment: OpenSegment,
  schema: LogSchema,
  persisted: Persisted,
): Generator<number, SegmentContent> {
  const { descriptor, source } = segment;
  const reader = new MutationReader(schema, descriptor.version, source.path);
  const faults: SegmentFault[] = [];
  const all = new Count();
  const tables = new Map<string, TableCount>();
  let unreadUpdates = 0;
  const countOf = (tableId: string) => {
    let count = tables.get(tableId);
    if (!count) {
      count = new TableCount(tableId, reader.table, persistedInSegment(persisted, tableId, descriptor.id));
      tables.set(tableId, count);
    }
    return count;
  };
  const end = yield* readSegment(
    segment,
    {
      mutation(entry) {
        const bytes = entry.end - entry.start;
        let isDirty = false;
        all.mutations++;
        all.bytes += bytes;
        try {
          reader.begin(entry);
          for (let share = bytes; reader.nextHead(); share = 0) {
            const count = countOf(reader.tableId);
            count.mutations++;
            count.bytes += share;
            if (reader.stats.hasTimestamp) count.times.add(reader.stats.timestampHi, reader.stats.timestampLo);
            if (!isInside(count.persisted, entry.position)) {
              count.dirtyMutations++;
              count.dirtyBytes += share;
              isDirty = true;
            }
            unreadUpdates += reader.unreachable;
          }
        } catch (error) {
          if (!(error instanceof CorruptError)) throw error;
          const at = { filePosition: entry.startPosition, position: entry.startPosition, section: entry.section };
          faults.push({ kind: 'mutation_content', message: error.message, ...at });
        }
        if (isDirty) {
          all.dirtyMutations++;
          all.dirtyBytes += bytes;
        }
      },
      fault: (fault) => void faults.push(fault),
    },
    { checksums: false },
  );
  for (const { times } of tables.values()) {
    if (!times.has) continue;
    all.times.add(times.leastHi, times.leastLo);
    all.times.add(times.greatestHi, times.greatestLo);
  }
  return {
    ...all.totals(),
    end,
    faults,
    tables: [...tables.values()].map((count) => ({ tableId: count.tableId, table: count.table, ...count.totals() })),
    unreadUpdates,
  };
}

/** Tables of several segments as one. */
export function sumTables(segments: readonly SegmentContent[]): TableContent[] {
  const sums = new Map<string, TableContent>();
  for (const table of segments.flatMap(({ tables }) => tables)) {
    const known = sums.get(table.tableId);
    sums.set(table.tableId, known ? { ...known, ...sum(known, table) } : table);
  }
  return [...sums.values()];
}

export function sumTotals(totals: readonly LogTotals[]): LogTotals {
  const none: LogTotals = { mutations: 0, bytes: 0, dirtyMutations: 0, dirtyBytes: 0, span: undefined };
  return totals.reduce(sum, none);
}

function sum(a: LogTotals, b: LogTotals): LogTotals {
  return {
    mutations: a.mutations + b.mutations,
    bytes: a.bytes + b.bytes,
    dirtyMutations: a.dirtyMutations + b.dirtyMutations,
    dirtyBytes: a.dirtyBytes + b.dirtyBytes,
    span: joined(a.span, b.span),
  };
}

function joined(a: TimeSpan | undefined, b: TimeSpan | undefined): TimeSpan | undefined {
  if (!a || !b) return a ?? b;
  const [first, last] = [a.firstMicros <= b.firstMicros ? a : b, a.lastMicros >= b.lastMicros ? a : b];
  return { firstMicros: first.firstMicros, lastMicros: last.lastMicros };
}

/** Ids that are missing between two segments of one run of the node, which counts them up by one. */
export type IdHole = { readonly after: number; readonly before: number; readonly missing: number };

/** A node that starts counts from the milliseconds of its clock: ids further apart than this are of two runs. */
const MAX_HOLE = 1000;

/** @param ids ascending */
export function findHoles(ids: readonly number[]): IdHole[] {
  return ids.flatMap((before, i) => {
    const after = ids[i - 1];
    if (after === undefined || before - after < 2 || before - after > MAX_HOLE) return [];
    return [{ after, before, missing: before - after - 1 }];
  });
}
