/**
 * A transaction log: what a compaction, flush, stream … is about to add and remove, so that a crash at any moment is undone or completed at
 * the next start. UTF-8 text in every directory that the transaction touches (replicas with the same lines):
 *
 *   [<format>-]<version>_txn_<operation>_<time uuid>.log        oa_txn_compaction_….log   bti-da_txn_flush_….log
 *
 *   ADD:[<directory>/<version>-<id>-<format>-,0,<files>][<crc>]                   a new SSTable, deleted unless committed
 *   REMOVE:[<directory>/<version>-<id>-<format>-,<mtime ms>,<files>][<crc>]       an old SSTable, deleted once committed; newest mtime of its files
 *   COMMIT:[,0,0][<crc>]   or   ABORT:[,0,0][<crc>]                               at most one, and the last
 *
 * The CRC-32 is over the path and the type's name as text, then big-endian the time's low and high 32 bits and the count of files.
 */
import { crc32 } from '../../bytes/crc32.js';
import { UsageError } from '../../bytes/errors.js';
import type { SSTableFormat } from '../../sstable/version.js';

export type LogRecordType = 'UNKNOWN' | 'ADD' | 'REMOVE' | 'COMMIT' | 'ABORT';

export type LogRecord = {
  /** UNKNOWN where the line could not be parsed. */
  readonly type: LogRecordType;
  /** ADD and REMOVE: directory and name up to the component, with the closing dash. */
  readonly absolutePath?: string;
  /** REMOVE: newest modification among the SSTable's files, milliseconds since 1970; 0 for the others. */
  readonly updateTimeMillis: bigint;
  /** ADD and REMOVE: files that the SSTable had (for ADD, when it was registered). */
  readonly numFiles: number;
  readonly checksum: bigint;
  /** The line as it stands in the file. */
  readonly raw: string;
  /** Why the line can't be trusted, whatever the disk says. */
  readonly error?: string;
  /** The replicas differ in this line, one being the beginning of the other: a write that was cut short. */
  readonly partial?: true;
};

/** What the replicas of one log say, line by line. */
export type LogLines = {
  readonly records: readonly LogRecord[];
  /** Why the replicas can't be read as one log; `records` then ends at the trouble. */
  readonly error?: string;
};

export type LogReplica = { readonly file: string; readonly lines: readonly string[] };

const NAME = /^(?:((?:[a-z]+-)?.{2})_)?txn_(.*)_(.*)\.log$/;
const LINE = /^(add|remove|commit|abort):\[([^,]*),?([^,]*),?([^,]*)\]\[(\d*)\]$/i;
const INT64_MAX = (1n << 63n) - 1n;
const INT32_MAX = (1n << 31n) - 1n;
const encoder = new TextEncoder();

/** Parts of a log's file name; `undefined` for other names. `version` is as written (`oa`, `bti-da`), absent before 3.0's last form. */
export function parseLogName(
  name: string,
): { readonly version?: string; readonly operation: string; readonly id: string } | undefined {
  const m = NAME.exec(name);
  if (!m) return undefined;
  return { ...(m[1] !== undefined && { version: m[1] }), operation: m[2]!, id: m[3]! };
}

/** @param operation Cassandra's word without blanks: `compaction`, `flush`, `stream`, … */
export function formatLogName(format: SSTableFormat, version: string, operation: string, id: string): string {
  return `${format === 'big' ? version : `${format}-${version}`}_txn_${operation}_${id}.log`;
}

/** Whether a record names an SSTable. */
export function hasFile(type: LogRecordType): boolean {
  return type === 'ADD' || type === 'REMOVE';
}

/** A line of a log. Never throws: what can't be parsed becomes an UNKNOWN record with its error, as a start of the node takes it. */
export function parseRecord(line: string): LogRecord {
  const unknown = (error: string): LogRecord => ({
    type: 'UNKNOWN',
    updateTimeMillis: 0n,
    numFiles: 0,
    checksum: 0n,
    raw: line,
    error,
  });
  const m = LINE.exec(line);
  if (!m) return unknown('is not a record');
  const time = parseInteger(m[3]!, INT64_MAX);
  const files = parseInteger(m[4]!, INT32_MAX);
  const checksum = parseInteger(m[5]!, INT64_MAX);
  if (time === undefined || files === undefined || checksum === undefined) return unknown('has a number out of form');
  const type = m[1]!.toUpperCase() as LogRecordType;
  const record: LogRecord = {
    type,
    ...(hasFile(type) && { absolutePath: m[2]! }),
    updateTimeMillis: type === 'REMOVE' ? time : 0n,
    numFiles: hasFile(type) ? Number(files) : 0,
    checksum,
    raw: line,
  };
  const expected = recordChecksum(record);
  if (checksum === expected) return record;
  return { ...record, error: `checksum is ${checksum}, should be ${expected}` };
}

function parseInteger(text: string, max: bigint): bigint | undefined {
  if (!/^[+-]?[0-9]{1,30}$/.test(text)) return undefined;
  const value = BigInt(text.replace('+', ''));
  return value <= max && value >= -max - 1n ? value : undefined;
}

/** Unsigned 32 bits. */
export function recordChecksum(
  record: Pick<LogRecord, 'type' | 'absolutePath' | 'updateTimeMillis' | 'numFiles'>,
): bigint {
  const tail = new DataView(new ArrayBuffer(12));
  tail.setUint32(0, Number(BigInt.asUintN(32, record.updateTimeMillis)));
  tail.setUint32(4, Number(BigInt.asUintN(32, record.updateTimeMillis >> 32n)));
  tail.setInt32(8, record.numFiles);
  const text = crc32(encoder.encode((record.absolutePath ?? '') + record.type));
  return BigInt(crc32(new Uint8Array(tail.buffer), text));
}

/**
 * A record to be written.
 * @param absolutePath canonical directory and the name up to the component, closing dash included
 * @throws UsageError for a path with a comma or line break: the format has no way to write it
 */
export function makeFileRecord(
  type: 'ADD' | 'REMOVE',
  absolutePath: string,
  newestMillis: number,
  numFiles: number,
): LogRecord {
  if (/[,\r\n]/.test(absolutePath)) {
    throw new UsageError('a transaction log has no way to name a path with a comma or line break', {
      file: absolutePath,
    });
  }
  const updateTimeMillis = type === 'REMOVE' ? BigInt(Math.floor(newestMillis)) : 0n;
  return withChecksum({ type, absolutePath, updateTimeMillis, numFiles });
}

export function makeFinalRecord(type: 'COMMIT' | 'ABORT'): LogRecord {
  return withChecksum({ type, updateTimeMillis: 0n, numFiles: 0 });
}

function withChecksum(record: Omit<LogRecord, 'checksum' | 'raw'>): LogRecord {
  const checksum = recordChecksum(record);
  const { type, absolutePath = '', updateTimeMillis, numFiles } = record;
  return { ...record, checksum, raw: `${type}:[${absolutePath},${updateTimeMillis},${numFiles}][${checksum}]` };
}

/** The text that is appended for `records`. */
export function encodeRecords(records: readonly LogRecord[]): string {
  return records.map((record) => `${record.raw}\n`).join('');
}

/** Lines of a replica as Java splits them; `undefined` where the bytes are not UTF-8. */
export function decodeLines(bytes: Uint8Array): string[] | undefined {
  try {
    const lines = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).split(/\r\n|\n|\r/);
    if (lines[lines.length - 1] === '') lines.pop();
    return lines;
  } catch {
    return undefined;
  }
}

/** Reads the replicas side by side, by the rules of Cassandra's LogReplicaSet: only the last line of a replica may be cut short. */
export function readReplicas(replicas: readonly LogReplica[]): LogLines {
  const records: LogRecord[] = [];
  const seen = new Set<string>();
  const count = replicas.reduce((most, replica) => Math.max(most, replica.lines.length), 0);
  for (let i = 0; i < count; i++) {
    const merged = mergeLine(replicas, i);
    if ('error' in merged) return { records, error: merged.error };
    const record = parseRecord(merged.line);
    const key = `${record.type} ${record.absolutePath ?? ''} ${record.numFiles} ${record.updateTimeMillis}`;
    if (seen.has(key)) return { records, error: `line ${i + 1} repeats an earlier record: ${record.raw}` };
    seen.add(key);
    const misplaced = (record.type === 'COMMIT' || record.type === 'ABORT') && i < count - 1;
    const error = misplaced ? 'lines follow, though it should be the last' : record.error;
    records.push({ ...record, ...(merged.partial && { partial: true }), ...(error !== undefined && { error }) });
    if (misplaced) return { records, error: `lines follow ${record.type}, which should be the last` };
  }
  return { records };
}

function mergeLine(replicas: readonly LogReplica[], i: number): { line: string; partial: boolean } | { error: string } {
  let line: string | undefined;
  let partial = false;
  for (const { file, lines } of replicas) {
    const current = lines[i];
    if (current === undefined) continue;
    line ??= current;
    if (current === line) continue;
    const isPrefix = line.startsWith(current) || current.startsWith(line);
    if (!isPrefix || i !== lines.length - 1) {
      return { error: `line ${i + 1} of ${file} differs from the other replica: ${current}` };
    }
    if (current.length > line.length) line = current;
    partial = true;
  }
  return { line: line ?? '', partial };
}
