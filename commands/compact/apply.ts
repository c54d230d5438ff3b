import { LsmctlCommand } from '../../src/cli/base-command.js';
import { workFlags } from '../../src/cli/compact/request-flags.js';
import { EXIT } from '../../src/cli/exit.js';
import { Args, jobsFlag, schemaFlag, yesFlag } from '../../src/cli/flags.js';

export default class CompactApply extends LsmctlCommand {
  static override summary = 'carry out a plan of compactions, and nothing else';
  static override description =
    `Does the tasks of a plan that lsmctl compact plan --out has written, in their order, by the clock, options and gc_grace_seconds of the plan, in place
or with --output into another directory, as lsmctl compact run does it.

Refused (exit 4) where a file that the plan takes has another size, time or digest than it had, or is gone: which, and how, is said. SSTables that
are new since then stay as they are; what they hold decides what may be purged. Where a task is to take one of several SSTables that an earlier task
writes, and that task wrote another number of them than was estimated, the plan ends there; what is done stays done.`;
  static override examples = [
    '<%= config.bin %> compact apply plan.json --dry-run',
    '<%= config.bin %> compact apply plan.json --yes --max-rate 50M',
  ];
  static override enableJsonFlag = true;
  static override args = { plan: Args.string({ description: 'what compact plan --out has written', required: true }) };
  static override flags = { ...workFlags, schema: schemaFlag, jobs: jobsFlag, yes: yesFlag };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(CompactApply);
    const [{ applyPlan }, { stageOf }, { compactionReport, compactionText }, { jsonDocument }] = await Promise.all([
      import('../../src/cli/compact/apply.js'),
      import('../../src/cli/compact/stage.js'),
      import('../../src/render/compaction-report.js'),
      import('../../src/render/json.js'),
    ]);
    const { tables, isDeclined } = await applyPlan(args.plan, flags, stageOf(this.jsonEnabled()));
    if (isDeclined) this.exitWith(EXIT.findings);
    else if (!this.jsonEnabled()) this.out.writeText(compactionText(tables, process.stdout.columns ?? 0));
    return jsonDocument('compact-apply', 1, { isDeclined, ...compactionReport(tables) });
  }
}
