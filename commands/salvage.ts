import { LsmctlCommand } from '../src/cli/base-command.js';
import { Flags, keyspaceFlag, nowFlag, pathArg, schemaFlag, tableFlag } from '../src/cli/flags.js';

export default class Salvage extends LsmctlCommand {
  static override summary = 'write what can be read of damaged SSTables into new, sound ones';
  static override description =
    `Reads each SSTable partition by partition and row by row, and writes what it can read to --output, laid out as a data directory. The input is
only read. Where a chunk fails its checksum, rows before it are kept; after it, reading goes on at the next block of the partition or the next
partition that the index names and the data confirms. Without an index, partitions are found by their bytes alone.

What is kept is unchanged, cell for cell; only a range tombstone that reaches into lost rows is cut to those that are kept. What is lost is told:
token ranges, keys and rows, as far as they are known. Then nodetool repair brings it back from other replicas.

A lost CompressionInfo.db is made anew from Data.db, if that is whole: chunks are found by their checksums. For the header of Statistics.db, without which
no row can be read, a copy of the same SSTable in a snapshot or backup of the table is looked for; no other SSTable can stand in.

Exits 1 where something is lost.`;
  static override examples = [
    '<%= config.bin %> salvage /var/lib/cassandra/data/shop/orders-*/oa-7-big-Data.db --output /mnt/spare',
    '<%= config.bin %> salvage /var/lib/cassandra/data/shop/orders-* --dry-run --json',
  ];
  static override enableJsonFlag = true;
  static override strict = false;
  static override args = { path: pathArg };
  static override flags = {
    output: Flags.string({ char: 'o', summary: 'directory for the new SSTables', helpValue: 'DIR' }),
    'dry-run': Flags.boolean({ summary: 'do all but write: tell what would be kept and lost', default: false }),
    unchecked: Flags.boolean({
      summary: 'also keep what no checksum covers (uncompressed tables without CRC.db)',
      default: false,
    }),
    keyspace: keyspaceFlag,
    table: tableFlag,
    schema: schemaFlag,
    now: nowFlag,
  };

  async run(): Promise<object> {
    const { argv, flags } = await this.parse(Salvage);
    const [{ salvagePaths }, { salvageText }, { jsonDocument }] = await Promise.all([
      import('../src/cli/salvage/run.js'),
      import('../src/render/salvage.js'),
      import('../src/render/json.js'),
    ]);
    const paths = argv.length > 0 ? (argv as string[]) : ['.'];
    const tell = (line: string) => this.notice(line);
    const { reports, failures } = await salvagePaths(paths, flags, tell, this.jsonEnabled());
    if (!this.jsonEnabled()) this.out.writeText(salvageText(reports, flags['dry-run']));
    this.exitWith(failures.exitCode);
    return jsonDocument('salvage', 1, { sstables: reports, errors: failures.objects });
  }
}
