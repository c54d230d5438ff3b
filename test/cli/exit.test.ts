import { describe, expect, it } from 'vitest';
import { CorruptError, InvariantError, RefusedError, UnsupportedError, UsageError } from '../../src/bytes/errors.js';
import { errorObject, errorText, printable, reportOf } from '../../src/cli/exit.js';

/** As oclif throws them. */
function oclifError(message: string, more: object = {}): Error {
  return Object.assign(new Error(message), { oclif: { exit: 2 }, ...more });
}

describe('exit codes', () => {
  it.each<[string, unknown, number]>([
    ['usage', new UsageError('no'), 2],
    ['unsupported', new UnsupportedError('no'), 2],
    ['corrupt', new CorruptError('no'), 3],
    ['invariant', new InvariantError('no'), 70],
    ['any other error', new TypeError('x is not a function'), 70],
    ['something thrown that is no error', 'text', 70],
    ['nothing thrown', undefined, 70],
    ['oclif usage', oclifError('Unexpected argument: x\nSee more help with --help'), 2],
    ['a closed pipe', Object.assign(new Error('write EPIPE'), { code: 'EPIPE', syscall: 'write' }), 0],
    ['a full disk', Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', syscall: 'write', path: '/f' }), 2],
    ['Ctrl-C at a prompt', Object.assign(new Error('forced'), { name: 'ExitPromptError' }), 130],
    ['an exit that was asked for', oclifError('EEXIT: 1', { code: 'EEXIT', oclif: { exit: 1 } }), 1],
  ])('%s', (_, error, code) => {
    expect(reportOf(error).exitCode).toBe(code);
  });

  it('says nothing of a closed pipe', () => {
    expect(reportOf(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })).quiet).toBe(true);
  });
});

describe('the line for people', () => {
  it.each<[string, unknown, string]>([
    [
      'all facts',
      new CorruptError('chunk checksum differs', {
        file: '/d/oa-1-big-Data.db',
        component: 'Data',
        offset: 65536,
        chunk: 4,
        partition: 'k1',
        seen: '0x01',
        expected: '0x02',
        hint: 'do this',
      }),
      'lsmctl: /d/oa-1-big-Data.db: Data at offset 65536, chunk 4, partition k1: chunk checksum differs (seen 0x01, expected 0x02)\nhint: do this\n',
    ],
    ['offset alone', new UsageError('bad', { offset: 0 }), 'lsmctl: at offset 0: bad\n'],
    ['no facts', new UsageError('bad'), 'lsmctl: bad\n'],
    ['an empty value seen', new UsageError('bad', { seen: '', expected: 0 }), 'lsmctl: bad (seen , expected 0)\n'],
    [
      'an unknown flag',
      oclifError('Nonexistent flag: --nope\nSee more help with --help'),
      'lsmctl: nonexistent flag: --nope\nhint: `lsmctl dump --help` lists what can be asked\n',
    ],
    [
      'a missing argument',
      oclifError('Missing 1 required arg:\npath  data directory\nSee more help with --help', {
        args: [{ name: 'path' }],
      }),
      'lsmctl: missing 1 required arg: path\nhint: `lsmctl dump --help` lists what can be asked\n',
    ],
    [
      "a flag's own error, wrapped by the parser",
      new UsageError('Parsing --now \n\t--now is not a time\nSee more help with --help', { seen: 'x' }),
      'lsmctl: --now is not a time (seen x)\n',
    ],
    [
      "an integer flag's error",
      oclifError('Parsing --limit \n\tExpected an integer\nSee more help with --help'),
      'lsmctl: --limit: Expected an integer\nhint: `lsmctl dump --help` lists what can be asked\n',
    ],
    [
      'terminal commands in a name',
      new UsageError('bad \x1b[2J name\n', { file: '/d/\x07', hint: 'a\nb' }),
      'lsmctl: /d/\\x07: bad \\x1b[2J name\\x0a\nhint: a\\x0ab\n',
    ],
  ])('%s', (_, error, text) => {
    expect(errorText(reportOf(error, 'dump'))).toBe(text);
  });

  it('shows the first of many reasons', () => {
    const reasons = Array.from({ length: 25 }, (_, i) => ({ file: `oa-${i}-big`, message: 'is gone' }));
    const error = reportOf(new RefusedError('the plan is stale', { reasons }));
    const lines = errorText(error).split('\n');
    expect(lines).toHaveLength(1 + 20 + 1 + 1);
    expect(lines.slice(-3)).toEqual(['  - oa-19-big: is gone', '  … and 5 more (--json has all)', '']);
    expect(JSON.stringify(errorObject(error))).toContain('oa-24-big');
  });

  it('shows a stack of our own bugs only', () => {
    expect(errorText(reportOf(new CorruptError('no')))).not.toContain('    at ');
    const bug = errorText(reportOf(new InvariantError('oops')));
    expect(bug).toMatch(/^lsmctl: internal error: oops\nInvariantError: oops\n {4}at /);
    expect(bug).toMatch(/hint: this is a bug of lsmctl.*report.*--version`\n$/);
  });
});

it('gives scripts an object', () => {
  const error = new CorruptError('bad', { file: 'f', offset: 3, seen: 1, expected: 2, hint: 'h' });
  expect(JSON.parse(JSON.stringify(errorObject(reportOf(error))))).toEqual({
    schema: 'lsmctl.error',
    version: 1,
    error: { code: 'CORRUPT', exitCode: 3, message: 'bad', file: 'f', offset: 3, seen: 1, expected: 2, hint: 'h' },
  });
});

it('cuts what is endless', () => {
  expect(printable('x'.repeat(5000))).toHaveLength(2001);
});
