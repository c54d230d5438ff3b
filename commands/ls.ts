import { LsmctlCommand } from '../src/cli/base-command.js';
import { EXIT } from '../src/cli/exit.js';
import { Flags, keyspaceFlag, nowFlag, pathArg, schemaFlag, tableFlag } from '../src/cli/flags.js';

export default class Ls extends LsmctlCommand {
  static override summary = 'list what a data directory holds, and what looks wrong in it';
  static override description =
    `Keyspaces, tables, SSTables, snapshots and backups, with sizes, partitions, tombstones and repair state. Data.db is never opened: all comes
from file names, TOC.txt, Statistics.db and CompressionInfo.db. A ~ marks an estimate; ≤ an upper bound.

Exit 1 when something looks wrong: missing or empty components, leftovers of an interrupted transaction, temporary files, directories of dropped
tables, unsupported versions. A running node has transaction logs and temporary files of work under way.`;
  static override examples = [
    '<%= config.bin %> <%= command.id %> /var/lib/cassandra/data',
    '<%= config.bin %> <%= command.id %> --sstables --keyspace shop --table orders /var/lib/cassandra/data',
  ];
  static override strict = false;
  static override enableJsonFlag = true;
  static override args = { path: pathArg };
  static override flags = {
    sstables: Flags.boolean({ summary: 'also each SSTable' }),
    snapshots: Flags.boolean({ summary: "also each table's snapshots and backups" }),
    system: Flags.boolean({ summary: "also Cassandra's own keyspaces" }),
    keyspace: keyspaceFlag,
    table: tableFlag,
    schema: schemaFlag,
    now: nowFlag,
  };

  async run(): Promise<object> {
    const { argv, flags } = await this.parse(Ls);
    const [{ inventoryOf }, { inventoryText }, { jsonDocument }, { isWrong }] = await Promise.all([
      import('../src/cli/ls.js'),
      import('../src/render/inventory.js'),
      import('../src/render/json.js'),
      import('../src/engine/inventory-finding.js'),
    ]);
    const paths = argv.length > 0 ? (argv as string[]) : ['.'];
    const { inventory, schema } = await inventoryOf(paths, flags, (line) => this.notice(line));
    const [root] = paths;
    this.log(inventoryText(inventory, { ...flags, ...(paths.length === 1 && { root: root! }) }));
    if (inventory.findings.some(isWrong)) this.exitWith(EXIT.findings);
    return jsonDocument('ls', 1, { paths, schemaSource: schema, ...inventory });
  }
}
