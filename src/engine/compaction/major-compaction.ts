/**
 * A compaction of one table's directory: the tasks that `nodetool compact`, or `nodetool garbagecollect`, would make of it, one after the other, each aware of what those
 * before it have written. Nothing gets its name before all are complete.
 */
import type { OutputStorage } from '../../bytes/sink.js';
import type { Storage } from '../../bytes/source.js';
import type { Table, View } from '../../cql/schema.js';
import type { OpenDataSink } from '../../sstable/data-sink.js';
import type { Descriptor } from '../../sstable/descriptor.js';
import { nextNumber, timeBasedId } from '../../sstable/sstable-id.js';
import type { Version } from '../../sstable/version.js';
import type { CompactionParams } from '../strategies/options.js';
import { type CompactionResult, CompactionTask, type Pace } from './compaction-task.js';
import { overlapOf, overlapOfWritten } from './overlap-purge.js';
import { type Outside, unpublishedFile } from './overlap-shadows.js';
import type { PlannedTask } from './planned-task.js';
import { readSSTableFacts, type SSTableFacts } from './sstable-facts.js';
import { tableLayout } from './table-layout.js';

export type MajorSetup = {
  readonly storage: Storage;
  readonly output: OutputStorage;
  /** One after the other. */
  readonly tasks: readonly PlannedTask[];
  /** Where the new SSTables go. */
  readonly directory: string;
  readonly sstables: readonly SSTableFacts[];
  /** SSTables of the table that are not to be compacted. */
  readonly outside: readonly SSTableFacts[];
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
  /** Each SSTable by itself, without what the others hide: `nodetool garbagecollect` in place of `nodetool compact`. */
  readonly garbageCollect?: 'row' | 'cell' | undefined;
  /** What is written can't be read again. */
  readonly isDry?: boolean | undefined;
  /** Makes time-based generations distinct: 64 random bits at each call. */
  readonly randomBits: () => bigint;
};

export type TaskResult = CompactionResult & { readonly task: PlannedTask };

export type TaskProgress = {
  /** From 0. */
  readonly task: number;
  readonly tasks: number;
  /** Plain bytes of the task's inputs. */
  readonly read: number;
  readonly total: number;
};

export class MajorCompaction {
  readonly tasks: readonly PlannedTask[];
  private readonly setup: MajorSetup;
  private readonly running: CompactionTask[] = [];

  constructor(setup: MajorSetup) {
    this.setup = setup;
    this.tasks = setup.tasks;
  }

  /** Runs all tasks. Their outputs stay under temporary names until {@link publish}. @throws CorruptError, UsageError, UnsupportedError */
  async run(onProgress?: (progress: TaskProgress) => void, pace?: Pace): Promise<TaskResult[]> {
    const { setup, tasks } = this;
    const { storage, output, sstables, outside, definition, params, version, nowSeconds, gcGraceSeconds, hostId } =
      setup;
    const like = sstables.at(-1)!.descriptor;
    const layout = await tableLayout(storage, definition, like, {
      format: version.format,
      columnIndexBytes: setup.columnIndexBytes,
    });
    const results: TaskResult[] = [];
    const nextDescriptor = this.namer();
    for (const [index, task] of tasks.entries()) {
      const compaction = new CompactionTask({
        storage,
        output,
        inputs: task.inputs,
        shape: task.output,
        others: [
          ...[...outside, ...this.untouched(index)].map((one) => outsideOf(storage, one)),
          ...results.flatMap((result) => this.written(result)),
        ],
        definition,
        params,
        layout,
        nextDescriptor,
        nowSeconds,
        gcGraceSeconds,
        hostId,
        isStrict: setup.isStrict,
        garbageCollect: setup.garbageCollect,
        openData: setup.openData,
      });
      this.running.push(compaction);
      const tell =
        onProgress && ((read: number, total: number) => onProgress({ task: index, tasks: tasks.length, read, total }));
      results.push({ ...(await compaction.run(tell, pace)), task });
    }
    return results;
  }

  /** What tasks before the one of this index have not taken: inputs of later ones, and those of none. */
  private untouched(index: number): SSTableFacts[] {
    const taken = new Set(this.tasks.slice(0, index + 1).flatMap(({ inputs }) => inputs));
    return this.setup.sstables.filter((one) => !taken.has(one));
  }

  /** What a task before has written, for those after it. */
  private written({ outputs, task }: TaskResult): Outside[] {
    const { storage, isDry } = this.setup;
    return outputs.map((one) => ({
      ...overlapOfWritten(one, one.partitioner),
      files: isDry
        ? task.inputs.map(({ descriptor }) => ({ storage, descriptor }))
        : [unpublishedFile(storage, one.descriptor)],
    }));
  }

  /** Generations after those that are there, of their kind. */
  private namer(): () => Descriptor {
    const { directory, sstables, version, nowSeconds, randomBits } = this.setup;
    const ids = sstables.map(({ descriptor }) => descriptor.id);
    const isTimeBased = ids.at(-1)!.includes('_');
    return () => {
      const id = isTimeBased ? timeBasedId(nowSeconds * 1000 + ids.length, randomBits()) : nextNumber(ids);
      ids.push(id);
      const { format } = version;
      return { directory, version, format, id, prefix: `${version.name}-${id}-${format}` };
    };
  }

  publish(): void {
    for (const task of this.running) task.publish();
  }

  /** Removes all that was written. */
  abort(): void {
    for (const task of this.running) task.abort();
  }
}

function outsideOf(storage: Storage, sstable: SSTableFacts): Outside {
  return { ...overlapOf(storage, sstable), files: [{ storage, descriptor: sstable.descriptor }] };
}

/** What is known of a table's SSTables without reading their rows, in order of generation. */
export function readAllFacts(storage: Storage, descriptors: readonly Descriptor[]): SSTableFacts[] {
  return descriptors.map((descriptor) => readSSTableFacts(storage, descriptor));
}
