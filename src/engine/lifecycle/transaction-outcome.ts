/**
 * What becomes of the files that a transaction log names: the checks and the decision of a node's start (Cassandra's LogFile.verify and
 * removeUnfinishedLeftovers), and which files a reader of the directory disregards meanwhile (LogAwareFileLister). Nothing is deleted here.
 */
import path from 'node:path';
import { LsmctlError } from '../../bytes/errors.js';
import { readWhole, type Storage } from '../../bytes/source.js';
import { decodeLines, type LogRecord, type LogReplica, parseLogName, readReplicas } from './transaction-log.js';

/** `delete` and `keep` are what a start of the node does; `gone` has no file left. */
export type RecordFate = 'delete' | 'keep' | 'gone';

export type RecordOutcome = {
  readonly record: LogRecord;
  /** Paths of the record's files that are there. */
  readonly files: readonly string[];
  readonly fate: RecordFate;
  /** Why the record fails its check: damaged, or at odds with the disk. */
  readonly error?: string;
};

export type TransactionOutcome = {
  /** File name of the log, the same in each directory. */
  readonly name: string;
  readonly operation: string;
  readonly id: string;
  /** Paths of the replicas. */
  readonly replicas: readonly string[];
  /** The last record, where it is sound: COMMIT or ABORT; otherwise the transaction was under way. */
  readonly state: 'committed' | 'aborted' | 'unfinished';
  /** False: a start of the node stops here and deletes nothing, and `problem` says why. */
  readonly verified: boolean;
  readonly problem?: string;
  readonly records: readonly RecordOutcome[];
  /** Paths that a reader of the directory disregards: old files of a committed transaction, else new ones. */
  readonly disregarded: readonly string[];
};

/** A file and its time, as far as the checks want it. */
type FoundFile = { readonly path: string; readonly mtimeMillis: number };
type Checked = { readonly record: LogRecord; readonly files: readonly FoundFile[]; error?: string };

/** File names of a directory, in any order. A directory that isn't there has none. */
export type Listing = (directory: string) => readonly string[];

/**
 * Decides about one log by its replicas (same file name, one a directory). `listing` gives the names in a directory; it is asked for the
 * replicas' directories and for those that records name.
 * Where records name a directory other than a replica's, but of the same keyspace and table, the data directory has been moved or copied:
 * the replica's own directory is looked at instead.
 */
export function decideTransaction(storage: Storage, replicas: readonly string[], listing: Listing): TransactionOutcome {
  const name = path.basename(replicas[0]!);
  const { operation = 'unknown', id = '' } = parseLogName(name) ?? {};
  const read = replicas.map((file) => ({ file, lines: readLines(storage, file) }));
  const undecodable = read.find((replica) => replica.lines === undefined);
  const lines = undecodable
    ? { records: [], error: `${undecodable.file} is not UTF-8 text` }
    : readReplicas(read as LogReplica[]);
  const finder = new FileFinder(storage, replicas.map((file) => path.dirname(file)), listing); // biome-ignore format: one line
  const checked = lines.records.map((record): Checked => checkRecord(record, finder.filesOf(record)));
  const problem = lines.error ?? disagreement(checked);
  const last = checked[checked.length - 1];
  const isLast = (type: LogRecord['type']) =>
    last !== undefined && last.record.type === type && last.error === undefined;
  const state = isLast('COMMIT') ? 'committed' : isLast('ABORT') ? 'aborted' : 'unfinished';
  const doomed = state === 'committed' ? 'REMOVE' : 'ADD';
  return {
    name,
    operation,
    id,
    replicas,
    state,
    verified: problem === undefined,
    ...(problem !== undefined && { problem }),
    records: checked.map(({ record, files, error }) => ({
      record,
      files: files.map((file) => file.path),
      fate: files.length === 0 ? 'gone' : problem === undefined && record.type === doomed ? 'delete' : 'keep',
      ...(error !== undefined && { error }),
    })),
    disregarded: mayDisregard(checked, lines.error !== undefined)
      ? checked
          .filter((c) => c.record.type === doomed && c.error === undefined)
          .flatMap((c) => c.files.map((file) => file.path))
      : [],
  };
}

function readLines(storage: Storage, file: string): readonly string[] | undefined {
  return decodeLines(readWhole(storage, file, 1 << 26));
}

/** A REMOVE record must stand for the very files that are there: a backup copied over them must not be deleted for an old log. */
function checkRecord(record: LogRecord, files: readonly FoundFile[]): Checked {
  if (record.error !== undefined) return { record, files, error: record.error };
  const newest = newestMillis(files);
  // Whole seconds: Java 8 and later ones give modification times in different resolution (JDK-8177809).
  if (record.type === 'REMOVE' && newest > 0n && seconds(newest) !== seconds(record.updateTimeMillis)) {
    const [seen, expected] = [newest, record.updateTimeMillis].map(isoTime);
    return { record, files, error: `files were modified at ${seen}, the record says ${expected}` };
  }
  return { record, files };
}

function newestMillis(files: readonly FoundFile[]): bigint {
  return BigInt(files.reduce((newest, file) => Math.max(newest, file.mtimeMillis), 0));
}

function seconds(millis: bigint): bigint {
  return millis / 1000n;
}

function isoTime(millis: bigint): string {
  return millis > -8_640_000_000_000_000n && millis < 8_640_000_000_000_000n
    ? new Date(Number(millis)).toISOString()
    : `${millis} ms`;
}

/**
 * Why a start would refuse the log. Only the last record may be damaged or cut short, and then only while all old SSTables are whole: the node
 * stopped while it wrote that record.
 */
function disagreement(checked: readonly Checked[]): string | undefined {
  const isBad = (c: Checked) => c.error !== undefined || c.record.partial === true;
  const first = checked.findIndex(isBad);
  if (first < 0) return undefined;
  const bad = checked[first]!;
  if (first < checked.length - 1) return `record ${first + 1}: ${bad.error ?? 'was cut short, and others follow'}`;
  for (const [i, c] of checked.slice(0, -1).entries()) {
    const present = c.files.filter((file) => file.mtimeMillis > 0).length;
    if (c.record.type === 'REMOVE' && present < c.record.numFiles) {
      c.error = `${present} of ${c.record.numFiles} files are there`;
      return `record ${i + 1}: ${c.error}, and the last record is damaged: ${bad.error ?? 'it was cut short'}`;
    }
  }
  return undefined;
}

/** Whether the directory can be read by the log: it is completed, or no old SSTable has lost a file (so nothing was deleted yet). */
function mayDisregard(checked: readonly Checked[], unreadable: boolean): boolean {
  const last = checked[checked.length - 1]?.record;
  const completed = !unreadable && (last?.type === 'COMMIT' || last?.type === 'ABORT');
  return (
    completed ||
    checked.every((c) => c.record.type !== 'REMOVE' || c.error !== undefined || c.files.length >= c.record.numFiles)
  );
}

/** Finds a record's files by their names' beginning. */
class FileFinder {
  private readonly storage: Storage;
  private readonly directories: readonly string[];
  private readonly listing: Listing;
  private readonly sorted = new Map<string, readonly string[]>();

  constructor(storage: Storage, directories: readonly string[], listing: Listing) {
    this.storage = storage;
    this.directories = directories;
    this.listing = listing;
  }

  filesOf(record: LogRecord): FoundFile[] {
    if (!record.absolutePath) return [];
    const prefix = path.basename(record.absolutePath);
    const files: FoundFile[] = [];
    for (const directory of this.places(path.dirname(record.absolutePath), prefix)) {
      for (const name of this.named(directory, prefix)) {
        const file = path.join(directory, name);
        const stat = this.storage.stat(file);
        if (stat) files.push({ path: file, mtimeMillis: Math.floor(stat.mtimeMillis) });
      }
    }
    return files;
  }

  /**
   * The recorded directory, where it is one of the replicas'; else that of the replicas' that is named like it and has such files; else the recorded
   * one, if it has them; else those named like it.
   */
  private places(recorded: string, prefix: string): readonly string[] {
    const exact = this.directories.find((directory) => path.resolve(directory) === recorded);
    if (exact !== undefined) return [exact];
    const tail = (directory: string) => path.resolve(directory).split(path.sep).slice(-2).join(path.sep);
    const moved = this.directories.filter((directory) => tail(directory) === tail(recorded));
    const hasFiles = (directory: string) => this.named(directory, prefix).length > 0;
    return moved.length === 0 || (!moved.some(hasFiles) && hasFiles(recorded)) ? [recorded] : moved;
  }

  private named(directory: string, prefix: string): readonly string[] {
    let names = this.sorted.get(directory);
    if (!names) {
      names = [...list(this.listing, directory)].sort();
      this.sorted.set(directory, names);
    }
    const start = lowerBound(names, prefix);
    let end = start;
    while (names[end]?.startsWith(prefix)) end++;
    return names.slice(start, end);
  }
}

/** Index of the first of the sorted `names` that is not before `text`. */
function lowerBound(names: readonly string[], text: string): number {
  let [low, high] = [0, names.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (names[middle]! < text) low = middle + 1;
    else high = middle;
  }
  return low;
}

function list(listing: Listing, directory: string): readonly string[] {
  try {
    return listing(directory);
  } catch (error) {
    if (error instanceof LsmctlError) return [];
    throw error;
  }
}
