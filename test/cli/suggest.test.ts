import { describe, expect, it } from 'vitest';
import { reportOf } from '../../src/cli/exit.js';
import { nearest, withSuggestion } from '../../src/cli/suggest.js';

const COMMANDS = ['dump', 'ls', 'metadata', 'schema', 'commitlog:ls', 'commitlog:dump'];

describe('the nearest word', () => {
  it.each([
    ['dmp', 'dump'],
    ['dupm', 'dump'],
    ['lss', 'ls'],
    ['LS', 'ls'],
    ['metdata', 'metadata'],
    ['commitlog:dmp', 'commitlog:dump'],
    ['frobnicate', undefined],
    ['', undefined],
  ])('to %j is %s', (word, expected) => {
    expect(nearest(word, COMMANDS)).toBe(expected);
  });
});

describe('a suggestion', () => {
  const oclif = (message: string) => reportOf(Object.assign(new Error(message), { oclif: { exit: 2 } }), 'dump');
  const known = { commands: COMMANDS, flags: ['format', 'since'] };

  it.each<[string[], string, string, string]>([
    [['dmp'], 'command dmp not found', 'command dmp not found', 'did you mean `lsmctl dump`?'],
    [['metdata', 'x'], 'command metdata:x not found', 'command metdata not found', 'did you mean `lsmctl metadata`?'],
    [['help', 'lss'], 'command lss not found.', 'command lss not found', 'did you mean `lsmctl ls`?'],
    [
      ['commitlog', 'sl', 'x'],
      'command commitlog:sl:x not found',
      'command commitlog sl not found',
      'did you mean `lsmctl commitlog ls`?',
    ],
    [['xyzzy'], 'command xyzzy not found', 'command xyzzy not found', '`lsmctl dump --help` lists what can be asked'],
    [['dump', '--formt', 'csv'], 'Nonexistent flag: --formt', 'nonexistent flag: --formt', 'did you mean --format?'],
  ])('for %j', (argv, message, expected, hint) => {
    expect(withSuggestion(oclif(message), argv, known)).toMatchObject({ message: expected, hint, exitCode: 2 });
  });

  it('is for mistyped words only', () => {
    const report = oclif('Flag --key expects a value');
    expect(withSuggestion(report, ['dump', '-k'], known)).toBe(report);
  });
});
