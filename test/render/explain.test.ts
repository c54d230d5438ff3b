import { describe, expect, it } from 'vitest';
import { explainedRules, rulesText, ruleText } from '../../src/render/explain.js';

const rules = explainedRules();

describe('explain', () => {
  it('names each rule once, those of verify and of bloom', () => {
    const names = rules.map(({ rule }) => rule);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain('filter-denies');
    expect(names).toContain('bloom-denies-keys');
    for (const name of names) expect(name).toMatch(/^[a-z][a-z0-9-]+$/);
  });

  it.each(rules.map((rule) => [rule.rule, rule] as const))('%s in 80 columns, with what to do', (name, rule) => {
    const lines = ruleText(rule).split('\n');
    expect(lines[0]).toBe(`${name}: ${rule.title}`);
    expect(lines[1]).toMatch(/^ {2}(error|warning|note), found by lsmctl (bloom|verify( --quick| --deep)?)$/);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
    expect(lines.filter((line) => line.startsWith('  → '))).toHaveLength(1);
  });

  it('lists them all', () => {
    const lines = rulesText(rules).split('\n');
    for (const { rule } of rules) expect(lines.some((line) => line.startsWith(`${rule} `))).toBe(true);
  });
});
