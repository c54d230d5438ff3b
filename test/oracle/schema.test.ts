/** The schema that lsmctl prints, given to a node: the rows of system_schema and DESCRIBE must be what they were. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from 'cassandra-driver';
import { describe, expect, it } from 'vitest';
import { diskStorage } from '../../src/bytes/source.js';
import { parseSchema } from '../../src/cql/ddl-parser.js';
import { keyspaceStatements, writeSchema } from '../../src/cql/ddl-writer.js';
import type { Schema } from '../../src/cql/schema.js';
import { loadSchema } from '../../src/engine/schema-loader.js';
import { selectSchema } from '../../src/engine/schema-selection.js';
import { SCHEMA_TABLES } from '../../src/engine/system-schema.js';
import { acceptable } from '../described.js';
import {
  connect,
  cql,
  missing,
  type Node,
  nodetool,
  selectJson,
  setup,
  startNode,
  stopNode,
  V5,
  V41,
} from './cassandra.js';
import { schemaStatements } from './schema-statements.js';

const lacks = missing([V5, V41]);
if (lacks && process.env.CI) throw new Error(`real Cassandra can't be run: ${lacks}`);

const KEYSPACES = ['rich', '"MixedCase"'];
const YAML: Readonly<Record<string, readonly string[]>> = {
  [V5]: ['storage_compatibility_mode: NONE', 'dynamic_data_masking_enabled: true'],
  [V41]: [],
};
const ALLOWED = ['materialized_views', 'user_defined_functions', 'drop_compact_storage', 'sasi_indexes'].map(
  (feature) => `${feature}_enabled: true`,
);

// Else each change of the schema flushes an SSTable.
const NO_FLUSHES = ['-Dcassandra.test.flush_local_schema_changes=false'];

/** Rows of system_schema that describe the keyspaces made here, `table: row`. */
async function schemaRows(client: Client, version: string): Promise<string[]> {
  const tables = SCHEMA_TABLES.filter((table) => version === V5 || table !== 'column_masks');
  const rows = await Promise.all(
    tables.map(async (table) => (await selectJson(client, `system_schema.${table}`)).map((row) => `${table}: ${row}`)),
  );
  return rows.flat().filter((row) => /"keyspace_name": "(rich|MixedCase|\\"MixedCase\\")"/.test(row));
}

async function schemaOf(node: Node): Promise<Schema> {
  nodetool(node, 'flush', 'system_schema');
  const loaded = await loadSchema(diskStorage, [join(node.dir, 'data')], { nowSeconds: 2_000_000_000 });
  expect(loaded.source.kind).toBe('system_schema');
  return selectSchema(loaded.schema, {});
}

async function described(client: Client): Promise<string[]> {
  const statements: string[] = [];
  for (const keyspace of KEYSPACES) {
    const { rows } = await client.execute(`DESCRIBE KEYSPACE ${keyspace} WITH INTERNALS`);
    statements.push(...rows.map((row) => String(row.create_statement)));
  }
  return statements.sort();
}

/** A table's dropped columns come in no order that DESCRIBE keeps. */
function linesOf(statements: readonly string[]): string[] {
  return statements.flatMap((statement) => statement.split('\n').map((line) => line.replace(/,$/, ''))).sort();
}

describe.skipIf(lacks !== undefined)('the schema of a node', () => {
  it.each([V5, V41])(
    '%s: comes back from what lsmctl prints',
    async (version) => {
      setup([version]);
      const dir = mkdtempSync(join(tmpdir(), 'lsmctl-schema-'));
      const yaml = [...ALLOWED, ...YAML[version]!];
      const node = await startNode(version, dir, { address: '127.0.41.3', jmxPort: 17943, yaml, jvm: NO_FLUSHES });
      try {
        const client = await connect(node);
        await cql(client, schemaStatements(version));
        const rows = await schemaRows(client, version);
        expect(rows.length).toBeGreaterThan(100);
        const schema = await schemaOf(node);
        const statements = schema.keyspaces.flatMap((keyspace) => keyspaceStatements(keyspace, { ids: true }));
        expect(linesOf(statements)).toEqual(linesOf((await described(client)).map(acceptable)));

        await cql(
          client,
          KEYSPACES.map((keyspace) => `DROP KEYSPACE ${keyspace}`),
        );
        expect(await schemaRows(client, version)).toEqual([]);
        expect((await schemaOf(node)).keyspaces).toEqual([]);

        // A statement may be a table and what drops its columns: the server takes them one by one.
        await cql(
          client,
          statements.flatMap((statement) => statement.split(/;\n(?=ALTER TABLE )/)),
        );
        expect(await schemaRows(client, version)).toEqual(rows);
        const again = await schemaOf(node);
        expect(again).toEqual(schema);
        expect(parseSchema(writeSchema(again, { ids: true })).keyspaces.map(({ name }) => name)).toEqual([
          'MixedCase',
          'rich',
        ]);
        await client.shutdown();
      } finally {
        await stopNode(node);
        rmSync(dir, { recursive: true });
      }
    },
    400_000,
  );
});
