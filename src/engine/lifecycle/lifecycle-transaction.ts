/**
 * SSTables replaced in place, so that a crash at any moment leaves either the old or the new ones: by a transaction log of Cassandra's own form
 * (see transaction-log.ts), which a start of the node and `lsmctl compact recover` complete or undo alike.
 *
 *   const transaction = new LifecycleTransaction({ output, version, id: transactionId(millis, bits) });
 *   try {
 *     transaction.trackNew(descriptor);      ADD, on the disk before the first file of the new SSTable is made, even a temporary one
 *     …                                      write, sync and name the new SSTable's files (SSTableWriter)
 *     transaction.obsolete(descriptors);     REMOVE, for SSTables that the new ones stand for
 *     transaction.commit();                  COMMIT, on the disk; then the old files go, oldest first, then the log
 *   } catch (error) {
 *     transaction.abort();                   the directory is as it was
 *     throw error;
 *   }
 *
 *   killed before COMMIT is on the disk      the log undoes: what bears the name of an ADD goes
 *   killed after it                          the log completes: what bears the name of a REMOVE goes
 *
 * An SSTable may lie in any of a table's directories (a node has one a disk): the log has a replica in each that is concerned.
 */
import path from 'node:path';
import { InvariantError, LsmctlError, UsageError } from '../../bytes/errors.js';
import type { FileSink, OutputStorage } from '../../bytes/sink.js';
import { COMPONENT, type Descriptor } from '../../sstable/descriptor.js';
import { TEMPORARY } from '../../sstable/unpublished.js';
import type { Version } from '../../sstable/version.js';
import { filesOfPrefix, newestMillis, removeByLog } from './record-files.js';
import {
  decodeLines,
  encodeRecords,
  formatLogName,
  type LogRecord,
  makeFileRecord,
  makeFinalRecord,
  readReplicas,
} from './transaction-log.js';

export type LifecycleOptions = {
  readonly output: OutputStorage;
  /** Of the new SSTables, or of the old where there are no new ones: names the log. */
  readonly version: Version;
  /** A time-based UUID, see `transactionId`: no two transactions have the same. */
  readonly id: string;
};

/**
 * `undecided`: it could not be told whether COMMIT has reached the disk. Old and new SSTables are all there, and the log: a start of the node or
 * `lsmctl compact recover` decides by what the disk then says.
 */
export type LifecycleState = 'open' | 'committed' | 'aborted' | 'undecided';

/** Releases do not know each other's further kinds, and a start ends at a log of a kind that it does not know. */
const OPERATION = 'compaction';

type Replica = { readonly directory: string; readonly file: string; readonly sink: FileSink };

export class LifecycleTransaction {
  /** File name of the log, the same in each directory. */
  readonly logName: string;
  private readonly output: OutputStorage;
  private readonly replicas: Replica[] = [];
  private readonly records: LogRecord[] = [];
  /** New and old SSTables: directory and name up to the component, with the closing dash. */
  private readonly added = new Set<string>();
  private readonly removed = new Set<string>();
  private current: LifecycleState = 'open';
  /** All replicas have all records; false once one could not be written. */
  private isWhole = true;

  constructor({ output, version, id }: LifecycleOptions) {
    this.output = output;
    this.logName = formatLogName(version.format, version.name, OPERATION, id);
  }

  get state(): LifecycleState {
    return this.current;
  }

  /**
   * Announces a new SSTable, before any file of it is made.
   * @throws UsageError where files of that name are there, or the log can't be written
   */
  trackNew(descriptor: Descriptor): void {
    this.mustBeOpen();
    const prefix = this.prefixOf(descriptor);
    const [there] = filesOfPrefix(this.output, prefix);
    if (there || this.added.has(prefix)) {
      throw new UsageError('an SSTable that is to be written is there already', { file: there?.path ?? prefix });
    }
    this.append(path.dirname(prefix), makeFileRecord('ADD', prefix, 0, 0));
    this.added.add(prefix);
  }

  /**
   * Says that the new SSTables stand for these. Their files must not change from here on.
   * @throws UsageError where one has no Data.db any more, or the log can't be written
   */
  obsolete(descriptors: readonly Descriptor[]): void {
    this.mustBeOpen();
    for (const descriptor of descriptors) {
      const prefix = this.prefixOf(descriptor);
      const files = filesOfPrefix(this.output, prefix);
      if (!files.some((file) => file.path === prefix + COMPONENT.data)) {
        throw new UsageError('an SSTable that is to be replaced is not there any more', {
          file: prefix + COMPONENT.data,
        });
      }
      this.append(path.dirname(prefix), makeFileRecord('REMOVE', prefix, newestMillis(files), files.length));
      this.removed.add(prefix);
    }
  }

  /**
   * Makes the new SSTables stand for the old. Where it throws, `state` says how far it came: `undecided` (abort() tries to undo) or `committed`
   * (some old files are still there, and so is the log, by which they go).
   * @throws UsageError
   */
  commit(): void {
    this.mustBeOpen();
    if (this.records.length === 0) {
      this.current = 'committed';
      return;
    }
    for (const prefix of this.added) this.mustBeComplete(prefix);
    this.current = 'undecided';
    this.appendToAll(makeFinalRecord('COMMIT'));
    this.current = 'committed';
    this.clearAway(this.removed, 'the new SSTables are in place, but not all files of the old could be removed');
  }

  /**
   * Removes every file of the new SSTables, named or not, then the log. Does nothing once the transaction is committed or aborted.
   * @throws UsageError where that is not possible: what is left goes by the log
   */
  abort(): void {
    if (this.current === 'committed' || this.current === 'aborted') return;
    if (this.replicas.length > 0) {
      if (this.current === 'undecided') this.takeBackCommit();
      else this.tryAppendAbort();
      this.clearAway(this.added, 'not all files of the new SSTables could be removed');
    }
    this.current = 'aborted';
  }

  private prefixOf({ directory, prefix }: Descriptor): string {
    return path.join(this.output.canonicalPath(directory), `${prefix}-`);
  }

  private mustBeOpen(): void {
    if (this.current !== 'open') throw new InvariantError(`a transaction that is ${this.current} is gone on with`);
  }

  /** An SSTable that came to nothing has no files at all; any other has its name. */
  private mustBeComplete(prefix: string): void {
    const files = filesOfPrefix(this.output, prefix);
    if (files.length === 0) return;
    const unnamed = files.find((file) => file.path.endsWith(TEMPORARY));
    const hasData = files.some((file) => file.path === prefix + COMPONENT.data);
    if (unnamed || !hasData) {
      throw new InvariantError('a new SSTable is not complete', { file: unnamed?.path ?? prefix + COMPONENT.data });
    }
  }

  /** To every replica; one in `directory` is made where there is none. */
  private append(directory: string, record: LogRecord): void {
    if (!this.replicas.some((replica) => replica.directory === directory)) this.openReplica(directory);
    this.appendToAll(record);
  }

  /**
   * A new replica. Where the others have records already it appears with them in it: of replicas that are read side by side, only the last line may
   * be cut short.
   */
  private openReplica(directory: string): void {
    const file = path.join(directory, this.logName);
    const isFirst = this.records.length === 0;
    const sink = this.output.create(isFirst ? file : file + TEMPORARY);
    const replica = { directory, file, sink };
    if (isFirst) this.replicas.push(replica);
    else {
      try {
        write(sink, this.records);
        this.output.rename(file + TEMPORARY, file);
      } catch (error) {
        closeQuietly(sink);
        this.output.remove(file + TEMPORARY);
        throw error;
      }
      this.replicas.push(replica);
    }
    this.output.syncDirectory(directory);
  }

  private appendToAll(record: LogRecord): void {
    this.records.push(record);
    this.isWhole = false;
    for (const { sink } of this.replicas) write(sink, [record]);
    this.isWhole = true;
  }

  /** A log without ABORT is taken as one with it: what counts is that it has no COMMIT. */
  private tryAppendAbort(): void {
    if (!this.isWhole) return; // a line that was cut short must stay the last
    try {
      this.appendToAll(makeFinalRecord('ABORT'));
    } catch (error) {
      if (!(error instanceof LsmctlError)) throw error; // such as a full disk, for which it is aborted
    }
  }

  /**
   * Writing COMMIT has failed, and part of it, or all, may have reached the disk. Nothing is removed before the log is known not to have it: where
   * it can be read there, the log is replaced as a whole by one without. (Not by one with ABORT: replicas would contradict each other meanwhile.)
   */
  private takeBackCommit(): void {
    this.closeSinks();
    if (!this.mayHaveCommit()) return;
    const undone = encodeRecords(this.records.filter(({ type }) => type !== 'COMMIT'));
    try {
      for (const { directory, file } of this.replicas) {
        const beside = file + TEMPORARY;
        this.output.remove(beside);
        const sink = this.output.create(beside);
        try {
          sink.write(new TextEncoder().encode(undone));
          sink.sync();
        } finally {
          sink.close();
        }
        this.output.rename(beside, file);
        this.output.syncDirectory(directory);
      }
    } catch (error) {
      throw unfinished('whether the new SSTables or the old are to stay is not decided', this.replicas[0]!.file, error);
    }
  }

  /** As the log reads now; what has reached the disk is no more than that. */
  private mayHaveCommit(): boolean {
    const replicas = this.replicas.map(({ file }) => ({ file, lines: this.readLines(file) }));
    return replicas.some(({ lines }) =>
      readReplicas([{ file: '', lines }]).records.some(({ type }) => type === 'COMMIT'),
    );
  }

  private readLines(file: string): readonly string[] {
    const source = this.output.open(file);
    try {
      const bytes = new Uint8Array(source.size);
      source.read(0, bytes, 0, bytes.length);
      return decodeLines(bytes) ?? [];
    } finally {
      source.close();
    }
  }

  /** Removes the files of these SSTables, then the log; the order holds on the disk as well. */
  private clearAway(prefixes: ReadonlySet<string>, trouble: string): void {
    const { output } = this;
    try {
      this.closeSinks();
      const files = [...prefixes].flatMap((prefix) => filesOfPrefix(output, prefix));
      removeByLog(output, files, this.replicas.map(({ file }) => file)); // biome-ignore format: one line
    } catch (error) {
      throw unfinished(trouble, this.replicas[0]?.file ?? this.logName, error);
    }
  }

  private closeSinks(): void {
    for (const { sink } of this.replicas) closeQuietly(sink);
  }
}

function closeQuietly(sink: FileSink): void {
  try {
    sink.close();
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error; // its bytes could not be written: that has been told
  }
}

function write(sink: FileSink, records: readonly LogRecord[]): void {
  if (records.length === 0) return;
  sink.write(new TextEncoder().encode(encodeRecords(records)));
  sink.sync();
}

function unfinished(message: string, file: string, cause: unknown): unknown {
  if (!(cause instanceof LsmctlError)) return cause;
  const why = `${cause.message}${cause.facts.file === undefined ? '' : ` (${cause.facts.file})`}`;
  return new UsageError(
    `${message}: ${why}`,
    { file, hint: 'see to the cause, then run `lsmctl compact recover` on the directory before the node is started' },
    { cause },
  );
}
