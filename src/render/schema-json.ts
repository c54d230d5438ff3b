/**
 * A schema for `--json`: the whole model, with types as CQL writes them.
 */
import type { ColumnDefinition, Keyspace, Schema, Table, UserAggregate, UserFunction, View } from '../cql/schema.js';
import type { CqlType } from '../cql/type.js';
import { cqlTypeName } from '../cql/type-facts.js';

/** `schema` as plain data; `droppedTimeMicros` stays a bigint, which {@link jsonText} prints as an integer. */
export function schemaJson(schema: Schema): { readonly keyspaces: readonly object[] } {
  return { keyspaces: schema.keyspaces.map(keyspaceJson) };
}

function keyspaceJson(keyspace: Keyspace): object {
  return {
    ...keyspace,
    types: keyspace.types.map(({ name, fields }) => ({ name, fields: fields.map(withTypeName) })),
    functions: keyspace.functions.map(functionJson),
    aggregates: keyspace.aggregates.map(aggregateJson),
    tables: keyspace.tables.map(tableJson),
    views: keyspace.views.map(viewJson),
  };
}

function withTypeName<T extends { readonly type: CqlType }>(element: T): Omit<T, 'type'> & { readonly type: string } {
  return { ...element, type: cqlTypeName(element.type) };
}

function columnsJson(columns: readonly ColumnDefinition[]): object[] {
  return columns.map(withTypeName);
}

function tableJson({ keyspace: _, ...table }: Table): object {
  return {
    ...table,
    columns: columnsJson(table.columns),
    droppedColumns: table.droppedColumns.map(withTypeName),
  };
}

function viewJson({ keyspace: _, ...view }: View): object {
  return { ...view, columns: columnsJson(view.columns) };
}

function functionJson(fn: UserFunction): object {
  return { ...fn, argumentTypes: fn.argumentTypes.map(cqlTypeName), returnType: cqlTypeName(fn.returnType) };
}

function aggregateJson({ returnType, ...aggregate }: UserAggregate): object {
  return {
    ...aggregate,
    argumentTypes: aggregate.argumentTypes.map(cqlTypeName),
    stateType: cqlTypeName(aggregate.stateType),
    ...(returnType && { returnType: cqlTypeName(returnType) }),
  };
}
