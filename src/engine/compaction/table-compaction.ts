/**
 * Compactions of one table's directory, one after the other, each aware of what those before it have written.
 *
 *   dry        nothing is written; outputs are counted, and can't be read by later tasks
 *   aside      outputs go to another directory, the inputs stay. Nothing gets its name before `complete`; what a later task compacts again goes
 *   in place   outputs take the place of the inputs as each task ends, by a transaction log: a crash leaves it undone or done
 */
import type { OutputStorage } from '../../bytes/sink.js';
import type { Storage } from '../../bytes/source.js';
import type { Table, View } from '../../cql/schema.js';
import type { OpenDataSink } from '../../sstable/data-sink.js';
import type { Descriptor } from '../../sstable/descriptor.js';
import { idTimestampMillis, nextNumber, timeBasedId } from '../../sstable/sstable-id.js';
import type { Version } from '../../sstable/version.js';
import type { TableLayout } from '../../sstable/writer-options.js';
import { LifecycleTransaction } from '../lifecycle/lifecycle-transaction.js';
import { transactionId } from '../lifecycle/transaction-id.js';
import type { CompactionParams } from '../strategies/options.js';
import type { Candidate } from '../strategies/strategy.js';
import { mutateLevel } from '../surgery/mutate-statistics.js';
import { type CompactionResult, CompactionTask, type Pace, type ReadAhead, withoutReading } from './compaction-task.js';
import { copySSTable, publishCopy, removeCopy } from './copy-sstable.js';
import { overlapOf, overlapOfWritten, type UnflushedSource } from './overlap-purge.js';
import type { Outside } from './overlap-shadows.js';
import type { PlannedTask } from './planned-task.js';
import { readCandidate } from './read-candidate.js';
import type { SSTableFacts } from './sstable-facts.js';
import { StagedStorage } from './staged-storage.js';
import { tableLayout } from './table-layout.js';

export type TableCompactionMode = 'dry' | 'aside' | 'in place';

export type TableCompactionSetup = {
  readonly mode: TableCompactionMode;
  readonly storage: Storage;
  readonly output: OutputStorage;
  /** Where the new SSTables go. */
  readonly directory: string;
  /** All of the table, whether tasks take them or not; at least one, in order of generation. */
  readonly sstables: readonly Candidate[];
  /** Generations that are taken beside those of `sstables`, such as in the node's other data directories. */
  readonly takenIds?: readonly string[] | undefined;
  readonly definition: Table | View | undefined;
  readonly params: CompactionParams;
  /** Of the new SSTables. */
  readonly version: Version;
  readonly columnIndexBytes?: number | undefined;
  readonly nowSeconds: number;
  readonly gcGraceSeconds: number;
  readonly hostId?: string | undefined;
  /** See {@link PurgeOptions.strictLiveness}. */
  readonly isStrict: boolean;
  readonly openData?: OpenDataSink | undefined;
  readonly readAhead?: ReadAhead | undefined;
  /** What tasks of kind `garbagecollect` leave out of what others hide: rows, or rows and cells. */
  readonly garbageCollect?: 'row' | 'cell' | undefined;
  /** See CompactionSetup. */
  readonly unflushed?: UnflushedSource | undefined;
  /** Makes time-based generations and transactions distinct: 64 random bits at each call. */
  readonly randomBits: () => bigint;
};

export type TaskResult = CompactionResult & {
  readonly task: PlannedTask;
  /** SSTables that took the place of the inputs: those that were written, or the one whose level was set. None of a dry run. */
  readonly live: readonly Candidate[];
};

type Running = {
  readonly compaction?: CompactionTask;
  readonly transaction?: LifecycleTransaction | undefined;
};

export class TableCompaction {
  private readonly setup: TableCompactionSetup;
  private readonly storage: StagedStorage;
  private readonly ids: string[];
  private layout: TableLayout | undefined;
  private current: readonly Candidate[];
  /** What dry tasks would have written, for those after them. */
  private readonly imagined: Outside[] = [];
  private running: Running | undefined;
  /** Outputs that wait for their names, by prefix: how they get them, and how they go. */
  private readonly waiting = new Map<string, { readonly publish: () => void; readonly remove: () => void }>();

  constructor(setup: TableCompactionSetup) {
    this.setup = setup;
    this.storage = new StagedStorage(setup.storage);
    this.current = setup.sstables;
    this.ids = [...(setup.takenIds ?? []), ...setup.sstables.map(({ descriptor }) => descriptor.id)];
  }

  /** What the table consists of now, in order of generation; of a dry run without what would have been written. */
  get live(): readonly Candidate[] {
    return this.current;
  }

  /** @param task whose inputs are among `live`. @throws CorruptError, UsageError, UnsupportedError: then the table is as before the task */
  async run(
    task: PlannedTask<Candidate>,
    onProgress?: (read: number, total: number) => void,
    pace?: Pace,
  ): Promise<TaskResult> {
    const { mode } = this.setup;
    if (task.kind === 'uplevel') return this.setLevel(task);
    const transaction = mode === 'in place' ? this.begin() : undefined;
    const compaction = new CompactionTask(await this.taskSetup(task, transaction));
    this.running = { compaction, transaction };
    const result = await compaction.run(onProgress, pace);
    if (mode === 'in place') {
      compaction.publish();
      transaction!.obsolete(task.inputs.map(({ descriptor }) => descriptor));
      transaction!.commit();
    }
    this.running = undefined;
    if (mode === 'dry') {
      this.replace(task.inputs, []);
      for (const one of result.outputs) {
        const files = task.inputs.map(({ descriptor }) => ({ storage: this.storage, descriptor }));
        this.imagined.push({ ...overlapOfWritten(one, one.partitioner), files });
      }
      return { ...result, task, live: [] };
    }
    const written = result.outputs.map(({ descriptor }) => descriptor);
    if (mode === 'aside') {
      for (const descriptor of written) {
        this.wait(descriptor, {
          publish: () => compaction.publish(descriptor),
          remove: () => compaction.drop(descriptor),
        });
      }
    }
    const live = written.map((descriptor) => readCandidate(this.storage, descriptor));
    this.replace(task.inputs, live);
    return { ...result, task, live };
  }

  /** Names all that was written aside. @throws UsageError */
  complete(): void {
    for (const [prefix, { publish }] of this.waiting) {
      publish();
      this.waiting.delete(prefix);
    }
  }

  /** Ends the task that runs, and removes what has no place in the table: the directory is as it was before the task. */
  abort(): void {
    const { compaction, transaction } = this.running ?? {};
    this.running = undefined;
    if (transaction?.state === 'undecided' || transaction?.state === 'committed') compaction?.close();
    else compaction?.abort();
    transaction?.abort();
    for (const { remove } of this.waiting.values()) remove();
    this.waiting.clear();
  }

  private begin(): LifecycleTransaction {
    const { output, version, nowSeconds, randomBits } = this.setup;
    return new LifecycleTransaction({ output, version, id: transactionId(nowSeconds * 1000, randomBits()) });
  }

  private async taskSetup(task: PlannedTask<Candidate>, transaction: LifecycleTransaction | undefined) {
    const { setup, storage } = this;
    const { output, definition, params, nowSeconds, gcGraceSeconds, hostId, isStrict, openData, readAhead } = setup;
    const taken = new Set<SSTableFacts>(task.inputs);
    const others = this.current.filter((one) => !taken.has(one));
    this.layout ??= await tableLayout(storage, definition, setup.sstables.at(-1)!.descriptor, {
      format: setup.version.format,
      columnIndexBytes: setup.columnIndexBytes,
    });
    return {
      storage,
      output,
      inputs: task.inputs,
      shape: task.output,
      others: [...others.map((one) => this.outsideOf(one)), ...this.imagined],
      definition,
      params,
      layout: this.layout,
      nextDescriptor: () => {
        const descriptor = this.nextDescriptor();
        transaction?.trackNew(descriptor);
        return descriptor;
      },
      nowSeconds,
      gcGraceSeconds,
      hostId,
      isStrict,
      garbageCollect: task.kind === 'garbagecollect' ? setup.garbageCollect : undefined,
      openData,
      readAhead,
      keepsFilters: setup.mode === 'dry',
      unflushed: setup.unflushed,
    };
  }

  private outsideOf(sstable: Candidate): Outside {
    const { storage } = this;
    return { ...overlapOf(storage, sstable), files: [{ storage, descriptor: sstable.descriptor }] };
  }

  /** Sets the level of one SSTable; aside, of a copy. */
  private setLevel(task: PlannedTask<Candidate>): TaskResult {
    const { mode, output } = this.setup;
    const [input] = task.inputs;
    const { descriptor } = input!;
    const level = 'level' in task.output ? task.output.level : 0;
    if (mode === 'dry') return { ...withoutReading([]), task, live: [] };
    let place = descriptor;
    if (mode === 'in place') mutateLevel(output, descriptor, level);
    else {
      place = this.nextDescriptor();
      const remove = () => removeCopy(output, place);
      this.wait(place, { publish: () => publishCopy(output, place), remove });
      copySSTable(this.storage, output, { from: descriptor, to: place, level });
    }
    const live = [readCandidate(this.storage, place)];
    this.replace(task.inputs, live);
    return { ...withoutReading([]), task, live };
  }

  private wait(descriptor: Descriptor, how: { readonly publish: () => void; readonly remove: () => void }): void {
    this.storage.stage(descriptor);
    this.waiting.set(descriptor.prefix, {
      publish: () => {
        how.publish();
        this.storage.unstage(descriptor);
      },
      remove: () => {
        how.remove();
        this.storage.unstage(descriptor);
      },
    });
  }

  /** In the table, `inputs` have become `outputs`; inputs that were only there for a task go. */
  private replace(inputs: readonly Candidate[], outputs: readonly Candidate[]): void {
    const gone = new Set(inputs);
    this.current = [...this.current.filter((one) => !gone.has(one)), ...outputs];
    for (const { descriptor } of inputs) {
      if (descriptor.directory !== this.setup.directory) continue;
      this.waiting.get(descriptor.prefix)?.remove();
      this.waiting.delete(descriptor.prefix);
    }
  }

  /** A generation after those that are there, of their kind. */
  private nextDescriptor(): Descriptor {
    const { directory, sstables, version, nowSeconds, randomBits } = this.setup;
    const { ids } = this;
    const isTimeBased = sstables.at(-1)!.descriptor.id.includes('_');
    const latest = ids.reduce((millis, id) => Math.max(millis, idTimestampMillis(id) ?? 0), nowSeconds * 1000);
    const id = isTimeBased ? timeBasedId(latest + 1, randomBits()) : nextNumber(ids);
    ids.push(id);
    const { format } = version;
    return { directory, version, format, id, prefix: `${version.name}-${id}-${format}` };
  }
}
