/**
 * Reads the cells of a row of system_schema by column name. Its tables hold
 *
 *   text boolean int double uuid timestamp blob, and lists, sets and maps of text or blob: frozen ones are i32 n, n × (i32 length, bytes)
 *
 * A null, and a column that the release does not have, is `undefined`. @throws CorruptError for a column of another type, or bytes that are
 * no value of it
 */

import { Cursor } from '../bytes/cursor.js';
import { CorruptError, type ErrorFacts } from '../bytes/errors.js';
import type { CqlType, NativeName } from '../cql/type.js';
import { cqlTypeName } from '../cql/type-facts.js';
import type { LiveColumn, LiveRow } from './merge/live-view.js';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class SchemaRow {
  private readonly row: LiveRow;
  /** Where the row was read, for errors: table and key. */
  readonly facts: ErrorFacts;
  readonly keyspace: string;

  /** `table` of system_schema. */
  constructor(table: string, keyspace: Uint8Array, row: LiveRow) {
    this.row = row;
    const key = [keyspace, ...row.clustering].map((value) => Buffer.from(value ?? []).toString('utf8'));
    this.facts = { component: `system_schema.${table}`, partition: key.join(':') };
    this.keyspace = this.decodeText('keyspace_name', keyspace);
  }

  has(name: string): boolean {
    return this.row.cells.has(name);
  }

  /** The text of a clustering column. */
  clusteringText(position: number, name: string): string {
    const value = this.row.clustering[position];
    if (!value) throw this.corrupt(name, 'is missing in the key');
    return this.decodeText(name, value);
  }

  /** The texts of a clustering column of type frozen<list<text>>. */
  clusteringTexts(position: number, name: string): string[] {
    const value = this.row.clustering[position];
    if (!value) throw this.corrupt(name, 'is missing in the key');
    return this.listOf(name, value).map((element) => this.decodeText(name, element));
  }

  text(name: string): string | undefined {
    const value = this.simple(name, 'text');
    return value && this.decodeText(name, value);
  }

  needText(name: string): string {
    return this.text(name) ?? this.absent(name);
  }

  boolean(name: string): boolean | undefined {
    const value = this.fixed(name, 'boolean', 1);
    return value && value.getUint8(0) !== 0;
  }

  int(name: string): number | undefined {
    return this.fixed(name, 'int', 4)?.getInt32(0);
  }

  needInt(name: string): number {
    return this.int(name) ?? this.absent(name);
  }

  double(name: string): number | undefined {
    return this.fixed(name, 'double', 8)?.getFloat64(0);
  }

  /** Milliseconds since the epoch, any int64. */
  needTimestamp(name: string): bigint {
    return this.fixed(name, 'timestamp', 8)?.getBigInt64(0) ?? this.absent(name);
  }

  uuid(name: string): string | undefined {
    const value = this.simple(name, 'uuid');
    if (value && value.length !== 16) throw this.corrupt(name, 'has a wrong length', value.length, 16);
    return (
      value &&
      Buffer.from(value)
        .toString('hex')
        .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    );
  }

  blobHex(name: string): string | undefined {
    const value = this.simple(name, 'blob');
    return value && Buffer.from(value).toString('hex');
  }

  /** Elements of a list or set. */
  texts(name: string): string[] | undefined {
    return this.elements(name, 'text')?.map((element) => this.decodeText(name, element));
  }

  booleans(name: string): boolean[] | undefined {
    return this.elements(name, 'boolean')?.map((element) => element[0] !== 0 && element.length === 1);
  }

  textMap(name: string): Record<string, string> | undefined {
    return this.map(name, 'text', (value) => this.decodeText(name, value));
  }

  needTextMap(name: string): Record<string, string> {
    return this.textMap(name) ?? this.absent(name);
  }

  /** Values in hex. */
  blobMap(name: string): Record<string, string> | undefined {
    return this.map(name, 'blob', (value) => Buffer.from(value).toString('hex'));
  }

  /** An error about one of the row's columns. */
  corrupt(column: string, message: string, seen?: string | number, expected?: string | number): CorruptError {
    return new CorruptError(`column '${column}' ${message}`, {
      ...this.facts,
      ...(seen !== undefined && { seen }),
      ...(expected !== undefined && { expected }),
    });
  }

  private absent(name: string): never {
    throw this.corrupt(name, 'is null in a row that needs it');
  }

  private decodeText(name: string, value: Uint8Array): string {
    try {
      return utf8.decode(value);
    } catch {
      throw this.corrupt(name, 'is not UTF-8', `0x${Buffer.from(value.subarray(0, 32)).toString('hex')}`);
    }
  }

  /** The column, where it has cells; `fits` says whether its type is what is expected there. */
  private column(name: string, expected: string, fits: (type: CqlType) => boolean): LiveColumn | undefined {
    const found = this.row.cells.get(name);
    if (found && !fits(found.column.type)) {
      throw this.corrupt(
        name,
        'has another type than system_schema gives it',
        cqlTypeName(found.column.type),
        expected,
      );
    }
    return found;
  }

  private simple(name: string, type: NativeName): Uint8Array | undefined {
    return this.column(name, type, (found) => isNative(found, type))?.cells[0]?.value;
  }

  private fixed(name: string, type: NativeName, length: number): DataView | undefined {
    const value = this.simple(name, type);
    if (value === undefined || value.length === 0) return undefined;
    if (value.length !== length) throw this.corrupt(name, 'has a wrong length', value.length, length);
    return new DataView(value.buffer, value.byteOffset, length);
  }

  private elements(name: string, of: NativeName): Uint8Array[] | undefined {
    const fits = (type: CqlType) => (type.kind === 'list' || type.kind === 'set') && isNative(type.element, of);
    const found = this.column(name, `frozen<list<${of}>> or frozen<set<${of}>>`, fits);
    if (!found) return undefined;
    const { column, cells } = found;
    if (!column.isComplex) return this.listOf(name, cells[0]!.value);
    return cells.map((cell) => (column.type.kind === 'set' ? cell.path! : cell.value));
  }

  private map(name: string, of: NativeName, decode: (value: Uint8Array) => string): Record<string, string> | undefined {
    const fits = (type: CqlType) => type.kind === 'map' && isNative(type.key, 'text') && isNative(type.value, of);
    const found = this.column(name, `frozen<map<text, ${of}>>`, fits);
    if (!found) return undefined;
    const { column, cells } = found;
    const flat = column.isComplex
      ? cells.flatMap((cell) => [cell.path!, cell.value])
      : this.listOf(name, cells[0]!.value, 2);
    const entries: [string, string][] = [];
    for (let i = 0; i < flat.length; i += 2) entries.push([this.decodeText(name, flat[i]!), decode(flat[i + 1]!)]);
    return Object.fromEntries(entries);
  }

  /** The values of a frozen collection: `per` of them an element. */
  private listOf(name: string, bytes: Uint8Array, per = 1): Uint8Array[] {
    try {
      const cursor = new Cursor(bytes);
      const n = cursor.count(cursor.i32(), 4 * per, 'elements') * per;
      const values: Uint8Array[] = [];
      for (let i = 0; i < n; i++) {
        const length = cursor.i32();
        values.push(cursor.bytes(Math.max(0, length)));
      }
      cursor.expectEnd();
      return values;
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error;
      throw this.corrupt(name, `is a broken collection: ${error.message}`);
    }
  }
}

function isNative(type: CqlType, name: NativeName): boolean {
  return type.kind === 'native' && type.name === name;
}
