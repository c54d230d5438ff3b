import { LsmctlCommand } from '../../src/cli/base-command.js';
import { requestFlags, taskJobsFlag, workFlags } from '../../src/cli/compact/request-flags.js';
import { EXIT } from '../../src/cli/exit.js';
import { Args, schemaFlag, yesFlag } from '../../src/cli/flags.js';

export default class CompactApply extends LsmctlCommand {
  static override summary = 'carry out a plan of compactions, and nothing else';
  static override description =
    `Does the tasks of a plan that lsmctl compact plan --out has written, in their order, by the clock, options, gc_grace_seconds and
--commitlog of the plan, in place or with --output into another directory, as lsmctl compact run does it.

Refused (exit 4) before anything is written where a file that the plan takes has another size, time or digest than it had, or is gone: which, and
how, is said. Nothing is planned anew: a task that takes what an earlier one writes takes all of it, or the part between two tokens that the plan
names; there, what would be cut by its size is cut at these tokens instead, so that the SSTables of later tasks are those of the plan. SSTables that
are new since then stay as they are; what they hold decides what may be purged.

Exit 0: done, or nothing to do; 1: a dry run of a plan that would change something, or the answer was no; 4: refused as unsafe, or as stale.`;
  static override examples = [
    '<%= config.bin %> compact apply plan.json --dry-run',
    '<%= config.bin %> compact apply plan.json --yes --max-rate 50M',
  ];
  static override enableJsonFlag = true;
  static override args = { plan: Args.string({ description: 'what compact plan --out has written', required: true }) };
  static override flags = {
    ...workFlags,
    commitlog: requestFlags.commitlog,
    schema: schemaFlag,
    jobs: taskJobsFlag,
    yes: yesFlag,
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(CompactApply);
    const [{ applyPlan }, { isLeftPending }, { stageOf }, { compactionReport, compactionText }, { jsonDocument }] =
      await Promise.all([
        import('../../src/cli/compact/apply.js'),
        import('../../src/cli/compact/run.js'),
        import('../../src/cli/compact/stage.js'),
        import('../../src/render/compaction-report.js'),
        import('../../src/render/json.js'),
      ]);
    const { tables, problems, isDeclined } = await applyPlan(args.plan, flags, stageOf(this.jsonEnabled()));
    for (const { path, message } of problems) this.notice(`${path}: ${message}`);
    if (isDeclined || isLeftPending(tables)) this.exitWith(EXIT.findings);
    if (!isDeclined && !this.jsonEnabled()) this.out.writeText(compactionText(tables, process.stdout.columns ?? 0));
    return jsonDocument('compact-apply', 1, { isDeclined, ...compactionReport(tables) });
  }
}
