/** The text of `explain`: one rule, or the list of all. */
import { RULE_IDS, RULES, type Rule } from '../engine/verify/rules.js';
import { tableText } from './table.js';
import { wrapWords } from './verify-text.js';

const LEVEL_FLAG = { quick: 'verify --quick', default: 'verify', deep: 'verify --deep' } as const;

export function ruleText(id: string, { title, severity, level, means, remedy }: Rule): string {
  return [
    `${id}: ${title}`,
    `  ${severity}, found by lsmctl ${LEVEL_FLAG[level]}`,
    '',
    ...wrapWords(means, 2),
    '',
    ...wrapWords(`→ ${remedy}`, 2),
  ].join('\n');
}

export function rulesText(): string {
  const rows = RULE_IDS.map((id) => {
    const { severity, level, title }: Rule = RULES[id];
    return [id, severity, level, title];
  });
  return tableText([{ title: 'rule' }, { title: 'severity' }, { title: 'level' }, { title: 'what' }], rows);
}
