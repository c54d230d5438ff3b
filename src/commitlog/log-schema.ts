/** The tables that mutations name by their id, with what it takes to read an update of one: the types of its key, clustering and columns. */
import { marshalTypeName } from '../cql/marshal.js';
import { columnNameBytes, columnsOfKind, type Schema, type Table, type View } from '../cql/schema.js';
import type { CqlType } from '../cql/type.js';

/** Where the definition of a table comes from: the schema beside the log, the log's own schema changes, or what every release has. */
export type TableOrigin = 'schema' | 'log' | 'built_in';

export type LogTable = {
  /** UUID in its usual form. */
  readonly id: string;
  readonly keyspace: string;
  readonly name: string;
  readonly definition: Table | View;
  readonly origin: TableOrigin;
  readonly keyType: CqlType;
  /** Of descending columns: `reversed`. */
  readonly clusteringTypes: readonly CqlType[];
  /** Types of static and regular columns by stored name as latin1, those of dropped ones too. */
  readonly columnTypes: ReadonlyMap<string, CqlType>;
  /** Of columns that only the log tells of. */
  readonly laterTypes: Map<string, CqlType>;
};

/** A table's id as 16 bytes in latin1: how updates are looked up. */
export function idKey(bytes: Uint8Array, start = 0): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, 16).toString('latin1');
}

export function uuidText(bytes: Uint8Array, start = 0): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset + start, 16).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

export class LogSchema {
  private readonly tables = new Map<string, LogTable>();

  /** All tables and views of `schema` that have an id. Those that are known by the same id stay, unless `replaces`. */
  add(schema: Schema, origin: TableOrigin, replaces = false): void {
    for (const keyspace of schema.keyspaces) {
      for (const definition of [...keyspace.tables, ...keyspace.views]) {
        if (definition.id === undefined || definition.columns.length === 0) continue;
        const key = Buffer.from(definition.id.replaceAll('-', ''), 'hex').toString('latin1');
        if (replaces || !this.tables.has(key)) this.tables.set(key, logTable(definition, definition.id, origin));
      }
    }
  }

  /** A column that the log brings to a table of this name, if it is not there. */
  addColumn(keyspace: string, table: string, name: string, type: CqlType): void {
    const key = Buffer.from(name).toString('latin1');
    for (const known of this.tables.values()) {
      if (known.keyspace !== keyspace || known.name !== table || known.columnTypes.has(key)) continue;
      known.laterTypes.set(key, type);
    }
  }

  /** By {@link idKey}. */
  find(key: string): LogTable | undefined {
    return this.tables.get(key);
  }

  all(): Iterable<LogTable> {
    return this.tables.values();
  }
}

function logTable(definition: Table | View, id: string, origin: TableOrigin): LogTable {
  const keys = columnsOfKind(definition, 'partition_key').map(({ type }) => type);
  const columnTypes = new Map<string, CqlType>();
  const dropped = 'droppedColumns' in definition ? definition.droppedColumns : [];
  for (const { name, type } of dropped) columnTypes.set(Buffer.from(name).toString('latin1'), type);
  for (const kind of ['static', 'regular'] as const) {
    for (const column of columnsOfKind(definition, kind)) {
      columnTypes.set(Buffer.from(columnNameBytes(column)).toString('latin1'), column.type);
    }
  }
  return {
    id,
    keyspace: definition.keyspace,
    name: definition.name,
    definition,
    origin,
    keyType: keys.length === 1 ? keys[0]! : { kind: 'composite', components: keys },
    clusteringTypes: columnsOfKind(definition, 'clustering').map(({ type, clusteringOrder }) =>
      clusteringOrder === 'desc' ? { kind: 'reversed', of: type } : type,
    ),
    columnTypes,
    laterTypes: new Map(),
  };
}

/** The marshal texts of a table's key and clustering types, as serialization headers store them. */
export function keyTexts(table: LogTable): { readonly keyType: string; readonly clusteringTypes: readonly string[] } {
  return { keyType: marshalTypeName(table.keyType), clusteringTypes: table.clusteringTypes.map(marshalTypeName) };
}
