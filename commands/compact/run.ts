import { LsmctlCommand } from '../../src/cli/base-command.js';
import {
  Flags,
  gcGraceFlag,
  jobsFlag,
  keyspaceFlag,
  nowFlag,
  pathArg,
  schemaFlag,
  tableFlag,
} from '../../src/cli/flags.js';

export default class CompactRun extends LsmctlCommand {
  static override summary = 'compact tables into new SSTables, as a node would';
  static override description =
    `Merges all SSTables of each table as nodetool compact does, by the table's own strategy, and writes what a node would write. The inputs are only
read; the new SSTables go to --output, laid out as a data directory. Files get their names when all of a table are complete and on the disk.

Deletions and expired data go once gc_grace_seconds are over, where no other SSTable of the table may hold older data of their partition. What is
in the commit log and not in an SSTable yet is not known here: flush first (nodetool drain), or raise --gc-grace.

--major does what nodetool compact does; --garbagecollect what nodetool garbagecollect does: it rewrites each SSTable by itself, without what the
table's other SSTables delete (row: deletions of partitions, ranges and rows) or also overwrite (cell). One of the two must be given. Compactions as
the strategies choose them, and those that replace their inputs, are not there so far.`;
  static override examples = [
    '<%= config.bin %> compact run /var/lib/cassandra/data/shop --major --output /mnt/spare',
    '<%= config.bin %> compact run /var/lib/cassandra/data/shop/orders-* --major --dry-run',
    '<%= config.bin %> compact run /var/lib/cassandra/data/shop --garbagecollect cell --output /mnt/spare',
  ];
  static override enableJsonFlag = true;
  static override strict = false;
  static override args = { path: pathArg };
  static override flags = {
    major: Flags.boolean({ summary: 'all SSTables of a table', default: false }),
    garbagecollect: Flags.string({
      summary: "each SSTable by itself, without what the table's others hide: rows, or rows and cells",
      helpValue: 'row|cell',
      options: ['row', 'cell'],
    }),
    output: Flags.string({ char: 'o', summary: 'directory for the new SSTables', helpValue: 'DIR' }),
    'dry-run': Flags.boolean({ summary: 'do all but write: count what would come out' }),
    'gc-grace': gcGraceFlag,
    'column-index-size': Flags.integer({
      summary: "bytes of rows a block of a partition's index covers: cassandra.yaml's column_index_size",
      helpValue: 'BYTES',
      min: 1024,
    }),
    jobs: jobsFlag,
    keyspace: keyspaceFlag,
    table: tableFlag,
    schema: schemaFlag,
    now: nowFlag,
    yes: Flags.boolean({
      char: 'y',
      summary: 'go ahead without asking (nothing is asked: the inputs stay)',
      hidden: true,
    }),
  };

  async run(): Promise<object> {
    const { argv, flags } = await this.parse(CompactRun);
    const [{ runMajor }, { compactionReport, compactionText }, { jsonDocument }] = await Promise.all([
      import('../../src/cli/compact/run.js'),
      import('../../src/render/compaction-report.js'),
      import('../../src/render/json.js'),
    ]);
    const paths = argv.length > 0 ? (argv as string[]) : ['.'];
    const tell = (line: string) => this.notice(line);
    const { tables, problems } = await runMajor(paths, flags, tell, this.jsonEnabled());
    for (const { path, message } of problems) this.notice(`${path}: ${message}`);
    if (!this.jsonEnabled()) this.out.writeText(compactionText(tables, process.stdout.columns ?? 0));
    return jsonDocument('compact-run', 2, compactionReport(tables));
  }
}
