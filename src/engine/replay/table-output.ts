/** The SSTables that a replay writes for one table: all of them get their names together, or none. */
import type { OutputStorage } from '../../bytes/sink.js';
import type { LogTable } from '../../commitlog/log-schema.js';
import type { OpenDataSink } from '../../sstable/data-sink.js';
import type { Descriptor } from '../../sstable/descriptor.js';
import type { CommitLogInterval } from '../../sstable/metadata/stats.js';
import { SSTableWriters } from '../../sstable/sstable-writers.js';
import type { Version } from '../../sstable/version.js';
import type { TableLayout, WrittenSSTable } from '../../sstable/writer-options.js';
import { LifecycleTransaction } from '../lifecycle/lifecycle-transaction.js';
import { writeMemtable } from '../memtable/flush-memtable.js';
import type { Memtable } from '../memtable/memtable.js';

export type TableOutputSetup = {
  readonly table: LogTable;
  readonly output: OutputStorage;
  readonly directory: string;
  readonly version: Version;
  readonly layout: TableLayout;
  readonly nextDescriptor: () => Descriptor;
  /** Whose commit log it is. Absent: the SSTables say nothing of it, and a node replays what they hold again. */
  readonly hostId: string | undefined;
  readonly openData?: OpenDataSink | undefined;
  /** Id of the transaction by which the SSTables come into a directory that is in use. */
  readonly transactionId?: string | undefined;
};

export class TableOutput {
  readonly table: LogTable;
  readonly directory: string;
  readonly written: WrittenSSTable[] = [];
  private readonly setup: TableOutputSetup;
  private readonly writers = new SSTableWriters();
  private readonly transaction: LifecycleTransaction | undefined;
  private hasDirectory = false;

  constructor(setup: TableOutputSetup) {
    const { output, version, transactionId } = setup;
    this.setup = setup;
    this.table = setup.table;
    this.directory = setup.directory;
    if (transactionId !== undefined)
      this.transaction = new LifecycleTransaction({ output, version, id: transactionId });
  }

  /** Writes an SSTable under a temporary name. @throws UsageError, such as for a full disk */
  *flush(memtable: Memtable, interval: CommitLogInterval): Generator<number> {
    const frozen = memtable.freeze();
    if (!frozen) return;
    const { output, layout, nextDescriptor, hostId, openData } = this.setup;
    if (!this.hasDirectory) {
      output.makeDirectory(this.directory);
      this.hasDirectory = true;
    }
    const descriptor = nextDescriptor();
    this.transaction?.trackNew(descriptor);
    const writer = this.writers.open({
      output,
      descriptor,
      header: frozen.flushHeader,
      partitioner: frozen.partitioner,
      layout,
      expectedKeys: frozen.partitions,
      isOpenedEarly: false,
      openData,
      origin: {
        level: 0,
        repairedAtMillis: 0,
        isTransient: false,
        commitLogIntervals: hostId === undefined ? [] : [interval],
        originatingHostId: hostId,
      },
    });
    yield* writeMemtable(frozen, writer);
    this.written.push(writer.finish());
    yield 0;
  }

  /** Gives the SSTables their names, and makes them the table's. @throws UsageError */
  complete(): void {
    this.writers.publish();
    this.transaction?.commit();
  }

  /** Removes what was written, unless it is complete. */
  abort(): void {
    const { transaction } = this;
    if (transaction?.state === 'undecided' || transaction?.state === 'committed') return;
    this.writers.abort();
    transaction?.abort();
  }
}
