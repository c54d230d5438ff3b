/** A schema while statements build it up: the mutable counterpart of `schema.ts`. */
import type { TypeScope, UserType } from './cql-type-parser.js';
import {
  type ColumnDefinition,
  type DroppedColumn,
  type Index,
  type Keyspace,
  type Schema,
  sortBy,
  sortColumns,
  sortKeyspace,
  type Table,
  type TableFlag,
  type Trigger,
  type UserAggregate,
  type UserFunction,
  type View,
} from './schema.js';
import type { TableOptions } from './table-options.js';

export type TableDraft = {
  readonly keyspace: string;
  readonly name: string;
  id?: string;
  flags: TableFlag[];
  columns: ColumnDefinition[];
  options: TableOptions;
  readonly droppedColumns: Map<string, DroppedColumn>;
  readonly indexes: Index[];
  readonly triggers: Trigger[];
};

export type KeyspaceDraft = {
  readonly name: string;
  replication?: Readonly<Record<string, string>>;
  durableWrites?: boolean;
  readonly types: Map<string, UserType>;
  readonly functions: UserFunction[];
  readonly aggregates: UserAggregate[];
  readonly tables: Map<string, TableDraft>;
  readonly views: Map<string, View>;
};

/** All keyspaces met so far, by name. A table may come without its keyspace's own statement, as in a snapshot's schema.cql. */
export type SchemaDraft = Map<string, KeyspaceDraft>;

/** The keyspace of that name, made where it is not there yet. */
export function draftKeyspace(schema: SchemaDraft, name: string): KeyspaceDraft {
  let keyspace = schema.get(name);
  if (!keyspace) {
    keyspace = { name, types: new Map(), functions: [], aggregates: [], tables: new Map(), views: new Map() };
    schema.set(name, keyspace);
  }
  return keyspace;
}

export function typeScope(keyspace: KeyspaceDraft): TypeScope {
  return { keyspace: keyspace.name, userTypes: keyspace.types };
}

export function finishSchema(schema: SchemaDraft): Schema {
  return { keyspaces: sortBy([...schema.values()], (keyspace) => keyspace.name).map(finishKeyspace) };
}

function finishKeyspace(draft: KeyspaceDraft): Keyspace {
  return sortKeyspace({
    name: draft.name,
    ...(draft.replication && { replication: draft.replication }),
    ...(draft.durableWrites !== undefined && { durableWrites: draft.durableWrites }),
    types: [...draft.types.values()],
    functions: draft.functions,
    aggregates: draft.aggregates,
    tables: [...draft.tables.values()].map(finishTable),
    views: [...draft.views.values()],
  });
}

function finishTable(draft: TableDraft): Table {
  return {
    keyspace: draft.keyspace,
    name: draft.name,
    ...(draft.id !== undefined && { id: draft.id }),
    flags: [...draft.flags].sort(),
    columns: sortColumns(draft.columns),
    options: draft.options,
    droppedColumns: sortBy([...draft.droppedColumns.values()], (column) => column.name),
    indexes: sortBy(draft.indexes, (index) => index.name),
    triggers: sortBy(draft.triggers, (trigger) => trigger.name),
  };
}
