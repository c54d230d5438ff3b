/** `lsmctl read PATH KEY`: the answer, then what it cost. */
import { UsageError } from '../../bytes/errors.js';
import { diskStorage } from '../../bytes/source.js';
import { parseValue } from '../../cql/values/parse-value.js';
import { droppedTimes } from '../../engine/compaction/output-header.js';
import { type ReadSlice, WHOLE_PARTITION } from '../../engine/read/clustering-slice.js';
import { PartitionRead } from '../../engine/read/partition-read.js';
import { ReadCandidate } from '../../engine/read/read-candidate.js';
import { ReadPath } from '../../engine/read/read-path.js';
import { VersionWalk } from '../../engine/read/versions.js';
import { costText, type ReadReport, readReport, traceText } from '../../render/read-report.js';
import { JsonRows } from '../../render/read-rows.js';
import {
  bigTableText,
  rowObject,
  rowText,
  tombstoneObject,
  tombstoneText,
  versionNames,
} from '../../render/read-versions.js';
import type { SerializationHeader } from '../../sstable/serialization-header.js';
import { readStatistics } from '../../sstable/statistics.js';
import { EXIT, type ExitCode } from '../exit.js';
import { parseMicros } from '../flags.js';
import { nothingThere, type ReadTable } from './read-table.js';
import { parseSlice } from './slice.js';

export type ReadFlags = {
  readonly slice?: string | undefined;
  readonly 'as-of'?: string | undefined;
  readonly trace: boolean;
  readonly versions: boolean;
  readonly format: 'json' | 'cells';
  readonly limit?: number | undefined;
  readonly commitlog?: readonly string[] | undefined;
  readonly schema?: string | undefined;
  readonly now: number;
  readonly warn: number;
  readonly fail: number;
};

export type ReadDone = {
  readonly report: ReadReport & {
    /** Each the text that SELECT JSON gives: numbers keep all their digits. */ readonly rows?: readonly string[];
    readonly versions?: object;
  };
  readonly exitCode: ExitCode;
};

/** Rows that `--json` holds where `--limit` does not tell. */
const JSON_ROWS = 1000;

/** @param write takes text as it comes; absent for `--json`. @throws CorruptError, UsageError, UnsupportedError */
export async function readKey(
  table: ReadTable,
  keyText: string,
  flags: ReadFlags,
  write: ((bytes: Uint8Array | string) => void) | undefined,
  tell: (line: string) => void,
): Promise<ReadDone> {
  const { header, key, memtable } = await keyOf(table, keyText, flags, tell);
  const slice = flags.slice === undefined ? WHOLE_PARTITION : parseSlice(flags.slice, header.clusteringTypes);
  const untilMicros = flags['as-of'] === undefined ? undefined : parseMicros(flags['as-of'], '--as-of');
  const nowSeconds = untilMicros === undefined ? flags.now : Number(untilMicros / 1_000_000n);
  const { descriptors, definition } = table;
  const candidates = [
    ...descriptors.map((one) => new ReadCandidate(diskStorage, one)),
    ...(memtable ? [memtable] : []),
  ];
  if (candidates.length === 0) throw nothingThere(table);
  const path = new ReadPath({ candidates, key, slice, definition, untilMicros });
  try {
    await path.find();
    const merged = path.header();
    const rows: string[] = [];
    const shows = !flags.versions && flags.format === 'json';
    const limit = flags.limit ?? (write ? Number.POSITIVE_INFINITY : JSON_ROWS);
    const take = (line: Uint8Array) => {
      if (write) write(line);
      else rows.push(Buffer.from(line).toString('utf8').trimEnd());
    };
    const answer = answerOf(path, merged, { table, key, slice, nowSeconds, limit }, shows ? take : () => {});
    path.settle();
    let versions: object | undefined;
    if (!shows && merged) {
      const all = new ReadPath({ candidates, key, slice, definition, untilMicros, asksAll: true });
      await all.find();
      versions = showVersions(all, all.header() ?? merged, { table, keyText, flags, nowSeconds, limit }, write);
    }
    const report = readReport({
      keyspace: table.keyspace,
      table: table.name,
      key: keyText,
      token: path.partitioner.tokenText(path.partitioner.tokenOf(key)),
      slice: flags.slice,
      nowSeconds,
      asOfMicros: untilMicros,
      query: path.isByName ? 'by-name' : 'by-range',
      answer,
      isCommitLogRead: flags.commitlog !== undefined,
      steps: path.steps,
      thresholds: { warn: flags.warn, fail: flags.fail },
    });
    write?.(
      `${answer.rows > 0 || versions ? '\n' : ''}${flags.trace ? `${traceText(report)}\n` : ''}${costText(report)}`,
    );
    const exitCode = report.thresholds.crossed === 'none' ? EXIT.clean : EXIT.findings;
    return { report: { ...report, ...(shows ? { rows } : { versions: versions ?? {} }) }, exitCode };
  } finally {
    for (const candidate of candidates) candidate.close();
  }
}

/** The key's bytes, and what the commit log has of it. */
async function keyOf(table: ReadTable, text: string, flags: ReadFlags, tell: (line: string) => void) {
  const { commitlog } = flags;
  const [first] = table.descriptors;
  const own = first && readStatistics(diskStorage, first).header;
  const key = own && keyBytes(own, text);
  const unflushed = commitlog && (await unflushedOf(table, { ...flags, commitlog }, key, tell));
  const header = own ?? unflushed?.header;
  if (!header) throw nothingThere(table);
  return { header, key: key ?? keyBytes(header, text), memtable: unflushed?.candidate };
}

/** The code of replays is a third of that of reads: it is loaded for those that have a log. */
async function unflushedOf(
  table: ReadTable,
  flags: ReadFlags & { readonly commitlog: readonly string[] },
  key: Uint8Array | undefined,
  tell: (line: string) => void,
) {
  const [{ readMemtable }, { memtableCandidate }] = await Promise.all([
    import('./memtable.js'),
    import('../../engine/read/memtable-candidate.js'),
  ]);
  const memtable = await readMemtable(table.path, flags, { table, key }, tell);
  return { header: memtable?.header, candidate: memtableCandidate(memtable) };
}

function keyBytes({ keyType }: SerializationHeader, text: string): Uint8Array {
  try {
    return parseValue(keyType, text);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`KEY: ${error.message}`, error.facts, { cause: error });
  }
}

type Asked = {
  readonly table: ReadTable;
  readonly key: Uint8Array;
  readonly slice: ReadSlice;
  readonly nowSeconds: number;
  readonly limit: number;
};

/** Reads the whole slice, as a query without LIMIT does, and shows the first rows of it. */
export function answerOf(
  path: ReadPath,
  header: SerializationHeader | undefined,
  { table, key, slice, nowSeconds, limit }: Asked,
  take: (line: Uint8Array) => void,
): ReadReport['answer'] {
  if (!header) return { rows: 0, liveRows: 0, tombstones: 0 };
  const { definition, gcGraceSeconds, isStrict } = table;
  const gcBeforeSeconds = gcGraceSeconds === undefined ? Number.NEGATIVE_INFINITY : nowSeconds - gcGraceSeconds;
  const lines = new JsonRows(header, definition, nowSeconds);
  const read = new PartitionRead({ header, slice, nowSeconds, gcBeforeSeconds, isStrict });
  let rows = 0;
  const show = (line: Uint8Array | undefined) => {
    if (line && rows++ < limit) take(line);
  };
  lines.partition(key);
  read.run(path.open(header), {
    staticRow: (row, isLive) => lines.staticRow(row, isLive),
    row: (row) => {
      show(lines.row(row));
      return true;
    },
  });
  if (slice.start.values.length === 0 && slice.end.values.length === 0) show(lines.staticOnly());
  return { rows, ...read.counts };
}

type Shown = {
  readonly table: ReadTable;
  readonly keyText: string;
  readonly flags: ReadFlags;
  readonly nowSeconds: number;
  readonly limit: number;
};

function showVersions(
  path: ReadPath,
  header: SerializationHeader,
  { table, keyText, flags, nowSeconds, limit }: Shown,
  write: ((text: string) => void) | undefined,
): object {
  const sources = path.open(header);
  const names = versionNames(
    header,
    table.definition,
    sources.map(({ sstable }) => sstable.descriptor.prefix),
  );
  const droppedMicros = droppedTimes(table.definition);
  const walk = new VersionWalk(sources, header, { nowSeconds, gcGraceSeconds: table.gcGraceSeconds, droppedMicros });
  if (walk.partition.length > 0 && flags.format !== 'cells') {
    write?.(`partition ${keyText}\n${walk.partition.map((tombstone) => tombstoneText(tombstone, names)).join('')}`);
  }
  const rows: object[] = [];
  let count = 0;
  for (const row of walk.rows()) {
    if (count++ === limit) break;
    if (write) write(flags.format === 'cells' ? bigTableText(keyText, row, names) : rowText(row, names));
    else rows.push(rowObject(row, names));
  }
  return { partition: walk.partition.map((tombstone) => tombstoneObject(tombstone, names)), rows };
}
