/** The commands with their arguments and flags, as golden text: what scripts of operators stand on. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { expectGolden } from '../golden.js';
import { ROOT } from '../run-cli.js';

type Flag = {
  char?: string;
  type: string;
  options?: string[];
  multiple?: boolean;
  default?: unknown;
  summary?: string;
};
type Command = {
  summary?: string;
  strict?: boolean;
  examples?: unknown[];
  args: Record<string, { required?: boolean }>;
  flags: Record<string, Flag>;
};

const manifest = JSON.parse(fs.readFileSync(path.join(ROOT, 'oclif.manifest.json'), 'utf8')) as {
  commands: Record<string, Command>;
};

function surfaceOf(id: string, command: Command): string {
  const lines = [`lsmctl ${id.replaceAll(':', ' ')}`];
  for (const [name, arg] of Object.entries(command.args)) {
    lines.push(
      `  ${arg.required ? name.toUpperCase() : `[${name.toUpperCase()}]`}${command.strict === false ? '...' : ''}`,
    );
  }
  for (const [name, flag] of Object.entries(command.flags).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const value = flag.type === 'boolean' ? '' : ` ${flag.options ? flag.options.join('|') : '<value>'}`;
    const notes = [flag.multiple ? 'often' : '', flag.default === undefined ? '' : `default ${flag.default}`].filter(
      Boolean,
    );
    lines.push(
      `  --${name}${flag.char ? `, -${flag.char}` : ''}${value}${notes.length ? ` (${notes.join(', ')})` : ''}`,
    );
  }
  return lines.join('\n');
}

it('is the one that was agreed on', () => {
  const commands = Object.entries(manifest.commands).map(([id, command]) => surfaceOf(id, command));
  expectGolden('surface.txt', `${commands.join('\n\n')}\n`);
});

it.each(Object.entries(manifest.commands))('%s is documented', (_, command) => {
  expect(command.summary).toMatch(/^[a-z].*[^.]$/);
  expect(command.examples?.length).toBeGreaterThanOrEqual(2);
  for (const [name, flag] of Object.entries(command.flags))
    expect(flag.summary ?? (name === 'json' || undefined)).toBeTruthy();
});

it('uses the same letter for the same flag everywhere', () => {
  const letters = new Map<string, Set<string>>();
  for (const command of Object.values(manifest.commands)) {
    for (const [name, flag] of Object.entries(command.flags)) {
      letters.set(name, (letters.get(name) ?? new Set()).add(flag.char ?? ''));
    }
  }
  expect([...letters].filter(([, chars]) => chars.size > 1).map(([name]) => name)).toEqual([]);
});
