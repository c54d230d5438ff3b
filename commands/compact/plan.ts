import { LsmctlCommand } from '../../src/cli/base-command.js';
import { requestFlags } from '../../src/cli/compact/request-flags.js';
import { EXIT } from '../../src/cli/exit.js';
import { Flags, pathArg } from '../../src/cli/flags.js';

export default class CompactPlan extends LsmctlCommand {
  static override summary = 'what a table would compact next, until nothing is pending, and why not the rest';
  static override description =
    `Asks the table's own strategy, with its options from the schema, what it would compact next; takes that for done, with estimated outputs, and asks
again. Nothing is written, and no Data.db is opened. --major, --sstables, --token-range, --key and --garbage-collect plan what an operator forces.

A ~ marks an estimate: what of the inputs is overwritten is told by sketches of their keys, what is tombstones by histograms. What expired SSTables
give back is exact. Real outputs may be larger or smaller, and later tasks other than planned. SSTables are named by version and generation, [2] is
what task 2 writes, [2.1] the first of that.

--out keeps the plan for lsmctl compact apply, with sizes, times and digests of the files that it was made for.

Exit 0: nothing is pending; 1: something is.`;
  static override examples = [
    '<%= config.bin %> compact plan /var/lib/cassandra/data/shop/orders-*',
    '<%= config.bin %> compact plan /var/lib/cassandra/data/shop --major --out plan.json',
    '<%= config.bin %> compact plan /var/lib/cassandra/data/shop/orders-* --strategy ucs --option scaling_parameters=L10',
  ];
  static override enableJsonFlag = true;
  static override strict = false;
  static override args = { path: pathArg };
  static override flags = {
    ...requestFlags,
    out: Flags.string({ summary: 'keep the plan in this file, for compact apply', helpValue: 'FILE' }),
  };

  async run(): Promise<object | undefined> {
    const { argv, flags } = await this.parse(CompactPlan);
    const [{ isPending, planTables }, { planDocument, shownPlan }, { jsonText }, { withSink }] = await Promise.all([
      import('../../src/cli/compact/plan.js'),
      import('../../src/cli/compact/show-plan.js'),
      import('../../src/render/json.js'),
      import('../../src/cli/output.js'),
    ]);
    const paths = argv.length > 0 ? (argv as string[]) : ['.'];
    const planned = await planTables(paths, flags, (line) => this.notice(line));
    for (const { path, message } of planned.problems) this.notice(`${path}: ${message}`);
    if (isPending(planned)) this.exitWith(EXIT.findings);
    if (!this.jsonEnabled()) this.out.writeText(shownPlan(planned, process.stdout.columns ?? 0));
    if (!this.jsonEnabled() && flags.out === undefined) return undefined;
    const document = planDocument(planned);
    if (flags.out !== undefined) await withSink(flags.out, (sink) => sink.writeText(`${jsonText(document)}\n`));
    return document;
  }
}
