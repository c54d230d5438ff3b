/**
 * Where a replay's memtables go: SSTables aside, in a directory laid out as a node's, or in place, beside those of the tables, by a transaction log
 * each. Nothing has its name before `complete`.
 */
import path from 'node:path';
import type { OutputStorage } from '../../bytes/sink.js';
import type { Storage } from '../../bytes/source.js';
import type { LogTable } from '../../commitlog/log-schema.js';
import type { OpenDataSink } from '../../sstable/data-sink.js';
import type { CommitLogInterval } from '../../sstable/metadata/stats.js';
import type { WrittenSSTable } from '../../sstable/writer-options.js';
import { tableLayout } from '../compaction/table-layout.js';
import { transactionId } from '../lifecycle/transaction-id.js';
import type { Memtable } from '../memtable/memtable.js';
import { TableOutput } from './table-output.js';
import type { TablePlaces } from './table-places.js';

export type ReplayTarget =
  | { readonly kind: 'aside'; readonly directory: string }
  /** `directory`: where a table's directory is made that is not there yet. */
  | { readonly kind: 'in place'; readonly directory: string };

export type ReplayOutputSetup = {
  readonly storage: Storage;
  readonly output: OutputStorage;
  readonly places: TablePlaces;
  readonly target: ReplayTarget;
  /** See {@link TableOutputSetup.hostId}. */
  readonly hostId: string | undefined;
  readonly nowMillis: number;
  readonly columnIndexBytes?: number | undefined;
  readonly openData?: OpenDataSink | undefined;
  /** Makes generations and transactions distinct: 64 random bits at each call. */
  readonly randomBits: () => bigint;
  /** Runs a walk to its end. */
  readonly drive: <T>(walk: Generator<number, T>) => Promise<T>;
};

export class ReplayOutput {
  private readonly setup: ReplayOutputSetup;
  private readonly tables = new Map<string, TableOutput>();

  constructor(setup: ReplayOutputSetup) {
    this.setup = setup;
  }

  /** By table id: what was written. */
  written(): ReadonlyMap<string, { readonly directory: string; readonly sstables: readonly WrittenSSTable[] }> {
    return new Map(
      [...this.tables].map(([id, { directory, written }]) => [id, { directory, sstables: written }] as const),
    );
  }

  /** For {@link ReplayOptions.flush}. @throws UsageError, such as for a full disk; UnsupportedError (compression) */
  readonly flush = async (memtable: Memtable, interval: CommitLogInterval): Promise<void> => {
    const { table } = memtable;
    const output = this.tables.get(table.id) ?? (await this.open(table));
    await this.setup.drive(output.flush(memtable, interval));
  };

  /** Gives all SSTables their names, table by table. @throws UsageError: tables before are complete then */
  complete(): void {
    for (const table of this.tables.values()) table.complete();
  }

  /** Removes what is not complete. */
  abort(): void {
    for (const table of this.tables.values()) table.abort();
  }

  private async open(table: LogTable): Promise<TableOutput> {
    const { storage, output, places, target, hostId, openData, nowMillis, randomBits, columnIndexBytes } = this.setup;
    const { version } = places.formOf(table);
    const [here] = places.directoriesOf(table);
    const isInPlace = target.kind === 'in place';
    const directory = isInPlace && here ? here.path : path.join(target.directory, places.relativePlace(table));
    const like = here?.sstables.at(-1)?.descriptor;
    const layout = await tableLayout(storage, table.definition, like, { format: version.format, columnIndexBytes });
    const opened = new TableOutput({
      table,
      output,
      directory,
      version,
      layout,
      nextDescriptor: places.descriptorsOf(table, directory, nowMillis, randomBits),
      hostId,
      openData,
      ...(isInPlace && { transactionId: transactionId(nowMillis, randomBits()) }),
    });
    this.tables.set(table.id, opened);
    return opened;
  }
}
