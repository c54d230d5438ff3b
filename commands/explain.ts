import { UsageError } from '../src/bytes/errors.js';
import { LsmctlCommand } from '../src/cli/base-command.js';
import { Args } from '../src/cli/flags.js';

export default class Explain extends LsmctlCommand {
  static override summary = 'what a rule of verify or bloom means, and what to do about its findings';
  static override description =
    `Without RULE: all rules, with their severity and the level of verify that finds them, or the command.`;
  static override examples = ['<%= config.bin %> explain filter-denies', '<%= config.bin %> explain --json'];
  static override enableJsonFlag = true;
  static override args = { rule: Args.string({ description: 'a rule, as verify and bloom name it' }) };

  async run(): Promise<object> {
    const { args } = await this.parse(Explain);
    const [{ explainedRules, rulesText, ruleText }, { jsonDocument }] = await Promise.all([
      import('../src/render/explain.js'),
      import('../src/render/json.js'),
    ]);
    const all = explainedRules();
    const rules = args.rule === undefined ? all : all.filter(({ rule }) => rule === args.rule);
    if (rules.length === 0) {
      throw new UsageError('no such rule', { seen: args.rule!, hint: '`lsmctl explain` lists them all' });
    }
    this.log(args.rule === undefined ? rulesText(all) : ruleText(rules[0]!));
    return jsonDocument('explain', 1, { rules });
  }
}
