/**
 * The memory of the kernel of sstabledump's text (`kernel/dump.as.ts`), which has the same numbers:
 *
 *   –, 1024 state of what reads rows, see `sstable/plain-memory.ts` | 4096 fields | 4608 columns, 64 × 32 | 6656 clusterings, 8 × 8
 *   | 6784 components of keys, 64 × 8 | 8192 texts, 1024 × 8 | 16384 days, 512 × 16 | 24576 pairs of digits | 24832 bytes of texts
 *   | 131072 the source, 256 | buffer | window
 *
 *   fields      int32, see {@link FIELD}; 64-bit ones have their lower half first
 *   column      u32 kind of its values, u32 number of their writer; i32 their width or −1; u32 1: complex, 2: of types of their own; u32 kind, u32
 *               number of the writer of paths; u32 number of the first of four texts
 *   clustering, component   u32 kind, u32 number of the writer
 *   text        u32 address, u32 bytes
 *   buffer      of the writer's text; behind it and behind the window, the cursor's, 64 bytes that are nobody's
 *
 * A kind is what the kernel knows how to write, 0 nothing: those values are written by the writer of that number, which it calls.
 */
import { InvariantError, LsmctlError } from '../bytes/errors.js';
import { ifThereIsMemory, instantiate, kernelMemory } from '../bytes/kernel-memory.js';
import { ByteWriter, type Template } from '../bytes/writer.js';
import type { CqlType } from '../cql/type.js';
import { fixedLength } from '../cql/type-facts.js';
import type { ValueWriter } from '../cql/values/value-writer.js';
import { FIELD as READ_FIELD, SOURCE } from '../sstable/plain-memory.js';
import type { UnfilteredCursor } from '../sstable/unfiltered-cursor.js';
import { DUMP_KERNEL } from './kernel/dump.wasm.js';

/** What a call ends with. */
export const IS_DONE = 0;
export const IS_FULL = 2;

const MAX_COLUMNS = 63;
const MAX_CLUSTERINGS = 8;
const MAX_KEY_PARTS = 64;
const MAX_TEXTS = 1024;

const STATE = 1024;
const DUMP = 4096;
const COLUMNS = 4608;
const COLUMN_INTS = 8;
const CLUSTERINGS = 6656;
const KEYS = 6784;
const TEXTS = 8192;
const TEXT_BYTES = 24832;
const SOURCE_AT = 131072;
const BUFFER = SOURCE_AT + 256;
/** Text is handed on when it is so long. */
const BUFFER_FULL_BYTES = 1 << 18;
const BUFFER_BYTES = 1 << 19;
const SLACK_BYTES = 64;
const WINDOW = BUFFER + BUFFER_BYTES + SLACK_BYTES;

/** Indexes of int32. */
const FIELD = {
  out: 0,
  outFull: 1,
  outEnd: 2,
  within: 3,
  after: 4,
  partitions: 5,
  steps: 6,
  /** Address of the last partition that was begun, or 0. */
  begun: 7,
  rawTimes: 9,
  base: 10,
  stop: 12,
  now: 14,
  minTtl: 16,
  keyParts: 17,
  room: 18,
  isWhole: 19,
} as const;

type DumpExports = { prepare(): number; run(): number };

/** A type with what writes it. */
export type KnownWriter = { readonly kind: number; readonly write: ValueWriter };

export type KernelColumn = {
  /** Of the values. */
  readonly value: KnownWriter;
  /** Of complex columns; `undefined` where each cell has a type of its own. */
  readonly path: KnownWriter | undefined;
  readonly isComplex: boolean;
  readonly type: CqlType;
  readonly texts: readonly Template[];
};

export type KernelSetup = {
  /** In the order of the kernel's numbers. */
  readonly texts: readonly Template[];
  readonly key: readonly KnownWriter[];
  readonly isComposite: boolean;
  readonly clustering: readonly KnownWriter[];
  readonly columns: readonly KernelColumn[];
  readonly rawTimes: boolean;
  readonly nowSeconds: number;
};

export class DumpMemory {
  readonly cursor: UnfilteredCursor;
  /** For the text: what is before where a call is told to go on is left alone. */
  readonly buffer: Buffer;
  private readonly bytes: Uint8Array;
  private readonly ints: Int32Array;
  private readonly fields: Int32Array;
  private readonly source: Int32Array;
  private readonly kernel: DumpExports;
  private readonly writers: ValueWriter[] = [];
  private readonly scratch = new ByteWriter(0);
  private textBytes = TEXT_BYTES;
  private longest = 0;

  /**
   * For the partitions under `cursor`, from which nothing has been read.
   * @returns `undefined` where the table is none of the kernel's, and where there is no memory for it
   */
  static open(cursor: UnfilteredCursor, setup: KernelSetup): DumpMemory | undefined {
    const { columns, clustering, key, texts } = setup;
    if (columns.length > MAX_COLUMNS || clustering.length > MAX_CLUSTERINGS || key.length > MAX_KEY_PARTS)
      return undefined;
    const all = [...texts, ...columns.flatMap((column) => column.texts)];
    const bytes = all.reduce((sum, { words }) => sum + words.byteLength, 0);
    if (all.length > MAX_TEXTS || TEXT_BYTES + bytes > SOURCE_AT) return undefined;
    return ifThereIsMemory(() => new DumpMemory(cursor, setup));
  }

  private constructor(cursor: UnfilteredCursor, setup: KernelSetup) {
    this.cursor = cursor;
    const { windowBytes } = cursor.in;
    const memory = kernelMemory(WINDOW + windowBytes + SLACK_BYTES);
    const { buffer } = memory;
    this.bytes = new Uint8Array(buffer);
    this.ints = new Int32Array(buffer, 0, SOURCE_AT / 4);
    this.fields = new Int32Array(buffer, DUMP, (COLUMNS - DUMP) / 4);
    this.source = new Int32Array(buffer, SOURCE_AT, 64);
    this.buffer = Buffer.from(buffer, BUFFER, BUFFER_BYTES);
    const write = (writer: number, start: number, end: number, to: number) => this.write(writer, start, end, to);
    this.kernel = instantiate<DumpExports>(DUMP_KERNEL, memory, { write });
    if (this.kernel.prepare() !== SOURCE_AT) throw new InvariantError('the kernel has its source elsewhere');
    cursor.in.useWindow(new Uint8Array(buffer, WINDOW, windowBytes));
    this.lay(setup);
  }

  private lay(setup: KernelSetup): void {
    const { cursor, ints, fields, source } = this;
    const { header, usesUInt, hasStatic } = cursor;
    for (const [i, text] of setup.texts.entries()) this.putText(i, text);
    let next = setup.texts.length;
    for (const [i, { value, path, isComplex, type, texts }] of setup.columns.entries()) {
      const at = COLUMNS / 4 + i * COLUMN_INTS;
      this.putWriter(at, value);
      ints[at + 2] = isComplex ? -1 : fixedLength(type);
      ints[at + 3] = isComplex ? (path ? 1 : 2) : 0;
      if (path) this.putWriter(at + 4, path);
      ints[at + 6] = next;
      for (const text of texts) this.putText(next++, text);
    }
    for (const [i, writer] of setup.clustering.entries()) this.putWriter(CLUSTERINGS / 4 + i * 2, writer);
    for (const [i, writer] of setup.key.entries()) this.putWriter(KEYS / 4 + i * 2, writer);
    const state = STATE / 4;
    ints[state + READ_FIELD.clusterings] = setup.clustering.length;
    ints[state + READ_FIELD.columns] = setup.columns.length;
    for (const [i, type] of header.clusteringTypes.entries()) {
      ints[state + READ_FIELD.clusteringFixed + i] = fixedLength(type);
    }
    const { minTimestampHi, minTimestampLo, minLocalDeletionSeconds, minTtlSeconds } = header.encodingStats;
    source[SOURCE.minTime] = minTimestampLo;
    source[SOURCE.minTime + 1] = minTimestampHi;
    put(source, SOURCE.minLocal, minLocalDeletionSeconds);
    source[SOURCE.usesUInt] = usesUInt ? 1 : 0;
    fields[FIELD.outFull] = BUFFER + BUFFER_FULL_BYTES;
    fields[FIELD.outEnd] = BUFFER + BUFFER_BYTES;
    fields[FIELD.rawTimes] = setup.rawTimes ? 1 : 0;
    put(fields, FIELD.now, setup.nowSeconds);
    fields[FIELD.minTtl] = minTtlSeconds;
    fields[FIELD.keyParts] = setup.isComposite ? setup.key.length : 0;
    fields[FIELD.isWhole] = hasStatic ? 0 : 1;
    fields[FIELD.room] = this.longest + MAX_CLUSTERINGS * 64 + 1024;
  }

  private putWriter(at: number, { kind, write }: KnownWriter): void {
    this.ints[at] = kind;
    this.ints[at + 1] = this.writers.length;
    this.writers.push(write);
  }

  private putText(number: number, { words, length }: Template): void {
    this.bytes.set(new Uint8Array(words.buffer, words.byteOffset, words.byteLength), this.textBytes);
    this.ints[TEXTS / 4 + number * 2] = this.textBytes;
    this.ints[TEXTS / 4 + number * 2 + 1] = length;
    this.textBytes += words.byteLength;
    this.longest += length;
  }

  /** What the kernel calls. Returns where the value's text ends; 0 where it is none, which is told when the row is written again. */
  private write(writer: number, start: number, end: number, to: number): number {
    const { scratch, buffer } = this;
    if (scratch.buf !== buffer) scratch.replace(buffer);
    scratch.pos = to - BUFFER;
    try {
      this.writers[writer]!(this.bytes, start, end, scratch);
    } catch (error) {
      if (error instanceof LsmctlError) return 0;
      throw error;
    }
    // one that does not fit has got memory of its own
    return scratch.buf === buffer ? BUFFER + scratch.pos : 0;
  }

  // ---- a call

  /** What the text comes after, partitions begun so far, and bytes in the buffer: to be set before a call, and good after it. */
  after = 0;
  partitions = 0;
  pos = 0;
  /** Whether the kernel stands within a partition. */
  isWithin = false;
  /** Partitions, rows and markers of the last call. */
  steps = 0;

  /**
   * Goes on with the partitions that begin before the position `stop`, or, within one, to its end; the cursor stands where it stopped.
   * @param index where in the window it goes on
   */
  run(index: number, stop: number): number {
    const { fields, source, cursor } = this;
    const input = cursor.in;
    source[SOURCE.pos] = WINDOW + index;
    source[SOURCE.end] = WINDOW + input.end;
    source[SOURCE.isLast] = input.hasMore ? 0 : 1;
    put(fields, FIELD.base, input.base - WINDOW);
    put(fields, FIELD.stop, stop);
    fields[FIELD.out] = BUFFER + this.pos;
    fields[FIELD.after] = this.after;
    fields[FIELD.partitions] = this.partitions;
    fields[FIELD.within] = this.isWithin ? 1 : 0;
    const reason = this.kernel.run();
    this.after = fields[FIELD.after]!;
    this.partitions = fields[FIELD.partitions]!;
    this.pos = fields[FIELD.out]! - BUFFER;
    this.isWithin = fields[FIELD.within] === 1;
    this.steps = fields[FIELD.steps]!;
    const stands = source[SOURCE.pos]! - WINDOW;
    const begun = fields[FIELD.begun]!;
    if (this.isWithin && begun > 0) cursor.goOnIn(stands, begun - WINDOW);
    else cursor.goOnAt(stands, this.isWithin);
    return reason;
  }
}

/** An integral double as 64 bits. */
function put(target: Int32Array, at: number, value: number): void {
  const within = Math.max(-(2 ** 62), Math.min(2 ** 62, value));
  target[at] = within;
  target[at + 1] = Math.floor(within / 4294967296);
}

// ---- what the kernel knows

const TEXT = 1;
const ASCII = 2;
const BLOB = 3;
const HEX = 4;
const UUID = 6;
const DATE = 10;
const INTEGER = 16;
const QUOTED_INTEGER = 32;

/** Of values as JSON. */
const JSON_KINDS: Readonly<Record<string, number>> = {
  text: TEXT,
  ascii: ASCII,
  blob: BLOB,
  boolean: 5,
  uuid: UUID,
  timeuuid: 7,
  timestamp: 8,
  date: DATE,
  decimal: 11,
  varint: 12,
  counter: 13,
  empty: 14,
  tinyint: INTEGER + 1,
  smallint: INTEGER + 2,
  int: INTEGER + 4,
  bigint: INTEGER + 8,
};

/** Of values as the strings that keys and paths are. */
const STRING_KINDS: Readonly<Record<string, number>> = {
  text: TEXT,
  ascii: ASCII,
  blob: HEX,
  uuid: UUID,
  timeuuid: UUID,
  timestamp: 9,
  date: DATE,
  tinyint: QUOTED_INTEGER + 1,
  smallint: QUOTED_INTEGER + 2,
  int: QUOTED_INTEGER + 4,
  bigint: QUOTED_INTEGER + 8,
};

export function jsonKind(type: CqlType): number {
  return kindIn(JSON_KINDS, type);
}

export function stringKind(type: CqlType): number {
  return kindIn(STRING_KINDS, type);
}

function kindIn(kinds: Readonly<Record<string, number>>, type: CqlType): number {
  if (type.kind === 'reversed') return kindIn(kinds, type.of);
  if (type.kind !== 'native' || type.className === 'LegacyTimeUUIDType') return 0;
  return kinds[type.name] ?? 0;
}
