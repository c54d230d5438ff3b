import { LsmctlCommand } from '../../src/cli/base-command.js';
import { requestFlags, taskJobsFlag, workFlags } from '../../src/cli/compact/request-flags.js';
import { EXIT } from '../../src/cli/exit.js';
import { pathArg, yesFlag } from '../../src/cli/flags.js';

export default class CompactRun extends LsmctlCommand {
  static override summary = 'compact tables as a node would, in place or into another directory';
  static override description =
    `Plans as lsmctl compact plan does, shows the plan, asks, and compacts: what the table's own strategy wants until nothing is pending, or what is
forced with --major, --sstables, --token-range, --key or --garbage-collect. What is written is what a node would write.

In place, each task replaces its inputs through a transaction log of Cassandra's own form: a crash leaves a task done or undone, and a start of the
node or lsmctl compact recover clears up after it. Ctrl-C leaves the directory as it was before the task at hand. Refused while a node runs on the
directory. With --output the inputs stay, and the new SSTables get their names when all of a table are complete; SSTables that no task takes are not
copied.

Deletions and expired data go once gc_grace_seconds are over, where no other SSTable of the table may hold older data of their partition, and no write
of the node's commit log that is in no SSTable yet (--commitlog). nodetool drain flushes these.

Tables, and the tasks of a table, follow each other: what one task has written decides what the next may purge. --jobs is for one task: from 2 on,
one thread merges while others read ahead and write.

TO FORCE A COMPACTION SAFELY

1. Take the node down: nodetool drain, then stop its service. On a running node's directory nothing is done (exit 4). A copy or a restored backup
   needs no node at all.

2. Look: lsmctl compact plan DIRECTORY --major (or what else is wanted) says what would be compacted, why, what it gives back, and how much disk it
   needs against what is free.

3. Try: the same words with lsmctl compact run and --dry-run do all but write, and count what would come out. Exit 1 says that something would change.

4. Keep a way back: once a task is done its inputs are gone. cp -al DIRECTORY KEEP, with KEEP on the same file system but outside of the data directory,
   makes hard links, which no compaction changes. Or give --output and an empty directory: the inputs stay as they are.

5. Do it: lsmctl compact run DIRECTORY --major shows the plan and asks. Or keep the plan with compact plan --out plan.json, have it looked at, and
   lsmctl compact apply plan.json does that and nothing else. --max-rate 50M leaves the disk to others.

6. Check: lsmctl verify DIRECTORY; then start the node. To go back instead, put what KEEP has in place of the table's SSTables.

After a crash: lsmctl compact recover, see lsmctl-compact-recover(1). Ctrl-C, a lost connection and a full disk are cleared up after at once.

Exit 0: done, or nothing to do; 1: a dry run that would change something, or the answer was no; 4: refused as unsafe, before anything was touched.`;
  static override examples = [
    '<%= config.bin %> compact run /var/lib/cassandra/data/shop/orders-*',
    '<%= config.bin %> compact run /var/lib/cassandra/data/shop --major --yes --max-rate 50M',
    '<%= config.bin %> compact run /var/lib/cassandra/data/shop --major --output /mnt/spare',
    '<%= config.bin %> compact run /var/lib/cassandra/data/shop --garbage-collect cell --dry-run',
  ];
  static override enableJsonFlag = true;
  static override strict = false;
  static override args = { path: pathArg };
  static override flags = { ...requestFlags, ...workFlags, jobs: taskJobsFlag, yes: yesFlag };

  async run(): Promise<object> {
    const { argv, flags } = await this.parse(CompactRun);
    const [{ isLeftPending, runCompactions }, { stageOf }, { compactionReport, compactionText }, { jsonDocument }] =
      await Promise.all([
        import('../../src/cli/compact/run.js'),
        import('../../src/cli/compact/stage.js'),
        import('../../src/render/compaction-report.js'),
        import('../../src/render/json.js'),
      ]);
    const paths = argv.length > 0 ? (argv as string[]) : ['.'];
    const { tables, problems, isDeclined } = await runCompactions(paths, flags, stageOf(this.jsonEnabled()));
    for (const { path, message } of problems) this.notice(`${path}: ${message}`);
    if (isDeclined || isLeftPending(tables)) this.exitWith(EXIT.findings);
    if (!isDeclined && !this.jsonEnabled()) this.out.writeText(compactionText(tables, process.stdout.columns ?? 0));
    return jsonDocument('compact-run', 2, { isDeclined, ...compactionReport(tables) });
  }
}
