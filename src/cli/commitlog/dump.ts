/** Prints the mutations of a commit log: `lsmctl commitlog dump`. */
import path from 'node:path';
import { CorruptError, UsageError } from '../../bytes/errors.js';
import { toBigInt } from '../../bytes/int64.js';
import { diskStorage } from '../../bytes/source.js';
import { ByteWriter } from '../../bytes/writer.js';
import type { SegmentFile } from '../../commitlog/commit-log-directory.js';
import type { LogTable } from '../../commitlog/log-schema.js';
import { MutationReader } from '../../commitlog/mutation-reader.js';
import { checkSalvage, checkSegment } from '../../commitlog/segment-check.js';
import type { SegmentFault } from '../../commitlog/segment-fault.js';
import { openSegment } from '../../commitlog/segment-open.js';
import type { Entry, SegmentVisitor } from '../../commitlog/segment-reader.js';
import type { UpdateCursor } from '../../commitlog/update-cursor.js';
import { columnsOfKind, isCompactTable, isSystemKeyspace } from '../../cql/schema.js';
import { parseValue } from '../../cql/values/parse-value.js';
import { sourceText } from '../../engine/schema-loader.js';
import { makeFilter, type UnfilteredFilter } from '../../engine/unfiltered-filter.js';
import { MutationNdjsonWriter, unknownUpdateLine } from '../../render/commitlog-ndjson.js';
import { CqlWriter } from '../../render/dump-cql.js';
import {
  type DumpContext,
  drain,
  FLUSH_BYTES,
  type PartitionWriter,
  type TextSink,
} from '../../render/partition-writer.js';
import { EXIT, type ExitCode } from '../exit.js';
import { parseMicros } from '../flags.js';
import { type Sink, withSink } from '../output.js';
import { startProgress } from '../progress.js';
import { faultText } from './fault-text.js';
import { followLog } from './follow.js';
import type { LOG_FORMATS } from './formats.js';
import { drive, type LogContext, learnFromLog, openLog } from './log-context.js';
import { compareLogPositions, type LogPosition, parseLogPosition } from './log-position.js';
import { walkSegment } from './segments.js';

export type LogDumpFlags = {
  readonly format: (typeof LOG_FORMATS)[number];
  readonly keyspace?: string | undefined;
  readonly table?: string | undefined;
  readonly key?: readonly string[] | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly limit?: number | undefined;
  readonly data?: readonly string[] | undefined;
  readonly schema?: string | undefined;
  readonly 'cassandra-yaml'?: string | undefined;
  readonly now: number;
  readonly output?: string | undefined;
  readonly follow: boolean;
  /** Only what a node leaves out because of damage. */
  readonly 'left-out': boolean;
};

/** @returns exit code: `corrupt` where anything could not be read. @throws UsageError, UnsupportedError, CorruptError */
export async function dumpLog(
  paths: readonly string[],
  flags: LogDumpFlags,
  tell: (line: string) => void,
): Promise<ExitCode> {
  if (flags.key !== undefined && flags.table === undefined) {
    throw new UsageError('--key needs --table', { hint: 'keys are read by the types of their table' });
  }
  const log = await openLog(paths, flags);
  const { segments, cipherOf } = log;
  const { loaded, tables } = log.schema;
  tell(loaded ? sourceText(loaded) : 'no schema: name the data directory with --data, or CQL with --schema');
  await learnFromLog(log);
  const progress = await startProgress(
    'dumping',
    segments.reduce((sum, { bytes }) => sum + bytes, 0),
  );
  const damaged = await withSink(flags.output, async (sink) => {
    const dump = new LogDump(flags, sink, tell);
    if (flags.follow) {
      await follow(paths, dump, log, sink);
      return dump.hasFaults;
    }
    let doneBytes = 0;
    for (const segment of segments) {
      if (dump.isDone) break;
      if (!dump.wantsSegment(segment)) continue;
      const onProgress = (position: number) => progress.update(doneBytes + position);
      try {
        if (flags['left-out']) {
          await dumpLeftOut(dump, segment, log, onProgress);
          doneBytes += segment.bytes;
          continue;
        }
        const isDone = () => dump.isDone;
        await walkSegment(diskStorage, segment, { cipherOf, onProgress, isDone }, (descriptor) =>
          dump.visitor(segment, new MutationReader(tables, descriptor.version, segment.file)),
        );
      } finally {
        dump.flush();
      }
      doneBytes += segment.bytes;
    }
    dump.flush();
    return dump.hasFaults;
  });
  progress.stop();
  return damaged ? EXIT.corrupt : EXIT.clean;
}

async function dumpLeftOut(
  dump: LogDump,
  file: SegmentFile,
  { cipherOf, schema: { tables } }: LogContext,
  onProgress: (position: number) => void,
): Promise<void> {
  const source = diskStorage.open(file.file);
  try {
    const name = { id: file.id, version: file.version, isCdcIndex: false };
    const { segment, fault, isGuessed } = await openSegment(source, name, cipherOf);
    if (fault) dump.fault(file.file, fault);
    if (!segment) return;
    const { mutation, fault: tell } = dump.visitor(
      file,
      new MutationReader(tables, segment.descriptor.version, file.file),
    );
    const visitor = {
      section() {},
      passed() {},
      unknown() {},
      lost() {},
      left: (entry: Entry) => mutation(entry),
      unreadable: (_: Entry, found: SegmentFault) => tell(found),
      fault: tell,
    };
    await drive((isGuessed ? checkSalvage : checkSegment)(segment, tables, visitor), onProgress);
  } finally {
    source.close();
  }
}

async function follow(paths: readonly string[], dump: LogDump, log: LogContext, sink: Sink): Promise<void> {
  const isDone = () => dump.isDone;
  const { cipherOf } = log;
  await followLog(diskStorage, paths, {
    isDone,
    tell: dump.tell,
    flush() {
      dump.flush();
      sink.flush();
    },
    fault: (segment, fault) => dump.fault(segment.file, fault),
    read: (segment, resume, until, onFault) =>
      walkSegment(diskStorage, segment, { cipherOf, isDone, resume, until }, (descriptor) => {
        const reader = new MutationReader(log.schema.tables, descriptor.version, segment.file);
        return { ...dump.visitor(segment, reader), fault: onFault };
      }),
  });
}

class LogDump {
  hasFaults = false;
  isDone = false;
  private readonly flags: LogDumpFlags;
  private readonly sink: TextSink;
  readonly tell: (line: string) => void;
  private readonly out = new ByteWriter(FLUSH_BYTES * 2);
  private readonly filter: UnfilteredFilter | undefined;
  private readonly from: LogPosition | undefined;
  private readonly to: LogPosition | undefined;
  private readonly writers = new Map<UpdateCursor, PartitionWriter>();
  private readonly wanted = new Map<string, TableWish | undefined>();
  private mutations = 0;

  constructor(flags: LogDumpFlags, sink: TextSink, tell: (line: string) => void) {
    this.flags = flags;
    this.sink = sink;
    this.tell = tell;
    const { since, until, from, to } = flags;
    this.filter = makeFilter({
      ...(since !== undefined && { sinceMicros: parseMicros(since, '--since') }),
      ...(until !== undefined && { untilMicros: parseMicros(until, '--until') }),
    });
    this.from = from === undefined ? undefined : parseLogPosition(from, '--from', 0);
    this.to = to === undefined ? undefined : parseLogPosition(to, '--to', Number.MAX_SAFE_INTEGER);
  }

  wantsSegment({ id }: SegmentFile): boolean {
    return !(this.from && id < this.from.segmentId) && !(this.to && id > this.to.segmentId);
  }

  flush(): void {
    drain(this.out, this.sink);
  }

  fault(file: string, found: SegmentFault): void {
    this.hasFaults = true;
    this.flush();
    this.tell(faultText(file, found));
  }

  /** What prints the mutations of a segment. */
  visitor(segment: SegmentFile, reader: MutationReader): SegmentVisitor {
    const name = path.basename(segment.file);
    const fault = (found: SegmentFault) => this.fault(segment.file, found);
    return {
      fault,
      mutation: (entry) => {
        if (this.isDone || !this.isInside(segment.id, entry)) return;
        try {
          if (this.mutation(name, segment, reader, entry) && ++this.mutations === this.flags.limit) this.isDone = true;
        } catch (error) {
          if (!(error instanceof CorruptError)) throw error;
          const { startPosition: filePosition, position, section } = entry;
          const { seen, expected } = error.facts;
          fault({
            kind: 'mutation_content',
            message: error.message,
            filePosition,
            position,
            section,
            ...(seen !== undefined && { seen }),
            ...(expected !== undefined && { expected }),
          });
        }
      },
    };
  }

  private isInside(segmentId: number, { position }: Entry): boolean {
    const here = { segmentId, position };
    return (
      !(this.from && compareLogPositions(here, this.from) < 0) && !(this.to && compareLogPositions(here, this.to) > 0)
    );
  }

  /** @returns whether anything of it was printed */
  private mutation(name: string, segment: SegmentFile, reader: MutationReader, entry: Entry): boolean {
    let isPrinted = false;
    reader.begin(entry);
    while (reader.next()) {
      const wish = this.wishFor(reader);
      if (!wish || (wish.keys && !wish.keys.has(Buffer.from(reader.key).toString('latin1')))) continue;
      if (reader.cursor && reader.table) {
        const writer = this.writerFor(reader.cursor, reader.table, segment.file);
        if (writer instanceof MutationNdjsonWriter) writer.at(name, entry.position);
        if (writer.partition(reader.cursor, this.filter)) isPrinted = true;
      } else {
        this.unknown(name, reader, entry);
        isPrinted = true;
      }
    }
    if (this.out.pos >= FLUSH_BYTES) this.flush();
    return isPrinted;
  }

  private wishFor({ table, tableId }: MutationReader): TableWish | undefined {
    if (this.wanted.has(tableId)) return this.wanted.get(tableId);
    const wish = this.makeWish(table, tableId);
    this.wanted.set(tableId, wish);
    return wish;
  }

  private makeWish(table: LogTable | undefined, tableId: string): TableWish | undefined {
    const { keyspace, table: name, key, format } = this.flags;
    if (!table) return (keyspace === undefined && name === undefined) || name === tableId ? {} : undefined;
    if (keyspace !== undefined && table.keyspace !== keyspace) return undefined;
    if (name !== undefined && table.name !== name && table.id !== name) return undefined;
    if (format === 'cql' && keyspace === undefined && isSystemKeyspace(table.keyspace)) return undefined;
    if (key === undefined) return {};
    const keys = key.map((text) => Buffer.from(parseValue(table.keyType, text)).toString('latin1'));
    return { keys: new Set(keys) };
  }

  private writerFor(cursor: UpdateCursor, table: LogTable, file: string): PartitionWriter {
    let writer = this.writers.get(cursor);
    if (!writer) {
      const context = dumpContext(table, file, this.flags.now);
      const { out, sink } = this;
      if (this.flags.format === 'cql') {
        writer = new CqlWriter(cursor.header, context, sink, out);
        writer.begin();
      } else writer = new MutationNdjsonWriter(cursor.header, context, sink, out);
      this.writers.set(cursor, writer);
    }
    return writer;
  }

  private unknown(name: string, reader: MutationReader, entry: Entry): void {
    const { tableId, key, stats, unreachable: unread } = reader;
    const bytes = entry.end - entry.start;
    if (this.flags.format === 'cql') {
      this.out.utf8(`-- ${name}:${entry.position}: table ${tableId} is not in the schema\n`);
      return;
    }
    const leastTimestamp = stats.hasTimestamp ? toBigInt(stats.timestampHi, stats.timestampLo) : undefined;
    const update = { tableId, key, bytes, unread, ...(leastTimestamp !== undefined && { leastTimestamp }) };
    this.out.utf8(`${unknownUpdateLine(name, entry.position, update)}\n`);
  }
}

/** What is wanted of a table: all, or some keys (as latin1). */
type TableWish = { readonly keys?: ReadonlySet<string> };

function dumpContext({ definition, keyspace, name }: LogTable, file: string, nowSeconds: number): DumpContext {
  const namesOf = (kind: 'partition_key' | 'clustering') =>
    columnsOfKind(definition, kind).map((column) => column.name);
  const isPlain = 'flags' in definition && !isCompactTable(definition);
  return {
    keyspace,
    table: name,
    sstable: file,
    partitionKey: namesOf('partition_key'),
    clustering: namesOf('clustering'),
    ...(isPlain && { columns: definition.columns.map((column) => column.name) }),
    nowSeconds,
  };
}
