/**
 * What an index says of where partitions begin. No index has checksums, so that each entry is a hint which Data.db must confirm. A damaged place in
 * Index.db is passed over to the next entry that Summary.db knows; in the tries of BTI the walk ends there.
 */
import { CorruptError, LsmctlError } from '../../bytes/errors.js';
import type { Storage } from '../../bytes/source.js';
import type { CqlType } from '../../cql/type.js';
import { COMPONENT, type Descriptor } from '../../sstable/descriptor.js';
import { type IndexEntry, type IndexFile, openIndexFile } from '../../sstable/index-file.js';
import { openPartitionIndex, type PartitionEntry, type PartitionIndex } from '../../sstable/partition-index.js';
import type { Partitioner } from '../../sstable/partitioner.js';
import type { DeletionTime } from '../../sstable/row.js';
import { type IndexSummary, readSummary } from '../../sstable/summary.js';

export type HintBlock = {
  /** Position in the plain Data.db. */
  readonly position: number;
  /** The range deletion that is open where it begins. */
  readonly openDeletion?: DeletionTime | undefined;
};

export type Hint = {
  /** Position of the partition in the plain Data.db. */
  readonly dataPosition: number;
  /** Absent where only Data.db has it. */
  readonly key?: Uint8Array;
  /** What the index knows of a partition of several blocks: its deletion, and where blocks of rows begin. Empty where it can't be read. */
  rows(): { readonly deletion?: DeletionTime; readonly blocks: readonly HintBlock[] };
};

/** That there are some is what counts. */
const MAX_PROBLEMS = 100;
const NO_ROWS = { blocks: [] };

export type HintSource = {
  readonly storage: Storage;
  readonly descriptor: Descriptor;
  readonly partitioner: Partitioner;
  readonly clusteringTypes: readonly CqlType[];
  readonly keyAt: (dataPosition: number) => Uint8Array;
};

export class IndexHints {
  /** What was wrong with the index, as far as it was read. */
  readonly problems: LsmctlError[] = [];
  private readonly entries: Iterator<Hint>;
  private current: Hint | undefined;
  private isStarted = false;
  private readonly toClose: { close(): void }[] = [];
  private readonly bti: PartitionIndex | undefined;

  constructor(source: HintSource) {
    if (source.descriptor.format === 'bti') {
      this.bti = this.attempt(() => openPartitionIndex(source.storage, source.descriptor, source));
      if (this.bti) this.toClose.push(this.bti);
      this.entries = this.btiHints(this.bti);
    } else {
      const { storage, descriptor, clusteringTypes } = source;
      const index = this.attempt(() => openIndexFile(storage, descriptor, clusteringTypes));
      const summary = this.attempt(() => readSummary(storage, descriptor));
      if (index) this.toClose.push(index);
      this.entries = this.bigHints(index, summary);
    }
  }

  /** The whole index was read without an error: what it does not name is not there. */
  get isSound(): boolean {
    return this.problems.length === 0;
  }

  /** The next hint at or behind a position; it stays the next until another position is asked for. */
  from(position: number): Hint | undefined {
    if (!this.isStarted) this.advance();
    while (this.current && this.current.dataPosition < position) this.advance();
    return this.current;
  }

  private advance(): void {
    this.isStarted = true;
    const { done, value } = this.entries.next();
    this.current = done ? undefined : value;
  }

  /** Whether the index, asked for `key`, leads to `dataPosition`; of BTI, whose entries have no keys. */
  leadsTo(key: Uint8Array, dataPosition: number): boolean {
    return this.attempt(() => this.bti?.find(key)?.dataPosition === dataPosition) ?? false;
  }

  private note(problem: LsmctlError): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push(problem);
  }

  close(): void {
    for (const file of this.toClose.splice(0)) file.close();
  }

  private attempt<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof LsmctlError)) throw error;
      this.note(error);
      return undefined;
    }
  }

  private *btiHints(index: PartitionIndex | undefined): Generator<Hint> {
    if (!index) return;
    try {
      for (const entry of index.entries()) {
        const { dataPosition, key } = entry;
        yield { dataPosition, ...(key && { key }), rows: () => this.rowsOf(entry) };
      }
    } catch (error) {
      if (!(error instanceof LsmctlError)) throw error;
      this.note(error);
    }
  }

  private rowsOf(entry: PartitionEntry): ReturnType<Hint['rows']> {
    return (
      this.attempt(() => {
        const rows = entry.rowIndex();
        if (!rows) return NO_ROWS;
        return { ...(rows.deletion && { deletion: rows.deletion }), blocks: [...rows.blocks()] };
      }) ?? NO_ROWS
    );
  }

  /** Entries whose positions do not fit between those around them are left out. */
  private *bigHints(index: IndexFile | undefined, summary: IndexSummary | undefined): Generator<Hint> {
    if (!index) return;
    let before = -1;
    let held: IndexEntry | undefined;
    for (const entry of this.bigEntries(index, summary)) {
      if (held) {
        const { dataPosition } = held;
        if (dataPosition > before && (entry.dataPosition > dataPosition || entry.dataPosition <= before)) {
          before = dataPosition;
          yield this.bigHint(index, held);
        } else {
          this.note(astray(index.file, held));
        }
      }
      held = entry;
    }
    if (held && held.dataPosition > before) yield this.bigHint(index, held);
    else if (held) this.note(astray(index.file, held));
  }

  private *bigEntries(index: IndexFile, summary: IndexSummary | undefined): Generator<IndexEntry> {
    let start: number | undefined = 0;
    while (start !== undefined) {
      let reached: number = start;
      try {
        for (const entry of index.entries(start)) {
          reached = entry.promotedEnd;
          yield entry;
        }
        return;
      } catch (error) {
        if (!(error instanceof LsmctlError)) throw error;
        this.note(error);
      }
      start = summary && sampleBehind(summary, reached);
    }
  }

  private bigHint(index: IndexFile, entry: IndexEntry): Hint {
    const { dataPosition, key } = entry;
    return {
      dataPosition,
      key,
      rows: () =>
        this.attempt(() => {
          const promoted = index.promotedIndex(entry);
          if (!promoted) return NO_ROWS;
          const blocks: HintBlock[] = [];
          let openDeletion: DeletionTime | undefined;
          for (let i = 0; i < promoted.blockCount; i++) {
            const block = promoted.block(i);
            blocks.push({ position: dataPosition + block.offset, openDeletion });
            openDeletion = block.endOpenMarker;
          }
          return { ...(promoted.deletion && { deletion: promoted.deletion }), blocks };
        }) ?? NO_ROWS,
    };
  }
}

function astray(file: string, { position, dataPosition }: IndexEntry): CorruptError {
  return new CorruptError('entry leads astray', {
    file,
    component: COMPONENT.index,
    offset: position,
    seen: dataPosition,
  });
}

/** Position in Index.db of the first sample behind `position`. */
function sampleBehind({ entries }: IndexSummary, position: number): number | undefined {
  for (let i = 0; i < entries.length; i++) if (entries.position(i) > position) return entries.position(i);
  return undefined;
}
