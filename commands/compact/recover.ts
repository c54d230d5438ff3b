import { LsmctlCommand } from '../../src/cli/base-command.js';
import { EXIT } from '../../src/cli/exit.js';
import { Flags, keyspaceFlag, pathArg, tableFlag, yesFlag } from '../../src/cli/flags.js';

export default class CompactRecover extends LsmctlCommand {
  static override summary = 'clear away what a crash has left of compactions, as a start of the node would';
  static override description =
    `Reads the transaction logs (*_txn_*.log) that Cassandra and lsmctl keep while SSTables are replaced, and says record by record what becomes of
the files: those of the old SSTables go where the transaction was committed, those of the new ones where it was not. Then it asks, and does it. Temporary
files and components without a Data.db go too. What is left is what a start of Cassandra would have left.

A log that contradicts itself or the disk is refused, as Cassandra refuses to start on it, and nothing of its table is touched. So is everything
while a node runs on the directory.

AFTER A CRASH

1. Leave the node stopped, and leave the logs and temporary files where they are: which SSTables count is told by the logs alone.

2. lsmctl compact recover DATA --dry-run says what would go and what stays. Exit 0: nothing was left, go on with step 4.

3. lsmctl compact recover DATA asks, and does it. Each table then has its old SSTables or its new ones, never both. A start of the node does the same.

4. lsmctl verify DATA, then run the compaction again or start the node.

5. Where a log is refused (exit 4), files have changed since it was written, most often since a backup was restored over them. To keep what is
   there, move the *_txn_*.log away; to go back, restore the table's whole directory. Then begin again at step 2.

After a run with --output nothing is to be recovered, for the inputs are as they were: empty the output directory and run it again.

Exit 0: nothing is left to do; 1: something is (--dry-run, or the answer was no); 4: refused.`;
  static override examples = [
    '<%= config.bin %> compact recover /var/lib/cassandra/data --dry-run',
    '<%= config.bin %> compact recover /var/lib/cassandra/data/shop/orders-* --yes',
  ];
  static override enableJsonFlag = true;
  static override strict = false;
  static override args = { path: pathArg };
  static override flags = {
    'dry-run': Flags.boolean({ summary: 'only say what would be done', default: false }),
    keyspace: keyspaceFlag,
    table: tableFlag,
    yes: yesFlag,
  };

  async run(): Promise<object> {
    const { argv, flags } = await this.parse(CompactRecover);
    const [{ doRecovery, findRecovery, isPending }, { refuseAny, refusedTables }, { recoveryText }, { jsonDocument }] =
      await Promise.all([
        import('../../src/cli/compact/recover.js'),
        import('../../src/cli/guards/guard.js'),
        import('../../src/render/recovery.js'),
        import('../../src/render/json.js'),
      ]);
    const paths = argv.length > 0 ? (argv as string[]) : ['.'];
    const found = findRecovery(paths, flags);
    for (const { path, message } of found.problems) this.notice(`${path}: ${message}`);
    for (const note of found.notes) this.notice(note);
    if (!this.jsonEnabled()) this.out.writeText(recoveryText(found.tables, process.stdout.columns ?? 0));
    this.out.flush();
    const isDone = flags['dry-run'] ? false : await doRecovery(paths, flags, found);
    const document = jsonDocument('compact-recover', 1, { isDry: flags['dry-run'], isDone, tables: found.tables });
    if (isDone) this.log('Done: nothing of these is left.');
    const refusals = [...found.refusals, ...refusedTables(found.tables)];
    if (refusals.length > 0 && this.jsonEnabled()) this.logJson(document);
    refuseAny(refusals);
    if (!isDone && isPending(found)) this.exitWith(EXIT.findings);
    return document;
  }
}
