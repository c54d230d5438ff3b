import { LsmctlCommand } from '../../src/cli/base-command.js';
import { columnIndexSizeFlag } from '../../src/cli/compact/request-flags.js';
import { EXIT } from '../../src/cli/exit.js';
import {
  cassandraYamlFlag,
  dataFlag,
  Flags,
  jobsFlag,
  logPathArg,
  nowFlag,
  schemaFlag,
  yesFlag,
} from '../../src/cli/flags.js';

export default class CommitlogReplay extends LsmctlCommand {
  static override summary = 'write what only a commit log holds into SSTables, as a node does when it starts';
  static override description =
    `Mutations that SSTables hold already, that were truncated, or of tables that are not there are left out, by the rules of a node's start. The rest
goes through memtables into SSTables that a node loads; they name the part of the commit log that is in them, so that a node does not replay it again.

With --output they go into a directory laid out as a data directory; with --in-place into the data directory itself, after a question, under the
guards and with the transaction logs of lsmctl compact run. Ctrl-C leaves nothing behind.

Where a node would stop, so does this (exit 3), and nothing is written; what it tolerates, a torn end of the last segment, is told and passed over.
With --skip-corrupt all that can be read is replayed, also what a node leaves out behind damage, and what nobody can read is listed (exit 1).

--until goes back to a point in time: mutations with anything written later are left out, each judged as a whole, wherever they stand in the log.
A node's restore_point_in_time does the same but for deletions of single rows, which it replays whenever they were made.

Without a path the log is the directory commitlog in or beside that of --data.

The node won't start, its commit log is corrupt: copy the log away; see what it costs (lsmctl commitlog verify COPY --data DATA); replay COPY with
--skip-corrupt --in-place --data DATA; move all segments out of the commitlog directory; start the node; repair the tables of which something is lost.

Restore to a point in time: stop the node; put the SSTables of a snapshot from before the time, and those of system and system_schema, into a data
directory; replay every segment since then with --until TIME, to --output first, then --in-place; move all segments out of the commitlog directory
before the node is started, since it would replay what is later.`;
  static override examples = [
    '<%= config.bin %> <%= command.id %> --data /var/lib/cassandra/data --output /mnt/spare',
    '<%= config.bin %> <%= command.id %> --in-place --skip-corrupt --data /var/lib/cassandra/data',
    '<%= config.bin %> <%= command.id %> --until 2026-11-20T14:59:00Z --tables shop.orders --data restored --output out archive/',
  ];
  static override strict = false;
  static override enableJsonFlag = true;
  static override args = { path: logPathArg };
  static override flags = {
    data: dataFlag,
    output: Flags.string({
      char: 'o',
      summary: 'new or empty directory for the SSTables, laid out as a data directory',
      helpValue: 'DIR',
      exclusive: ['in-place'],
    }),
    'in-place': Flags.boolean({ summary: 'add the SSTables to the data directory', default: false }),
    until: Flags.string({
      summary: 'leave out mutations with anything written after: ISO 8601 or microseconds',
      helpValue: 'TIME',
    }),
    tables: Flags.string({
      char: 'T',
      summary: 'only these: KEYSPACE.TABLE, KEYSPACE or a table id, with commas between; may be given often',
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'NAMES',
    }),
    keys: Flags.string({
      char: 'k',
      summary: 'only this partition of the one table; may be given often (composite keys: a:b)',
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'KEY',
    }),
    'skip-corrupt': Flags.boolean({
      summary: 'go on past damage, replay all that can be read, and list what is lost',
      default: false,
    }),
    'dry-run': Flags.boolean({ summary: 'do all but write', default: false }),
    'memtable-mb': Flags.integer({
      summary: 'memory for memtables in MiB; more than that is flushed in parts',
      helpValue: 'MIB',
      min: 1,
      max: 4096,
      default: 128,
    }),
    'column-index-size': columnIndexSizeFlag,
    schema: schemaFlag,
    'cassandra-yaml': cassandraYamlFlag,
    jobs: jobsFlag,
    now: nowFlag,
    yes: yesFlag,
  };

  async run(): Promise<object> {
    const { argv, flags } = await this.parse(CommitlogReplay);
    const [{ replayPaths }, { replayJson, replayPlanText, replayText }, { jsonDocument }] = await Promise.all([
      import('../../src/cli/commitlog/replay.js'),
      import('../../src/render/replay-report.js'),
      import('../../src/render/json.js'),
    ]);
    const quiet = this.jsonEnabled();
    const report = await replayPaths(argv as string[], flags, {
      tell: (line) => this.notice(line),
      show: (plan) => {
        if (!quiet) this.notice(replayPlanText(plan));
      },
      quiet,
    });
    if (!quiet) this.out.writeText(replayText(report));
    if (report.isDeclined || report.result.lost.length > 0) this.exitWith(EXIT.findings);
    return jsonDocument('commitlog.replay', 1, replayJson(report));
  }
}
