import { UsageError } from '../src/bytes/errors.js';
import { LsmctlCommand } from '../src/cli/base-command.js';
import { Args } from '../src/cli/flags.js';

export default class Explain extends LsmctlCommand {
  static override summary = 'what a rule of verify means, and what to do about its findings';
  static override description = `Without RULE: all rules, with their severity and the level of verify that finds them.`;
  static override examples = ['<%= config.bin %> explain filter-denies', '<%= config.bin %> explain --json'];
  static override enableJsonFlag = true;
  static override args = { rule: Args.string({ description: 'a rule, as verify names it' }) };

  async run(): Promise<object> {
    const { args } = await this.parse(Explain);
    const [{ findRule, RULE_IDS, RULES }, { rulesText, ruleText }, { jsonDocument }] = await Promise.all([
      import('../src/engine/verify/rules.js'),
      import('../src/render/explain.js'),
      import('../src/render/json.js'),
    ]);
    const id = args.rule;
    if (id === undefined) {
      this.log(rulesText());
      return jsonDocument('explain', 1, { rules: RULE_IDS.map((rule) => ({ rule, ...RULES[rule] })) });
    }
    const rule = findRule(id);
    if (!rule) {
      throw new UsageError('no such rule', { seen: id, hint: '`lsmctl explain` lists them all' });
    }
    this.log(ruleText(id, rule));
    return jsonDocument('explain', 1, { rules: [{ rule: id, ...rule }] });
  }
}
