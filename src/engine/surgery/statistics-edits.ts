/** Changes to the level and the state of repair of SSTables: what is to be written, and the writing of all or none. */
import { UsageError } from '../../bytes/errors.js';
import type { OutputStorage } from '../../bytes/sink.js';
import type { Storage } from '../../bytes/source.js';
import { COMPONENT, componentPath, type Descriptor } from '../../sstable/descriptor.js';
import { readStatistics } from '../../sstable/statistics.js';
import { TEMPORARY } from '../../sstable/unpublished.js';
import type { RepairState } from '../compaction/sstable-facts.js';
import { mutatedStatistics, type StatisticsChange } from './mutate-statistics.js';

/** What these changes are about. */
export type StatisticsState = RepairState & { readonly level: number };

export type StatisticsEdit = {
  readonly descriptor: Descriptor;
  readonly before: StatisticsState;
  readonly after: StatisticsState;
};

/** An SSTable as an edit finds it. */
export type EditableSSTable = StatisticsState & { readonly descriptor: Descriptor };

/** @throws UsageError (no Statistics.db), CorruptError */
export function readEditable(storage: Storage, descriptor: Descriptor): EditableSSTable {
  const { sstableLevel, repairedAtMillis, pendingRepair, isTransient } = readStatistics(storage, descriptor).stats;
  return {
    descriptor,
    level: sstableLevel,
    repairedAtMillis,
    isTransient,
    ...(pendingRepair !== undefined && { pendingRepair }),
  };
}

/**
 * The edits that give each SSTable the state that `wanted` says; those that have it already are left out. Each is tried here: one that can't be
 * done stops all before anything is written.
 * @throws CorruptError where any part of a Statistics.db is damaged
 */
export function planEdits<T extends EditableSSTable>(
  storage: Storage,
  sstables: readonly T[],
  wanted: (sstable: T) => StatisticsState,
): StatisticsEdit[] {
  const edits: StatisticsEdit[] = [];
  for (const sstable of sstables) {
    const before = stateOf(sstable);
    const after = stateOf(wanted(sstable));
    if (isSame(before, after)) continue;
    mutatedStatistics(storage, sstable.descriptor, changeTo(after));
    edits.push({ descriptor: sstable.descriptor, before, after });
  }
  return edits;
}

/**
 * Makes the edits: all new files are written and synced beside the old ones first, then they get their names, one after the other. A failure
 * before the first name leaves all as it was; a crash between two names leaves some done, and the same command does the rest.
 * @throws UsageError where an SSTable is not any more as it was when the edits were planned, and for a full disk and its like; CorruptError
 */
export function applyEdits(output: OutputStorage, edits: readonly StatisticsEdit[]): void {
  const written: string[] = [];
  try {
    for (const edit of edits) {
      const file = componentPath(edit.descriptor, COMPONENT.statistics);
      mustBeAsPlanned(output, edit, file);
      const bytes = mutatedStatistics(output, edit.descriptor, changeTo(edit.after));
      output.remove(file + TEMPORARY); // of a run that was killed
      written.push(file);
      writeBeside(output, file, bytes);
    }
    for (const file of written) output.rename(file + TEMPORARY, file);
  } finally {
    for (const file of written) output.remove(file + TEMPORARY);
  }
  for (const directory of new Set(edits.map(({ descriptor }) => descriptor.directory))) output.syncDirectory(directory);
}

function mustBeAsPlanned(storage: Storage, { descriptor, before }: StatisticsEdit, file: string): void {
  if (isSame(stateOf(readEditable(storage, descriptor)), before)) return;
  throw new UsageError('has changed since it was looked at: nothing was written', {
    file,
    hint: 'see that no node runs on the directory, then run the command again',
  });
}

function writeBeside(output: OutputStorage, file: string, bytes: Uint8Array): void {
  const sink = output.create(file + TEMPORARY);
  try {
    sink.write(bytes);
    sink.sync();
  } finally {
    sink.close();
  }
}

function stateOf({ level, repairedAtMillis, pendingRepair, isTransient }: StatisticsState): StatisticsState {
  return { level, repairedAtMillis, isTransient, ...(pendingRepair !== undefined && { pendingRepair }) };
}

function changeTo(state: StatisticsState): StatisticsChange {
  return { level: state.level, repair: state };
}

function isSame(a: StatisticsState, b: StatisticsState): boolean {
  return (
    a.level === b.level &&
    a.repairedAtMillis === b.repairedAtMillis &&
    a.pendingRepair === b.pendingRepair &&
    a.isTransient === b.isTransient
  );
}
