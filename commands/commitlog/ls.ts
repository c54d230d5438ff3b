import { LsmctlCommand } from '../../src/cli/base-command.js';
import { EXIT } from '../../src/cli/exit.js';
import { cassandraYamlFlag, dataFlag, Flags, logPathArg, nowFlag, schemaFlag } from '../../src/cli/flags.js';

export default class CommitlogLs extends LsmctlCommand {
  static override summary = 'list the segments of a commit log, and what of it SSTables do not hold';
  static override description =
    `Segments, how they are stored, their sync sections and mutations; tables, and how much each has in the log. Dirty is what no live SSTable of
this node holds, by the commit log intervals in their Statistics.db: what a start would replay.

Counts and sizes are exact. Times are the least timestamp of each update, as it names it ahead of its rows; rows are not read, and the checksums
of mutations are left to \`lsmctl commitlog verify\`. Exit 1 where a segment is damaged or can't be read.`;
  static override examples = [
    '<%= config.bin %> <%= command.id %> /var/lib/cassandra',
    '<%= config.bin %> <%= command.id %> --system --data /var/lib/cassandra/data /backup/commitlog',
  ];
  static override strict = false;
  static override enableJsonFlag = true;
  static override args = { path: logPathArg };
  static override flags = {
    system: Flags.boolean({ summary: "also Cassandra's own tables" }),
    data: dataFlag,
    schema: schemaFlag,
    'cassandra-yaml': cassandraYamlFlag,
    now: nowFlag,
  };

  async run(): Promise<object> {
    const { argv, flags } = await this.parse(CommitlogLs);
    const [{ listLog }, { listingText, listingJson }, { jsonDocument }] = await Promise.all([
      import('../../src/cli/commitlog/ls.js'),
      import('../../src/render/commitlog-listing.js'),
      import('../../src/render/json.js'),
    ]);
    const paths = argv.length > 0 ? (argv as string[]) : ['.'];
    const listing = await listLog(paths, flags);
    this.log(listingText(listing, flags.system));
    const isWrong = listing.segments.some(({ content, unmeasured }) => unmeasured || content!.faults.length > 0);
    if (isWrong) this.exitWith(EXIT.findings);
    return jsonDocument('commitlog.ls', 1, { paths, ...listingJson(listing) });
  }
}
