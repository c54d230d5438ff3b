import { LsmctlCommand } from '../src/cli/base-command.js';
import { EXIT } from '../src/cli/exit.js';
import {
  Flags,
  gcGraceFlag,
  jobsFlag,
  keyspaceFlag,
  nowFlag,
  pathArg,
  schemaFlag,
  tableFlag,
} from '../src/cli/flags.js';

export default class Tombstones extends LsmctlCommand {
  static override summary =
    'tombstones that reads meet, why they are still there, and what to compact to be rid of them';
  static override description =
    `Merges the SSTables of each table and counts what a read would meet, as a node counts against tombstone_warn_threshold and
tombstone_failure_threshold: reads of whole partitions, of their first and of their last rows.

Then, SSTable by SSTable, what becomes of its deletions and expired data when it is compacted by itself: droppable now, droppable from a date
(gc_grace), or blocked, by which SSTable and why. That is what a compaction really does, not the estimate of Statistics.db, which stands beside it.
Then the smallest sets of SSTables that free the most when they are compacted together; --out keeps them as a plan for compact apply.

Of tables with time windows also the windows, what has expired and is held back, by which SSTable, and by which of its rows.

A table that lies in several data directories is looked at directory by directory. Exits 1 by --fail-on alone.`;
  static override examples = [
    '<%= config.bin %> tombstones /var/lib/cassandra/data/shop/orders-*',
    '<%= config.bin %> tombstones /var/lib/cassandra/data/shop --fail-on warn --json',
    '<%= config.bin %> tombstones /var/lib/cassandra/data/shop/orders-* --commitlog /var/lib/cassandra/commitlog --out plan.json',
  ];
  static override enableJsonFlag = true;
  static override strict = false;
  static override args = { path: pathArg };
  static override flags = {
    top: Flags.integer({
      summary: 'partitions to tell of one by one',
      helpValue: 'N',
      default: 10,
      min: 0,
      max: 100_000,
    }),
    rows: Flags.integer({ summary: 'rows of the reads of the first and last rows', helpValue: 'N', default: 100, min: 1, max: 1_000_000 }), // biome-ignore format: one line
    warn: Flags.integer({ summary: 'a read that meets more warns', helpValue: 'N', default: 1000, min: 0 }),
    fail: Flags.integer({ summary: 'a read that meets more fails', helpValue: 'N', default: 100_000, min: 0 }),
    'fail-on': Flags.string({
      summary: 'exit 1 where a read of a partition warns, or fails',
      options: ['warn', 'failure'],
    }),
    commitlog: Flags.string({
      summary:
        "the node's commit log, by default `commitlog` beside the data directory: its writes hold tombstones back; or none",
      helpValue: 'DIR|none',
      multiple: true,
      multipleNonGreedy: true,
    }),
    out: Flags.string({ summary: 'keep what to compact in this file, for compact apply', helpValue: 'FILE' }),
    jobs: jobsFlag,
    'gc-grace': gcGraceFlag,
    keyspace: keyspaceFlag,
    table: tableFlag,
    schema: schemaFlag,
    now: nowFlag,
  };

  async run(): Promise<object> {
    const { argv, flags } = await this.parse(Tombstones);
    const [{ auditTombstones }, { tombstonesText }, { jsonDocument, jsonText }, { withSink }] = await Promise.all([
      import('../src/cli/tombstones/run.js'),
      import('../src/render/tombstones.js'),
      import('../src/render/json.js'),
      import('../src/cli/output.js'),
    ]);
    const paths = argv.length > 0 ? (argv as string[]) : ['.'];
    const done = await auditTombstones(paths, flags, (line) => this.notice(line), this.jsonEnabled());
    if (!this.jsonEnabled()) this.out.writeText(tombstonesText(done.tables));
    if (flags.out !== undefined) {
      const plan = done.plan();
      if (plan) await withSink(flags.out, (sink) => sink.writeText(`${jsonText(plan)}\n`));
      else this.notice('no compaction frees a tombstone: there is no plan to keep');
    }
    if (done.exitCode !== EXIT.clean) this.exitWith(done.exitCode);
    return jsonDocument('tombstones', 1, { tables: done.tables });
  }
}
