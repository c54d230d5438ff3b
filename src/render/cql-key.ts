/** The key of a partition or row as CQL statements name it: columns, values, and both in a WHERE clause. */
import { ByteWriter } from '../bytes/writer.js';
import { maybeQuote } from '../cql/identifier.js';
import type { CqlType } from '../cql/type.js';
import { cqlLiteralWriter } from '../cql/values/cql-literal.js';
import type { ValueWriter } from '../cql/values/value-writer.js';
import type { SerializationHeader } from '../sstable/serialization-header.js';
import type { UnfilteredCursor } from '../sstable/unfiltered-cursor.js';
import { KeyColumns } from './partition-key.js';
import type { DumpContext } from './partition-writer.js';

type KeyPart = { readonly name: Uint8Array; readonly literal: ValueWriter };

const AND = Buffer.from(' AND ');
const COMMA = Buffer.from(', ');
const EQUALS = Buffer.from(' = ');

export class RowKeyText {
  /** `k, c` */
  readonly names = new ByteWriter(128);
  /** `1, 2` */
  readonly values = new ByteWriter(256);
  /** `k = 1 AND c = 2` */
  readonly where = new ByteWriter(256);
  private readonly columns: KeyColumns;
  private readonly parts: readonly KeyPart[];
  private readonly clustering: readonly KeyPart[];
  // how much of the three texts is the partition's
  private partitionNames = 0;
  private partitionValues = 0;
  private partitionWhere = 0;

  constructor(header: SerializationHeader, context: DumpContext) {
    const part = (name: string, type: CqlType): KeyPart => ({
      name: Buffer.from(maybeQuote(name), 'utf8'),
      literal: cqlLiteralWriter(type, 'script'),
    });
    this.columns = new KeyColumns(header.keyType);
    this.parts = this.columns.types.map((type, i) => part(context.partitionKey[i] ?? `key${i + 1}`, type));
    this.clustering = header.clusteringTypes.map((type, i) => part(context.clustering[i] ?? `column${i + 1}`, type));
  }

  /** Takes the key of the cursor's partition. */
  partition(c: UnfilteredCursor): void {
    const { columns } = this;
    columns.split(c.key, c.keyLength);
    this.names.pos = 0;
    this.values.pos = 0;
    this.where.pos = 0;
    for (let i = 0; i < columns.count; i++) this.add(this.parts[i]!, c.key, columns.start[i]!, columns.end[i]!);
    this.partitionNames = this.names.pos;
    this.partitionValues = this.values.pos;
    this.partitionWhere = this.where.pos;
  }

  /** Back to the partition's key, without a clustering. */
  toPartition(): void {
    this.names.pos = this.partitionNames;
    this.values.pos = this.partitionValues;
    this.where.pos = this.partitionWhere;
  }

  /** Takes the clustering of the cursor's row. A value that is absent (compact tables) is not named. */
  row(c: UnfilteredCursor): void {
    this.toPartition();
    for (let i = 0; i < c.clusteringSize; i++) {
      if (c.clusteringStart[i]! < 0) continue;
      this.add(this.clustering[i]!, c.in.buf, c.clusteringStart[i]!, c.clusteringEnd[i]!);
    }
  }

  private add(part: KeyPart, buf: Uint8Array, start: number, end: number): void {
    const { names, values, where } = this;
    if (names.pos > 0) {
      names.bytes(COMMA);
      values.bytes(COMMA);
      where.bytes(AND);
    }
    names.bytes(part.name);
    const from = values.pos;
    part.literal(buf, start, end, values);
    where.bytes(part.name);
    where.bytes(EQUALS);
    where.bytes(values.buf, from, values.pos);
  }

  /** Literals of the clustering values of the cursor's marker, '' for absent ones. */
  boundValues(c: UnfilteredCursor): string[] {
    const scratch = new ByteWriter(64);
    return Array.from({ length: c.clusteringSize }, (_, i) => {
      scratch.pos = 0;
      if (c.clusteringStart[i]! < 0) return '';
      this.clustering[i]!.literal(c.in.buf, c.clusteringStart[i]!, c.clusteringEnd[i]!, scratch);
      return scratch.toString();
    });
  }
}
