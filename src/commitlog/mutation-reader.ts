/**
 * The partition updates of a mutation:
 *
 *   mutation = vint count (1 and more), count × update          (see update-cursor.ts)
 *
 * All updates of a mutation have the same key, in tables of one keyspace. Where an update ends is known only by reading it, for which its table
 * must be known: behind an update of an unknown table the mutation can't be read.
 */
import { type CorruptError, withFacts } from '../bytes/errors.js';
import { marshalTypeName } from '../cql/marshal.js';
import {
  EPOCH_MICROS_HI,
  EPOCH_MICROS_LO,
  EPOCH_SECONDS,
  makeSerializationHeader,
  type SerializationHeader,
  type StoredColumn,
} from '../sstable/serialization-header.js';
import { idKey, keyTexts, type LogSchema, type LogTable, uuidText } from './log-schema.js';
import type { Entry } from './segment-reader.js';
import {
  hasDeletion,
  hasStaticRow,
  isEmptyUpdate,
  isReversed,
  MutationCursor,
  rowVersion,
  UpdateCursor,
  UpdateStats,
} from './update-cursor.js';

const NOTHING = new Uint8Array(0);
const RECENT_TABLES = 4;

/** Columns as updates name them, with the cursor that reads updates of these columns. */
type Layout = {
  /** The column lists as stored, static ones first where `hasStatics`. */
  readonly stored: Uint8Array;
  readonly hasStatics: boolean;
  readonly laterColumn: string | undefined;
  readonly cursor: UpdateCursor;
};

type KnownTable = {
  readonly idBytes: Uint8Array;
  readonly id: string;
  readonly table: LogTable | undefined;
  readonly layouts: Layout[];
};

export class MutationReader {
  /** Updates of the mutation, and the number of that under the cursor, from 0. */
  count = 0;
  index = -1;
  /** Of the update: where it begins, and the id of its table. */
  position = 0;
  tableId = '';
  /** `undefined` where the schema has no table of this id; rows can't be read then, nor what follows. */
  table: LogTable | undefined;
  flags = 0;
  readonly stats = new UpdateStats();
  /** A column of the update that only the log's own schema changes know: a node stops at it. */
  laterColumn: string | undefined;
  /** Stands on the update, before its static row. `undefined` where the table is not known. */
  cursor: UpdateCursor | undefined;

  private readonly schema: LogSchema;
  private readonly version: number;
  private readonly file: string;
  private readonly in: MutationCursor;
  private readonly byId = new Map<string, KnownTable>();
  private known: KnownTable | undefined;
  /** Of the last mutations: the next is of one of these more often than not. */
  private readonly recent: KnownTable[] = [];
  private oldest = 0;
  /** The key is `in.buf[keyStart, keyStart + keyLength)`; a view of it is made for those who ask. */
  private keyStart = 0;
  private keyLength = 0;
  private keyView: Uint8Array | undefined = NOTHING;
  /** Index of what follows the update's stats. */
  private headEnd = 0;

  /** @param version of the commit log */
  constructor(schema: LogSchema, version: number, file: string) {
    this.schema = schema;
    this.version = version;
    this.file = file;
    this.in = new MutationCursor(file);
  }

  /** Of the partition; good until the next mutation. */
  get key(): Uint8Array {
    this.keyView ??= this.in.buf.subarray(this.keyStart, this.keyStart + this.keyLength);
    return this.keyView;
  }

  /** Goes to a mutation. @throws CorruptError */
  begin(entry: Entry): void {
    const { in: c } = this;
    c.take(entry.buf, entry.start, entry.end, entry.startPosition + 8);
    this.cursor = undefined;
    this.table = undefined;
    this.index = -1;
    this.count = c.uvint32();
    if (this.count === 0) throw c.corrupt('mutation without updates');
    // an update has an id, a key length and flags
    if (this.count > c.left / 18) throw c.corrupt('mutation has more updates than fit', { seen: this.count });
  }

  /** Goes to the next update, past what is left of this one; `false` after the last. @throws CorruptError */
  next(): boolean {
    if (!this.advance()) return false;
    this.readHead();
    this.look();
    return true;
  }

  /**
   * As {@link next}, but the last update is not looked into: there is no cursor, and nothing is known of its columns and rows. Nearly all
   * mutations have one update, so that this costs little.
   */
  nextHead(): boolean {
    if (!this.advance()) return false;
    this.readHead();
    if (this.index + 1 < this.count) this.look();
    else if (!this.stats.hasTimestamp && hasDeletion(this.flags)) this.readLoneDeletion();
    return true;
  }

  /** The cursor of the update on which {@link nextHead} stands. `undefined` where its table is not known. @throws CorruptError */
  cursorOnHead(): UpdateCursor | undefined {
    if (!this.cursor) this.look();
    return this.cursor;
  }

  private advance(): boolean {
    if (this.index >= 0) {
      if (!this.cursor) return false;
      this.cursor.finish();
    }
    if (this.index + 1 >= this.count) return false;
    this.index++;
    return true;
  }

  /** The deletion of a partition alone comes without stats: its own time is the least one. */
  private readLoneDeletion(): void {
    const { in: c, stats } = this;
    for (let lists = hasStaticRow(this.flags) ? 2 : 1; lists > 0; lists--) {
      for (let left = c.count(c.uvint32(), 1, 'columns'); left > 0; left--) c.skip(c.uvint32());
    }
    stats.readTimestamp(c);
    stats.hasTimestamp = true;
  }

  /** Updates behind one of an unknown table, which can't be reached. */
  get unreachable(): number {
    return this.cursor || this.index < 0 ? 0 : this.count - this.index - 1;
  }

  private readHead(): void {
    const { in: c } = this;
    this.position = c.offset;
    this.cursor = undefined;
    const known = this.knownTable();
    this.known = known;
    this.tableId = known.id;
    this.table = known.table;
    this.keyLength = c.uvint32();
    this.keyStart = c.pos;
    this.keyView = undefined;
    c.skip(this.keyLength);
    this.flags = c.u8();
    if (isReversed(this.flags)) throw c.corrupt('update is in reversed order', { seen: this.flags });
    if (isEmptyUpdate(this.flags)) this.stats.hasTimestamp = false;
    else this.stats.read(c);
    this.headEnd = c.pos;
  }

  /** Puts the cursor of the update's columns on it, where the table is known. */
  private look(): void {
    const { known } = this;
    this.in.pos = this.headEnd;
    const isEmpty = isEmptyUpdate(this.flags);
    this.cursor = known?.table && this.layoutOf(known, hasStaticRow(this.flags), isEmpty).cursor;
    this.cursor?.begin(this.position, this.keyStart, this.keyLength, this.flags, this.stats);
  }

  private knownTable(): KnownTable {
    const { in: c } = this;
    c.need(16);
    for (let i = 0; i < this.recent.length; i++) {
      const known = this.recent[i]!;
      if (!this.isHere(known.idBytes)) continue;
      c.pos += 16;
      return known;
    }
    const key = idKey(c.buf, c.pos);
    let known = this.byId.get(key);
    if (!known) {
      known = {
        idBytes: c.buf.slice(c.pos, c.pos + 16),
        id: uuidText(c.buf, c.pos),
        table: this.schema.find(key),
        layouts: [],
      };
      this.byId.set(key, known);
    }
    this.recent[this.oldest] = known;
    this.oldest = (this.oldest + 1) % RECENT_TABLES;
    c.pos += 16;
    return known;
  }

  /** The layout of the columns at the cursor, which goes behind them. */
  private layoutOf(known: KnownTable, hasStatics: boolean, isEmpty: boolean): Layout {
    const { in: c } = this;
    const { layouts } = known;
    for (let i = 0; i < layouts.length; i++) {
      const layout = layouts[i]!;
      if (layout.hasStatics !== hasStatics || !(isEmpty ? layout.stored.length === 0 : this.isHere(layout.stored)))
        continue;
      c.pos += layout.stored.length;
      this.laterColumn = layout.laterColumn;
      return layout;
    }
    const start = c.pos;
    this.laterColumn = undefined;
    const statics = hasStatics ? this.readColumns(known.table!) : [];
    const regulars = isEmpty ? [] : this.readColumns(known.table!);
    const header = headerOf(known.table!, statics, regulars, this.file);
    const layout: Layout = {
      stored: c.buf.slice(start, c.pos),
      hasStatics,
      laterColumn: this.laterColumn,
      cursor: new UpdateCursor(c, header, rowVersion(this.version)),
    };
    layouts.push(layout);
    return layout;
  }

  private isHere(bytes: Uint8Array): boolean {
    const { buf, pos, end } = this.in;
    if (bytes.length === 0 || bytes.length > end - pos) return false;
    for (let i = 0; i < bytes.length; i++) if (bytes[i] !== buf[pos + i]) return false;
    return true;
  }

  private readColumns(table: LogTable): StoredColumn[] {
    const { in: c } = this;
    const columns: StoredColumn[] = [];
    for (let left = c.count(c.uvint32(), 1, 'columns'); left > 0; left--) {
      const nameBytes = c.bytes(c.uvint32());
      const key = Buffer.from(nameBytes).toString('latin1');
      let type = table.columnTypes.get(key);
      if (!type) {
        type = table.laterTypes.get(key);
        this.laterColumn = type && Buffer.from(nameBytes).toString('utf8');
      }
      if (!type) throw unknownColumn(table, nameBytes, c);
      columns.push({ nameBytes, type: marshalTypeName(type) });
    }
    return columns;
  }
}

function unknownColumn(table: LogTable, nameBytes: Uint8Array, c: MutationCursor): CorruptError {
  return c.corrupt(`update names a column that ${table.keyspace}.${table.name} does not have`, {
    seen: Buffer.from(nameBytes).toString('utf8'),
    hint: 'the schema beside the commit log is not the one that the node had',
  });
}

/** Columns stay in the order in which they are named: the one in which rows hold cells. */
function headerOf(
  table: LogTable,
  statics: readonly StoredColumn[],
  regulars: readonly StoredColumn[],
  file: string,
): SerializationHeader {
  const stored = { ...keyTexts(table), staticColumns: statics, regularColumns: regulars };
  const noStats = {
    minTimestampHi: EPOCH_MICROS_HI,
    minTimestampLo: EPOCH_MICROS_LO,
    minLocalDeletionSeconds: EPOCH_SECONDS,
    minTtlSeconds: 0,
  };
  try {
    return makeSerializationHeader(stored, noStats, { file });
  } catch (error) {
    throw withFacts(error, { file, component: `${table.keyspace}.${table.name}` });
  }
}
