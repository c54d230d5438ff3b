/**
 * The tables of system_schema as every release from 3.0 to 5.0 has them, with the columns of all: rows name those that they have. For commit logs
 * without a data directory.
 */
import { createHash } from 'node:crypto';
import { parseSchema } from '../cql/ddl-parser.js';
import type { Schema } from '../cql/schema.js';

const OPTIONS = `additional_write_policy text, allow_auto_snapshot boolean, bloom_filter_fp_chance double,
  caching frozen<map<text, text>>, cdc boolean, comment text, compaction frozen<map<text, text>>, compression frozen<map<text, text>>,
  crc_check_chance double, dclocal_read_repair_chance double, default_time_to_live int, extensions frozen<map<text, blob>>,
  gc_grace_seconds int, id uuid, incremental_backups boolean, max_index_interval int, memtable text, memtable_flush_period_in_ms int,
  min_index_interval int, read_repair text, read_repair_chance double, speculative_retry text`;

const TABLES: Readonly<Record<string, string>> = {
  keyspaces: 'durable_writes boolean, replication frozen<map<text, text>>, PRIMARY KEY (keyspace_name)',
  tables: `table_name text, flags frozen<set<text>>, ${OPTIONS}, PRIMARY KEY (keyspace_name, table_name)`,
  columns: `table_name text, column_name text, clustering_order text, column_name_bytes blob, kind text, position int, type text,
    PRIMARY KEY (keyspace_name, table_name, column_name)`,
  column_masks: `table_name text, column_name text, function_keyspace text, function_name text, function_argument_types frozen<list<text>>,
    function_argument_values frozen<list<text>>, function_argument_nulls frozen<list<boolean>>,
    PRIMARY KEY (keyspace_name, table_name, column_name)`,
  dropped_columns: `table_name text, column_name text, dropped_time timestamp, kind text, type text,
    PRIMARY KEY (keyspace_name, table_name, column_name)`,
  indexes: `table_name text, index_name text, kind text, options frozen<map<text, text>>,
    PRIMARY KEY (keyspace_name, table_name, index_name)`,
  triggers: `table_name text, trigger_name text, options frozen<map<text, text>>,
    PRIMARY KEY (keyspace_name, table_name, trigger_name)`,
  views: `view_name text, base_table_id uuid, base_table_name text, include_all_columns boolean, where_clause text, version uuid, ${OPTIONS},
    PRIMARY KEY (keyspace_name, view_name)`,
  types: `type_name text, field_names frozen<list<text>>, field_types frozen<list<text>>, PRIMARY KEY (keyspace_name, type_name)`,
  functions: `function_name text, argument_types frozen<list<text>>, argument_names frozen<list<text>>, body text, language text,
    return_type text, called_on_null_input boolean, PRIMARY KEY (keyspace_name, function_name, argument_types)`,
  aggregates: `aggregate_name text, argument_types frozen<list<text>>, final_func text, initcond text, return_type text, state_func text,
    state_type text, PRIMARY KEY (keyspace_name, aggregate_name, argument_types)`,
};

export function systemSchemaTables(): Schema {
  const statements = Object.entries(TABLES).map(
    ([name, columns]) =>
      `CREATE TABLE system_schema.${name} (keyspace_name text, ${columns}) WITH ID = ${systemTableId('system_schema', name)};`,
  );
  return parseSchema(statements.join('\n'), {});
}

/** Ids of system tables are made of their names (TableId.forSystemTable): a UUID of version 3. */
export function systemTableId(keyspace: string, table: string): string {
  const hash = createHash('md5').update(keyspace).update(table).digest();
  hash[6] = (hash[6]! & 0x0f) | 0x30;
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  return hash.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
