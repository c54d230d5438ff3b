import { LsmctlCommand } from '../src/cli/base-command.js';
import { Flags, keyspaceFlag, nowFlag, pathArg, schemaFlag, tableFlag } from '../src/cli/flags.js';
import type { LoadedSchema } from '../src/engine/schema-loader.js';

export default class Schema extends LsmctlCommand {
  static override summary = 'print the schema of a data directory, keyspace or table as CQL';
  static override description =
    `Reads the SSTables of the directory's own system_schema, or else schema.cql of a snapshot, or else the headers of the SSTables, and prints what
makes the same schema again: keyspaces, types, functions, tables with their options, dropped columns, indexes, triggers and views. No node is needed.

The path decides how much: all of a data directory, a keyspace, or (a table's directory, a snapshot, a file) one table with its keyspace and the
types that it needs. --table leaves the keyspace out. A table that was dropped is described by its snapshots.`;
  static override examples = [
    '<%= config.bin %> schema /var/lib/cassandra/data',
    '<%= config.bin %> schema /var/lib/cassandra/data --keyspace shop --table orders --with-ids',
    '<%= config.bin %> schema /var/lib/cassandra/data/shop/orders-1b255f4def2540a60000000000000000',
    '<%= config.bin %> schema backup/shop/orders-1b255f4def2540a60000000000000000/snapshots/daily --source',
  ];
  static override strict = false;
  static override enableJsonFlag = true;
  static override args = { path: pathArg };
  static override flags = {
    keyspace: keyspaceFlag,
    table: tableFlag,
    system: Flags.boolean({ summary: 'also the keyspaces that Cassandra makes itself' }),
    'with-ids': Flags.boolean({ summary: "also the tables' ids, so that their SSTables fit the new ones" }),
    source: Flags.boolean({ summary: 'say on stderr where the schema comes from' }),
    schema: schemaFlag,
    now: nowFlag,
  };

  async run(): Promise<object> {
    const { argv, flags } = await this.parse(Schema);
    const [{ diskStorage }, { loadSchemaAt }, { sourceText }, { selectExisting, wantsKeyspace }] = await Promise.all([
      import('../src/bytes/source.js'),
      import('../src/engine/schema-at-paths.js'),
      import('../src/engine/schema-loader.js'),
      import('../src/engine/schema-selection.js'),
    ]);
    const schemaFile = flags.schema === undefined ? {} : { schemaFile: flags.schema };
    const loaded = await loadSchemaAt(diskStorage, argv.length > 0 ? (argv as string[]) : ['.'], {
      ...schemaFile,
      nowSeconds: flags.now,
      keyspaces: (name) => wantsKeyspace(name, flags),
    });
    if (flags.source || loaded.fromHeaders.length > 0) this.notice(sourceText(loaded));
    const { keyspace, table } = flags;
    const system = flags.system || loaded.isPart;
    const selection = { system, ...(keyspace && { keyspace }), ...(table && { table }) };
    const selected = selectExisting(loaded.schema, selection, loaded.keyspaceNames);
    if (this.jsonEnabled()) return this.document({ ...loaded, schema: selected });
    const { writeSchema } = await import('../src/cql/ddl-writer.js');
    const withoutKeyspaces = table !== undefined;
    this.log(writeSchema(selected, { ids: flags['with-ids'], withoutKeyspaces }).trimEnd());
    return {};
  }

  private async document({ schema, source, fromHeaders }: LoadedSchema): Promise<object> {
    const [{ schemaJson }, { jsonDocument }] = await Promise.all([
      import('../src/render/schema-json.js'),
      import('../src/render/json.js'),
    ]);
    return jsonDocument('schema', 1, { source, fromHeaders, ...schemaJson(schema) });
  }
}
