/**
 * Tables and columns that only the commit log tells of: its own changes of system_schema, all that are in it, newest values first. A node does not
 * know them when it replays: it loads its schema from SSTables before, drops the mutations of tables that are not there, and stops at columns that
 * are not. Here they are read all the same, and said to come from the log.
 */
import { CorruptError, LsmctlError } from '../bytes/errors.js';
import type { LogSchema } from '../commitlog/log-schema.js';
import { MutationReader } from '../commitlog/mutation-reader.js';
import { type OpenSegment, readSegment, type SegmentVisitor } from '../commitlog/segment-reader.js';
import { parseCqlType, type TypeScope } from '../cql/cql-type-parser.js';
import type { Schema } from '../cql/schema.js';
import type { CqlType } from '../cql/type.js';
import { readPartition } from '../sstable/partition-view.js';
import type { Cell, Row } from '../sstable/row.js';
import type { LiveColumn, LiveRow } from './merge/live-view.js';
import { SchemaRow } from './schema-row.js';
import { SCHEMA_TABLES, type SchemaRows, type SchemaTable, schemaFromRows } from './system-schema.js';

type KnownRow = {
  readonly key: Uint8Array;
  readonly clustering: Row['clustering'];
  readonly cells: Map<string, Cell>;
};

/** The rows of system_schema that a log holds. */
export class LoggedSchema {
  private readonly tables = new Map<SchemaTable, Map<string, KnownRow>>();

  get isEmpty(): boolean {
    return this.tables.size === 0;
  }

  /** Adds those of a segment; yields the file position from time to time. */
  *take(segment: OpenSegment, schema: LogSchema): Generator<number> {
    const reader = new MutationReader(schema, segment.descriptor.version, segment.source.path);
    const visitor: SegmentVisitor = {
      mutation: (entry) => {
        try {
          reader.begin(entry);
          while (reader.nextHead()) {
            if (reader.table?.keyspace !== 'system_schema') continue;
            const table = SCHEMA_TABLES.find((name) => name === reader.table?.name);
            if (table) this.update(table, reader);
          }
        } catch (error) {
          if (!(error instanceof CorruptError)) throw error; // told by who reads the log
        }
      },
      fault() {},
    };
    yield* readSegment(segment, visitor, { checksums: false });
  }

  private update(table: SchemaTable, reader: MutationReader): void {
    const cursor = reader.cursorOnHead();
    if (!cursor) return;
    const rows = this.tables.get(table) ?? new Map<string, KnownRow>();
    this.tables.set(table, rows);
    const partition = readPartition(cursor);
    for (const row of partition.unfiltereds) if (row.kind === 'row') addRow(rows, partition.key, row);
  }

  /** Columns whose types can be understood. */
  columns(): LoggedColumn[] {
    return schemaRows('columns', [...(this.tables.get('columns')?.values() ?? [])]).flatMap(loggedColumn);
  }

  /** What the rows say of each keyspace that can be understood; types that are defined elsewhere make a keyspace that can't. */
  schemas(): Schema[] {
    const rows = Object.fromEntries(
      SCHEMA_TABLES.map((table) => [table, schemaRows(table, [...(this.tables.get(table)?.values() ?? [])])]),
    ) as unknown as SchemaRows;
    const names = new Set(SCHEMA_TABLES.flatMap((table) => rows[table].map(({ keyspace }) => keyspace)));
    return [...names].flatMap((name) => {
      try {
        return schemaFromRows(withKeyspace(rows, name));
      } catch (error) {
        if (!(error instanceof LsmctlError)) throw error;
        return [];
      }
    });
  }
}

/** A column that a change of a table brought. */
export type LoggedColumn = {
  readonly keyspace: string;
  readonly table: string;
  readonly name: string;
  readonly type: CqlType;
};

function loggedColumn(row: SchemaRow): LoggedColumn[] {
  try {
    const type = parseCqlType(row.needText('type'), { keyspace: row.keyspace, userTypes: new Map() });
    const [table, name] = [row.clusteringText(0, 'table_name'), row.clusteringText(1, 'column_name')];
    return [{ keyspace: row.keyspace, table, name, type }];
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    return [];
  }
}

function addRow(rows: Map<string, KnownRow>, key: Uint8Array, row: Row): void {
  const id = [key, ...row.clustering].map((part) => Buffer.from(part ?? []).toString('hex')).join(' ');
  const known = rows.get(id) ?? { key, clustering: row.clustering, cells: new Map<string, Cell>() };
  rows.set(id, known);
  for (const cell of row.cells) {
    const before = known.cells.get(cell.column.name);
    if (!before || before.timestampMicros <= cell.timestampMicros) known.cells.set(cell.column.name, cell);
  }
}

function schemaRows(table: SchemaTable, rows: readonly KnownRow[]): SchemaRow[] {
  return rows.map(({ key, clustering, cells }) => {
    const living = [...cells].filter(([, cell]) => !cell.isTombstone);
    const columns = new Map<string, LiveColumn>(
      living.map(([name, cell]) => [name, { column: cell.column, cells: [cell] }]),
    );
    const row: LiveRow = { clustering, cells: columns };
    return new SchemaRow(table, key, row);
  });
}

/** The rows of one keyspace, which is made up where the log has only tables of it. */
function withKeyspace(rows: SchemaRows, name: string): SchemaRows {
  const mine = Object.fromEntries(
    SCHEMA_TABLES.map((table) => [table, rows[table].filter(({ keyspace }) => keyspace === name)]),
  ) as unknown as SchemaRows;
  const keys = mine.columns.filter((row) => row.text('kind') === 'partition_key');
  const described = new Set(keys.map((row) => row.clusteringText(0, 'table_name')));
  const isWhole = (row: SchemaRow) => described.has(row.clusteringText(0, 'table_name')) && row.has('id');
  return {
    ...mine,
    keyspaces: mine.keyspaces.length > 0 ? mine.keyspaces : [keyspaceRow(name)],
    tables: mine.tables.filter(isWhole),
    views: [],
  };
}

const NO_TYPES: TypeScope = { keyspace: '', userTypes: new Map() };
const NO_REPLICATION = new Uint8Array(4);

function keyspaceRow(name: string): SchemaRow {
  const column = {
    name: 'replication',
    nameBytes: Buffer.from('replication'),
    type: parseCqlType('frozen<map<text, text>>', NO_TYPES),
    isComplex: false,
    isStatic: false,
  };
  const cell: Cell = { column, timestampMicros: 0n, isTombstone: false, value: NO_REPLICATION };
  const cells = new Map<string, LiveColumn>([['replication', { column, cells: [cell] }]]);
  return new SchemaRow('keyspaces', Buffer.from(name), { clustering: [], cells });
}
