/**
 * Data.db as no Cassandra would write it: random tables with random partitions, of every kind of row, cell and value, sound and not. The format is
 * drawn in `src/sstable/unfiltered-cursor.ts`.
 */
import { ByteWriter } from '../../src/bytes/writer.js';
import { fixedLength, isMultiCell } from '../../src/cql/type-facts.js';
import { makeSerializationHeader, type SerializationHeader } from '../../src/sstable/serialization-header.js';
import { sequence16 } from '../sequence.js';

const MARSHAL = 'org.apache.cassandra.db.marshal.';
const short = (name: string) =>
  name.replaceAll(/\w+/g, (word) => (/^[A-Z]\w+Type$/.test(word) ? MARSHAL + word : word));

const SIMPLE = [
  'UTF8Type', 'AsciiType', 'BytesType', 'BooleanType', 'ByteType', 'ShortType', 'Int32Type', 'LongType', 'UUIDType', 'TimeUUIDType',
  'TimestampType', 'SimpleDateType', 'TimeType', 'DecimalType', 'IntegerType', 'DoubleType', 'FloatType', 'InetAddressType', 'DurationType',
  'LexicalUUIDType', 'DateType', 'CounterColumnType', 'ReversedType(UTF8Type)', 'ReversedType(Int32Type)',
].map(short); // biome-ignore format: a list
const FROZEN = ['ListType(Int32Type)', 'SetType(UTF8Type)'].map((type) => `${MARSHAL}FrozenType(${short(type)})`);
const MULTI_CELL = ['ListType(UTF8Type)', 'SetType(UTF8Type)', 'SetType(LongType)', 'MapType(UTF8Type,Int32Type)', 'MapType(TimestampType,DoubleType)'].map(short); // biome-ignore format: a list
const UDT = `${MARSHAL}UserType(ks,75,61:${MARSHAL}Int32Type,62:${MARSHAL}UTF8Type)`;
const KEYS = [
  ...SIMPLE.slice(0, 19),
  `${MARSHAL}CompositeType(${MARSHAL}UTF8Type,${MARSHAL}Int32Type,${MARSHAL}UUIDType)`,
];
const NAMES = ['a', 'b', 'Mixed', 'naïve', 'x"y', 'select', 'long_name_of_a_column_to_be_copied', 'h'];

const MIN_MICROS = 1_700_000_000_000_000n;
const MIN_SECONDS = 1_700_000_000;
const MIN_TTL = 60;

/** Microseconds, at and around what calendars and texts turn on. */
const MICROS = [
  0n, 1n, -1n, 999_999n, 1_000_000n, -1_000_001n, 1_700_000_000_000_000n, 1_700_000_000_000_001n, 1_700_000_000_123_000n, 1_700_000_000_100_020n,
  951_782_400_000_000n, 951_868_799_999_999n, 4_107_542_400_000_000n, 253_402_300_799_999_999n, 253_402_300_800_000_000n, 2n ** 63n - 1n,
  -(2n ** 63n) + 1n, -(2n ** 63n), 2n ** 53n, 9_223_372_036_854_776_000n - 1_000_000n,
]; // biome-ignore format: a list
const SECONDS = [
  0, 1, 1_600_000_000, 1_700_000_000, 1_700_086_399, 2_147_483_645, 2_147_483_646, 2_147_483_647, 4_294_967_293, -5,
];
const TEXTS = [
  '', 'a', 'plain', 'a "quoted" word', 'back\\slash', 'tab\tand\nline\r', '\b\f\u0001\u001f\u007f', 'é', 'naïve façade', '日本語のテキスト', '😀 smile',
  'just the words of a sentence that is long enough to be copied by the eight', 'x'.repeat(700), '"'.repeat(40), 'ééééééééééééééé',
]; // biome-ignore format: a list
const NO_TEXTS = ['ff', 'c080', '61c3', 'eda080', 'f5808080', 'e28282', '6162636465666768c3', 'f0808080'];

/** 0: what a kernel knows, but for times and values out of its reach; 1: what Cassandra writes; 2: what nobody writes. */
export type Oddness = 0 | 1 | 2;

/** Random, and the same for each seed. */
export class MadeUpTable {
  readonly header: SerializationHeader;
  private readonly next: () => number;
  private readonly out = new ByteWriter(1 << 16);
  private readonly hasUInt: boolean;
  private readonly isOdd: boolean;
  private readonly isTame: boolean;
  /** Of the row in hand. */
  private hasLiveness = false;

  constructor(seed: number, { hasUInt, oddness }: { readonly hasUInt: boolean; readonly oddness: Oddness }) {
    this.next = sequence16(seed);
    this.hasUInt = hasUInt;
    this.isOdd = oddness === 2;
    this.isTame = oddness === 0;
    const columns = (count: number) =>
      NAMES.slice(0, count).map((name) => ({ nameBytes: Buffer.from(name), type: this.columnType() }));
    this.header = makeSerializationHeader(
      {
        keyType: this.one(KEYS),
        clusteringTypes: Array.from({ length: this.one([0, 0, 1, 2, 3]) }, () => this.one(SIMPLE)),
        staticColumns: this.wildly(8) ? columns(1) : [],
        regularColumns: columns(this.below(NAMES.length + 1)),
      },
      {
        minTimestampHi: Number(MIN_MICROS >> 32n),
        minTimestampLo: Number(BigInt.asIntN(32, MIN_MICROS)),
        minLocalDeletionSeconds: MIN_SECONDS,
        minTtlSeconds: MIN_TTL,
      },
    );
  }

  private below(n: number): number {
    return this.next() % n;
  }

  private one<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** Once in `n`. */
  private chance(n: number): boolean {
    return this.below(n) === 0;
  }

  /** As that, but in tame tables. */
  private wildly(n: number): boolean {
    return !this.isTame && this.chance(n);
  }

  /** As that, in tables that are odd. */
  private oddly(n: number): boolean {
    return this.isOdd && this.chance(n);
  }

  private columnType(): string {
    if (this.chance(6)) return this.one(MULTI_CELL);
    if (this.chance(12)) return this.one(FROZEN);
    return this.wildly(30) ? UDT : this.one(SIMPLE);
  }

  partitions(count: number): Buffer {
    for (let i = 0; i < count; i++) this.partition();
    return this.out.toBytes();
  }

  private partition(): void {
    const { out, header } = this;
    const key = this.key();
    out.u16(key.length);
    out.bytes(key);
    const isDeleted = this.wildly(12);
    if (!isDeleted && this.hasUInt) out.u8(this.oddly(60) ? 0x81 : 0x80);
    else {
      const micros = isDeleted ? this.micros() : -(2n ** 63n);
      const seconds = isDeleted ? this.one(SECONDS) : 0x7fffffff;
      if (!this.hasUInt) out.i32(seconds | 0);
      out.i64FromBigInt(micros);
      if (this.hasUInt) out.i32(seconds | 0);
    }
    if (header.staticColumns.length > 0) this.row(true);
    const rows = header.clusteringTypes.length === 0 ? this.below(2) : this.one([0, 1, 3, 8, 30]);
    for (let i = 0; i < rows; i++) {
      if (header.clusteringTypes.length > 0 && this.chance(8)) this.marker();
      else this.row(false);
    }
    out.u8(1);
  }

  private key(): Buffer {
    const { keyType } = this.header;
    if (keyType.kind !== 'composite') return this.value(keyType.kind === 'native' ? keyType.name : 'blob');
    const out = new ByteWriter();
    if (this.oddly(20)) out.u16(0xffff);
    for (const type of keyType.components) {
      if (this.oddly(15)) break;
      const value = this.value(type.kind === 'native' ? type.name : 'blob');
      out.u16(value.length);
      out.bytes(value);
      out.u8(this.oddly(20) ? 1 : 0);
    }
    return out.toBytes();
  }

  // ---- rows

  private row(isStatic: boolean): void {
    const { header } = this;
    const columns = isStatic ? header.staticColumns : header.regularColumns;
    const hasLiveness = !this.chance(6);
    this.hasLiveness = hasLiveness;
    const expires = hasLiveness && this.chance(5);
    const isDeleted = this.chance(8);
    const absent = columns.map(() => this.chance(isDeleted ? 2 : 6));
    const hasAll = !absent.includes(true) && !this.chance(20);
    const hasComplex = columns.some(({ isComplex }) => isComplex) && this.chance(3);
    let flags = (hasLiveness ? 4 : 0) | (expires ? 8 : 0) | (isDeleted ? 0x10 : 0) | (hasAll ? 0x20 : 0);
    flags |= (hasComplex ? 0x40 : 0) | (isStatic ? 0x80 : 0);
    const extended = isStatic ? 1 : this.wildly(40) ? 2 : 0;
    this.out.u8(extended ? flags | 0x80 : flags);
    if (extended) this.out.u8(extended);
    if (!isStatic) this.clustering(header.clusteringTypes.length);
    this.body((out) => {
      if (hasLiveness) this.time(out);
      if (expires) {
        this.ttl(out);
        this.local(out);
      }
      if (isDeleted) {
        this.time(out);
        this.local(out);
      }
      if (!hasAll) {
        const bits = absent.reduce((sum, isAbsent, i) => sum | (isAbsent ? 1 << i : 0), 0);
        out.uvint(this.oddly(40) ? bits | 0x4000 : bits);
      }
      for (const [i, { type, isComplex }] of columns.entries()) {
        if (absent[i]) continue;
        if (!isComplex) {
          this.cell(out, type);
          continue;
        }
        if (hasComplex) {
          const isNone = this.chance(2);
          this.time(out, isNone ? -(2n ** 63n) : undefined);
          this.local(out, isNone ? 0x7fffffff : undefined);
        }
        const count = this.below(5);
        out.uvint(count);
        for (let n = 0; n < count; n++) this.cell(out, type);
      }
    });
  }

  private marker(): void {
    const kind = this.oddly(20) ? this.below(9) : this.one([0, 1, 2, 5, 6, 7]);
    const { out, header } = this;
    const size = this.below(header.clusteringTypes.length + 1);
    out.u8(2);
    out.u8(kind);
    out.u16(size);
    this.clustering(size);
    this.body((body) => {
      for (let i = kind === 2 || kind === 5 ? 2 : 1; i > 0; i--) {
        this.time(body);
        this.local(body);
      }
    });
  }

  /** With its size before it, now and then a wrong one. */
  private body(write: (out: ByteWriter) => void): void {
    const body = new ByteWriter();
    body.uvint(this.below(300)); // the size of the one before
    write(body);
    const { out } = this;
    out.uvint(this.oddly(80) ? Math.max(0, body.pos + this.below(5) - 2) : body.pos);
    out.bytes(body.view());
  }

  private clustering(size: number): void {
    if (size === 0) return;
    const { out, header } = this;
    let bits = 0;
    const values: Buffer[] = [];
    for (const [i, type] of header.clusteringTypes.slice(0, size).entries()) {
      if (this.wildly(15)) bits |= (this.chance(2) ? 1 : 2) << (2 * i);
      else {
        const value = this.valueOf(type);
        const fixed = fixedLength(type);
        const length = new ByteWriter(16);
        if (fixed < 0) length.uvint(value.length);
        values.push(Buffer.concat([length.toBytes(), fixed < 0 ? value : sized(value, fixed)]));
      }
    }
    out.uvint(bits);
    for (const value of values) out.bytes(value);
  }

  private cell(out: ByteWriter, column: SerializationHeader['regularColumns'][number]['type']): void {
    let flags = this.one([8, 8, 8, 8, 8, 0x0c, 0, 4, 1, 2, 0x18, 0x1a, 9, 0x0d, 5]);
    if (this.oddly(60)) flags = this.below(0x40);
    if (this.isTame && !this.hasLiveness) flags &= ~0x18;
    out.u8(flags);
    if (!(flags & 8)) this.time(out);
    if (!(flags & 0x10)) {
      if (flags & 3) this.local(out);
      if (flags & 2) this.ttl(out);
    }
    const isComplex = isMultiCell(column);
    if (isComplex) {
      const path = this.path(column);
      out.uvint(path.length);
      out.bytes(path);
    }
    if (flags & 4) return;
    const type =
      isComplex && 'element' in column ? column.element : column.kind === 'map' && isComplex ? column.value : column;
    const fixed = isComplex ? -1 : fixedLength(column);
    const value = column.kind === 'set' && isComplex ? Buffer.alloc(0) : this.valueOf(type);
    if (fixed < 0) out.uvint(this.oddly(200) ? value.length + 3 : value.length);
    out.bytes(fixed < 0 ? value : sized(value, fixed));
  }

  private path(column: SerializationHeader['regularColumns'][number]['type']): Buffer {
    if (column.kind === 'udt') return Buffer.from([0, this.below(this.isOdd ? 3 : 2)]);
    if (column.kind === 'map') return this.valueOf(column.key);
    return column.kind === 'set' ? this.valueOf(column.element) : this.value('timeuuid');
  }

  // ---- times, as differences to the header's

  private micros(): bigint {
    return this.isTame
      ? this.one(MICROS.slice(6, 12))
      : this.chance(3)
        ? this.one(MICROS)
        : MIN_MICROS + BigInt(this.next()) * BigInt(this.next() * 977);
  }

  private time(out: ByteWriter, micros = this.micros()): void {
    const delta = BigInt.asUintN(64, micros - MIN_MICROS);
    out.uvint64(Number(delta >> 32n) | 0, Number(delta & 0xffffffffn) | 0);
  }

  private local(out: ByteWriter, seconds = this.one(this.isTame ? SECONDS.slice(2, 6) : SECONDS)): void {
    this.int(out, (seconds | 0) - MIN_SECONDS);
  }

  private ttl(out: ByteWriter): void {
    this.int(out, this.one([this.isTame ? 60 : 0, 60, 61, 3600, 86_400, 630_720_000]) - MIN_TTL);
  }

  private int(out: ByteWriter, value: number): void {
    const delta = BigInt.asUintN(64, BigInt(value | 0));
    out.uvint64(Number(delta >> 32n) | 0, Number(delta & 0xffffffffn) | 0);
  }

  // ---- values

  private valueOf(type: SerializationHeader['regularColumns'][number]['type']): Buffer {
    if (type.kind === 'reversed') return this.valueOf(type.of);
    if (type.kind === 'native') return this.value(type.name);
    if (type.kind !== 'list' && type.kind !== 'set') return this.random(this.below(12));
    const elements = Array.from({ length: this.below(3) }, () => this.valueOf(type.element));
    const out = new ByteWriter();
    out.i32(elements.length);
    for (const element of elements) {
      out.i32(element.length);
      out.bytes(element);
    }
    return out.toBytes();
  }

  private value(name: string): Buffer {
    if (this.oddly(25)) return this.random(this.below(20));
    if (this.oddly(20)) return Buffer.alloc(0);
    switch (name) {
      case 'text':
        return this.oddly(15) ? Buffer.from(this.one(NO_TEXTS), 'hex') : Buffer.from(this.one(TEXTS));
      case 'ascii':
        return Buffer.from(this.one(this.isOdd ? TEXTS : TEXTS.slice(0, 7)));
      case 'blob':
        return this.random(this.one([0, 1, 3, 4, 7, 16, 900]));
      case 'boolean':
        return Buffer.from([this.below(3)]);
      case 'tinyint':
        return this.random(1);
      case 'smallint':
        return this.random(2);
      case 'int':
        return this.number(4);
      case 'bigint':
      case 'timestamp':
      case 'counter':
        return this.number(8);
      case 'float':
        return this.random(4);
      case 'double':
        return this.random(8);
      case 'uuid':
      case 'timeuuid':
        return this.random(16);
      case 'date':
        return Buffer.from([this.one([0x7f, 0x80, 0x80, 0x80]), this.one([0, 0, 0x2c, 0xff]), ...this.random(2)]);
      case 'time':
        return Buffer.from([0, 0, this.below(0x4e), ...this.random(5)]);
      case 'varint':
        return this.random(this.one([1, 2, 8, 8, 9, 30]));
      case 'decimal':
        return Buffer.from([
          ...i32(this.one([0, 1, 2, 5, 8, 20, 30, -3, 2147483647])),
          ...this.random(this.one([1, 2, 3, 8, 9])),
        ]);
      case 'inet':
        return this.random(this.one([4, 16]));
      default:
        return Buffer.from([0, (this.below(100) * 2) & 0x7f, 0x82, 2]);
    }
  }

  private random(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }

  /** Small and large ones of either sign, and days in reach of calendars. */
  private number(bytes: 4 | 8): Buffer {
    const all = Buffer.alloc(8);
    const millis = this.one(MICROS) / 1000n;
    const value = this.one([0n, 1n, -1n, 7n, 10n, 99n, 100n, -1234n, 9999n, 123456n, 1_000_000_000n, 4_294_967_295n, 2n ** 31n, 10n ** 16n, -(2n ** 63n), 2n ** 63n - 1n, millis, BigInt(this.next()) * 40_000_000n]); // biome-ignore format: a list
    all.writeBigInt64BE(BigInt.asIntN(64, value));
    return all.subarray(8 - bytes);
  }
}

function i32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** Values of types with a width have it, whatever they were. */
function sized(value: Buffer, length: number): Buffer {
  return value.length === length ? value : Buffer.concat([value, Buffer.alloc(length)]).subarray(0, length);
}
