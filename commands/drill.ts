import { LsmctlCommand } from '../src/cli/base-command.js';
import { EXIT } from '../src/cli/exit.js';
import {
  Args,
  cassandraYamlFlag,
  Flags,
  jobsFlag,
  keyspaceFlag,
  nowFlag,
  schemaFlag,
  tableFlag,
} from '../src/cli/flags.js';

export default class Drill extends LsmctlCommand {
  static override summary = 'rehearse a recovery on a copy: what a crash loses, how long it takes to be back';
  static override description =
    `Takes the SSTables and the commit log of a node (hard links where the file system allows it: nothing of the node is ever changed), damages the
log as asked, replays it, verifies the result deeply, and tells what was lost and how long each phase took.

Lost is what the whole log and its SSTables answer, and the recovered copy does not. Seconds lost (RPO) are counted from the first lost write to
the newest of the log. A SEGMENT is the id of one, the name of its file, first, last or random; OFFSET and BIT may be random too, and come from
--seed. --lose-last goes by the times of the writes: the log is made to end there as if it had been synced last then.

With --snapshot or --backup the recovery starts from that instead of the live SSTables, and is held against these. Exit 0: PASS. Exit 1: FAIL, for
a result that is not sound, a base that is not complete, or a limit that was crossed.`;
  static override examples = [
    '<%= config.bin %> <%= command.id %> --lose-last 10s --max-loss 15s --max-time 5m /var/lib/cassandra',
    '<%= config.bin %> <%= command.id %> --tear-at last:random --flip random --seed 7 --html drill.html /var/lib/cassandra',
    '<%= config.bin %> <%= command.id %> --backup /backup/node1 --drop-segment all /var/lib/cassandra',
  ];
  static override enableJsonFlag = true;
  static override args = {
    dir: Args.string({ description: 'directory of a node (with data and commitlog in it), or its data directory' }),
  };
  static override flags = {
    'lose-last': Flags.string({
      summary: 'what was written in this time before the newest write was never synced',
      helpValue: 'TIME',
    }),
    'tear-at': Flags.string({
      summary: "cut a segment's file there; may be given often",
      helpValue: 'SEGMENT:OFFSET',
      multiple: true,
      multipleNonGreedy: true,
    }),
    'drop-segment': Flags.string({
      summary: 'leave out a segment, or all; may be given often',
      helpValue: 'SEGMENT',
      multiple: true,
      multipleNonGreedy: true,
    }),
    flip: Flags.string({
      summary: 'flip a bit of a segment (bit 8 is the lowest of byte 1), or a random one; may be given often',
      helpValue: 'SEGMENT:BIT',
      multiple: true,
      multipleNonGreedy: true,
    }),
    seed: Flags.integer({ summary: 'seed of what is random (default: --now)', helpValue: 'N', min: 0 }),
    'skip-corrupt': Flags.boolean({
      summary: 'replay all that can be read, as `commitlog replay --skip-corrupt`, also where a node would start',
      default: false,
    }),
    snapshot: Flags.string({ summary: 'start from this snapshot', helpValue: 'NAME' }),
    backup: Flags.string({
      summary: 'start from this backup: table directories with SSTables, snapshots or incremental backups',
      helpValue: 'DIR',
    }),
    commitlog: Flags.string({
      summary: 'directory of the commit log, or none (default: the one beside the data)',
      helpValue: 'DIR',
      multiple: true,
      multipleNonGreedy: true,
    }),
    'sync-period': Flags.string({
      summary: 'period of periodic sync, to compare with',
      helpValue: 'TIME',
      default: '10s',
    }),
    'max-loss': Flags.string({
      summary: 'FAIL where more is lost: 10s, 5m, or a number of writes; may be given often',
      helpValue: 'TIME|WRITES',
      multiple: true,
      multipleNonGreedy: true,
    }),
    'max-time': Flags.string({ summary: 'FAIL where the recovery takes longer', helpValue: 'TIME' }),
    work: Flags.string({ summary: 'where to make the copy (default: the directory for temporary files)', helpValue: 'DIR' }), // biome-ignore format: one line
    keep: Flags.boolean({
      summary: 'leave the copy there, as it crashed, with what was recovered beside',
      default: false,
    }),
    html: Flags.string({ summary: 'also write the result as a page for browsers', helpValue: 'FILE' }),
    lost: Flags.string({ summary: 'write each lost write to this file, a JSON object a line', helpValue: 'FILE' }),
    keyspace: keyspaceFlag,
    table: tableFlag,
    schema: schemaFlag,
    'cassandra-yaml': cassandraYamlFlag,
    now: nowFlag,
    jobs: jobsFlag,
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Drill);
    const [{ drill }, { drillText }, { drillJson }, { jsonDocument }] = await Promise.all([
      import('../src/cli/drill/drill.js'),
      import('../src/render/drill.js'),
      import('../src/render/drill-json.js'),
      import('../src/render/json.js'),
    ]);
    const report = await drill(args.dir, flags, { notice: (line) => this.notice(line), isQuiet: this.jsonEnabled() });
    this.log(drillText(report));
    if (!report.isPassed) this.exitWith(EXIT.findings);
    return jsonDocument('drill', 1, drillJson(report));
  }
}
