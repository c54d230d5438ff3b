import { expect, it } from 'vitest';
import { TableNotices } from '../../../src/cli/compact/table-notices.js';

function told(...tables: string[]): string[] {
  const notices = new TableNotices();
  for (const table of tables) notices.add(table, 'is so');
  const lines: string[] = [];
  notices.tellTo((line) => lines.push(line));
  notices.tellTo((line) => lines.push(line));
  return lines;
}

it.each<[tables: string[], line: string]>([
  [['a'], 'a: is so'],
  [['a', 'b'], 'a and b: is so'],
  [['a', 'b', 'c', 'd'], 'a, b, c and d: is so'],
  [['a', 'b', 'c', 'd', 'e'], 'a, b, c and 2 more tables: is so'],
])('%j are told in one line, once', (tables, line) => {
  expect(told(...tables)).toEqual([line]);
});

it('messages that differ are told apart', () => {
  const notices = new TableNotices();
  notices.add('a', 'is so');
  notices.add('b', 'is not');
  notices.add('c', 'is so');
  const lines: string[] = [];
  notices.tellTo((line) => lines.push(line));
  expect(lines).toEqual(['a and c: is so', 'b: is not']);
});
