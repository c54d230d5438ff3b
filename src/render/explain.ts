/** The text of `explain`: one rule, or the list of all. */
import { BLOOM_RULES } from '../engine/bloom/bloom-rules.js';
import { RULES, type Rule } from '../engine/verify/rules.js';
import { tableText } from './table.js';
import { wrapWords } from './words.js';

/** A rule with the command that judges by it. */
export type ExplainedRule = Omit<Rule, 'level'> & {
  readonly rule: string;
  readonly command: 'verify' | 'bloom';
  /** Of a rule of verify: the cheapest level that can find it. */
  readonly level?: Rule['level'];
};

const LEVEL_FLAG = { quick: 'verify --quick', default: 'verify', deep: 'verify --deep' } as const;

/** All rules, those of verify first. */
export function explainedRules(): ExplainedRule[] {
  const ofVerify = Object.entries<Rule>(RULES).map(([rule, facts]) => ({ rule, command: 'verify' as const, ...facts }));
  const ofBloom = Object.entries(BLOOM_RULES).map(([rule, facts]) => ({ rule, command: 'bloom' as const, ...facts }));
  return [...ofVerify, ...ofBloom];
}

export function ruleText({ rule, title, severity, means, remedy, ...found }: ExplainedRule): string {
  return [
    `${rule}: ${title}`,
    `  ${severity}, found by lsmctl ${foundBy(found)}`,
    '',
    ...wrapWords(means, 2),
    '',
    ...wrapWords(`→ ${remedy}`, 2),
  ].join('\n');
}

export function rulesText(rules: readonly ExplainedRule[]): string {
  const rows = rules.map((one) => [one.rule, one.severity, one.level ?? one.command, one.title]);
  return tableText([{ title: 'rule' }, { title: 'severity' }, { title: 'level' }, { title: 'what' }], rows);
}

function foundBy({ command, level }: Pick<ExplainedRule, 'command' | 'level'>): string {
  return level === undefined ? command : LEVEL_FLAG[level];
}
