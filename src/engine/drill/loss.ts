/**
 * Which writes of a commit log a crash takes: those that the whole log gives back at a start and the damaged one does not, unless SSTables hold
 * them. Both logs are read as a node reads them that goes on behind faults; what it drops for want of a table, it drops of both.
 */
import { CorruptError } from '../../bytes/errors.js';
import type { LogSchema, LogTable } from '../../commitlog/log-schema.js';
import { mutationFacts, type UpdateFacts } from '../../commitlog/mutation-facts.js';
import { MutationReader } from '../../commitlog/mutation-reader.js';
import { checkSalvage, checkSegment, PassedEntries } from '../../commitlog/segment-check.js';
import type { SegmentFault } from '../../commitlog/segment-fault.js';
import { type Entry, type OpenSegment, readSegment } from '../../commitlog/segment-reader.js';
import { isSystemKeyspace } from '../../cql/schema.js';
import { isInside, type Persisted, persistedInSegment } from '../commitlog-persisted.js';

/** What of a damaged log can be read: by segment id. */
export class SurvivingLog {
  private readonly passed = new Map<number, PassedEntries>();
  private readonly salvaged = new Map<number, PassedEntries>();

  /** Takes a segment; yields the file position from time to time. @param isGuessed its descriptor is damaged: no node reads it */
  *take(segmentId: number, segment: OpenSegment, isGuessed: boolean, schema: LogSchema): Generator<number> {
    const passed = new PassedEntries();
    const salvaged = new PassedEntries();
    let isDamaged = isGuessed;
    let last: Entry | undefined;
    let lastPosition = -1;
    const visitor = {
      section() {},
      unknown() {},
      lost() {},
      unreadable() {},
      passed: (entry: Entry) => {
        // once an update
        if (entry === last && entry.startPosition === lastPosition) return;
        last = entry;
        lastPosition = entry.startPosition;
        passed.add(entry);
      },
      left: (entry: Entry) => salvaged.add(entry),
      fault: ({ kind }: SegmentFault) => {
        // no replay looks behind the last sync
        if (kind !== 'unsynced') isDamaged = true;
      },
    };
    yield* (isGuessed ? checkSalvage : checkSegment)(segment, schema, visitor);
    this.passed.set(segmentId, passed);
    if (isDamaged) this.salvaged.set(segmentId, salvaged);
  }

  /** Whether a node reads the entry that tolerates the damage, or is told to ignore it. */
  isPassed(segmentId: number, entry: Entry): boolean {
    return this.passed.get(segmentId)?.has(entry) === true;
  }

  /** Whether it can be read at all. */
  isReadable(segmentId: number, entry: Entry): boolean {
    return this.isPassed(segmentId, entry) || this.salvaged.get(segmentId)?.has(entry) === true;
  }
}

export type LostTable = {
  readonly tableId: string;
  readonly table: LogTable;
  readonly isSystem: boolean;
  /** Lost writes: updates of this table. */
  readonly writes: number;
  /** Partition keys, as latin1. */
  readonly keys: ReadonlySet<string>;
  readonly firstMicros: number | undefined;
  readonly lastMicros: number | undefined;
};

/** A mutation of which something is lost. */
export type LostWrite = {
  readonly segmentId: number;
  readonly position: number;
  readonly bytes: number;
  /** When it was written; absent where nothing tells. */
  readonly micros: number | undefined;
  /** Those that nothing holds any more. */
  readonly updates: readonly (UpdateFacts & { readonly table: LogTable })[];
};

type TableCount = {
  readonly table: LogTable;
  writes: number;
  readonly keys: Set<string>;
  firstMicros: number | undefined;
  lastMicros: number | undefined;
};

/** Lost writes, counted. Those of Cassandra's own tables stand apart: nobody wrote them. */
export class LossTally {
  /** Mutations, of which some update is lost. */
  writes = 0;
  systemWrites = 0;
  bytes = 0;
  firstMicros: number | undefined;
  lastMicros: number | undefined;
  private readonly byTable = new Map<string, TableCount>();

  add({ bytes, micros, updates }: LostWrite): void {
    const isSystem = updates.every(({ table }) => isSystemKeyspace(table.keyspace));
    if (isSystem) this.systemWrites++;
    else {
      this.writes++;
      this.bytes += bytes;
      this.firstMicros = least(this.firstMicros, micros);
      this.lastMicros = greatest(this.lastMicros, micros);
    }
    for (const { tableId, table, key } of updates) {
      let count = this.byTable.get(tableId);
      if (!count) {
        count = { table, writes: 0, keys: new Set(), firstMicros: undefined, lastMicros: undefined };
        this.byTable.set(tableId, count);
      }
      count.writes++;
      count.keys.add(Buffer.from(key).toString('latin1'));
      count.firstMicros = least(count.firstMicros, micros);
      count.lastMicros = greatest(count.lastMicros, micros);
    }
  }

  /** Most writes first. */
  tables(): LostTable[] {
    return [...this.byTable]
      .map(([tableId, count]) => ({ tableId, isSystem: isSystemKeyspace(count.table.keyspace), ...count }))
      .sort((a, b) => Number(a.isSystem) - Number(b.isSystem) || b.writes - a.writes);
  }

  /** Keys of the tables that are not Cassandra's own. */
  get keys(): number {
    return this.tables().reduce((sum, { isSystem, keys }) => sum + (isSystem ? 0 : keys.size), 0);
  }
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || (b !== undefined && b < a) ? b : a;
}

function greatest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || (b !== undefined && b > a) ? b : a;
}

export type LossSetup = {
  readonly schema: LogSchema;
  /** What the SSTables hold that the recovery starts from. */
  readonly persisted: Persisted;
  readonly wantsTable: (table: LogTable) => boolean;
  /** Times of the log's mutations, in their order. */
  readonly times: Iterator<number | undefined>;
  /** What is told of each write that no SSTable holds. @param mutation its number in the log */
  readonly each: (write: LostWrite, entry: Entry, mutation: number) => void;
  /** Whether anything is to be told of it, before it is read. */
  readonly wants: (segmentId: number, entry: Entry, mutation: number) => boolean;
};

/** Walks the undamaged log, segment by segment, for what no SSTable holds. */
export class LossWalk {
  private readonly setup: LossSetup;
  private mutation = 0;

  constructor(setup: LossSetup) {
    this.setup = setup;
  }

  /** Takes the next segment; yields the file position from time to time. */
  *take(segmentId: number, segment: OpenSegment): Generator<number> {
    const { schema, times, each, wants } = this.setup;
    const reader = new MutationReader(schema, segment.descriptor.version, segment.source.path);
    const pairs = new Map<string, readonly number[]>();
    yield* readSegment(segment, {
      fault() {},
      mutation: (entry) => {
        const number = this.mutation++;
        const micros = times.next().value as number | undefined;
        if (!wants(segmentId, entry, number)) return;
        const updates = this.lostUpdates(reader, entry, segmentId, pairs);
        if (updates.length === 0) return;
        each({ segmentId, position: entry.position, bytes: entry.end - entry.start, micros, updates }, entry, number);
      },
    });
  }

  private lostUpdates(reader: MutationReader, entry: Entry, segmentId: number, pairs: Map<string, readonly number[]>) {
    let facts: UpdateFacts[];
    try {
      facts = mutationFacts(reader, entry);
    } catch (error) {
      if (error instanceof CorruptError) return []; // no node reads it
      throw error;
    }
    // a mutation with an update of a table that is not there is dropped as a whole
    if (facts.some(({ table }) => !table || table.origin === 'log')) return [];
    return facts.filter(({ tableId, table }) => {
      if (!this.setup.wantsTable(table!)) return false;
      let known = pairs.get(tableId);
      if (!known) {
        known = persistedInSegment(this.setup.persisted, tableId, segmentId);
        pairs.set(tableId, known);
      }
      return !isInside(known, entry.position);
    }) as (UpdateFacts & { readonly table: LogTable })[];
  }
}
