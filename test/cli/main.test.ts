/** The command line as its users meet it, in processes of its own. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { findCommand } from '../../src/cli/main.js';
import { plainEnvironment, ROOT, runCli } from '../run-cli.js';

const RUN = path.join(ROOT, 'bin/run.js');
const FIXTURE = path.join(ROOT, 'fixtures/oa-5.0/data/shop');

describe('errors', () => {
  it('of usage are one line and a hint, exit 2', () => {
    const { stdout, stderr, code } = runCli(['ls', '--nope']);
    expect({ stdout, code }).toEqual({ stdout: '', code: 2 });
    expect(stderr).toBe('lsmctl: nonexistent flag: --nope\nhint: `lsmctl ls --help` lists what can be asked\n');
  });

  it('of a flag name what was seen and expected', () => {
    const { stderr, code } = runCli(['ls', '--now', 'tomorrow']);
    expect(code).toBe(2);
    expect(stderr).toBe(
      'lsmctl: --now is not a time (seen tomorrow, expected unix seconds or ISO 8601, as 1717200000 or 2024-06-01T00:00:00Z)\n',
    );
  });

  it('of an unknown command point to what is near', () => {
    const { stderr, code } = runCli(['lss']);
    expect(code).toBe(2);
    expect(stderr).toBe('lsmctl: command lss not found\nhint: did you mean `lsmctl ls`?\n');
  });

  it('of a missing file name it', () => {
    const { stdout, stderr, code } = runCli(['metadata', '/nowhere/oa-1-big-Data.db']);
    expect({ stdout, code }).toEqual({ stdout: '', code: 2 });
    expect(stderr.split('\n')[0]).toMatch(/^lsmctl: \/nowhere\/oa-1-big-Data\.db: /);
    expect(stderr).not.toContain('    at ');
  });

  it('are an object on stderr under --json', () => {
    const { stdout, stderr, code } = runCli(['schema', '/nowhere', '--json']);
    expect({ stdout, code }).toEqual({ stdout: '', code: 2 });
    expect(JSON.parse(stderr)).toMatchObject({
      schema: 'lsmctl.error',
      error: { code: 'USAGE', exitCode: 2, file: '/nowhere' },
    });
  });
});

describe('the front door', () => {
  it('tells its version', () => {
    const { version } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(runCli(['--version'])).toMatchObject({
      stdout: expect.stringMatching(`^lsmctl/${version} .* node-v\\d`),
      code: 0,
    });
  });

  it.each([[[]], [['--help']], [['-h']], [['help']]])('helps: %j', (args) => {
    const { stdout, stderr, code } = runCli(args);
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    expect(stdout).toContain('COMMANDS');
    expect(stdout).toContain('metadata');
  });

  it.each([[['dump', '--help']], [['dump', '-h']], [['help', 'dump']]])('helps with a command: %j', (args) => {
    const { stdout, code } = runCli(args);
    expect(code).toBe(0);
    expect(stdout).toContain('--exclude-key');
  });

  it('completes: the script knows commands and flags', () => {
    const home = fs.mkdtempSync(path.join(os.tmpdir(), 'lsmctl-home-'));
    const { code } = runCli(['autocomplete', 'bash'], { env: { HOME: home, SHELL: '/bin/bash' } });
    expect(code).toBe(0);
    const script = path.join(home, '.cache/lsmctl/autocomplete/functions/bash/lsmctl.bash');
    expect(fs.readFileSync(script, 'utf8')).toMatch(/^dump .*--raw-times/m);
    fs.rmSync(home, { recursive: true });
  });

  it('needs neither HOME nor a terminal nor a writable directory', () => {
    const env = { PATH: process.env.PATH ?? '' };
    const done = spawnSync(process.execPath, [RUN, 'ls', FIXTURE], {
      env,
      cwd: '/',
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    expect(done.stderr).not.toContain('    at ');
    expect(done.status).toBe(0);
  });

  it('ends quietly when its reader does', () => {
    const line = `"${process.execPath}" "${RUN}" dump --help | head -1; echo "\${PIPESTATUS[0]}"`;
    const done = spawnSync('bash', ['-c', line], { encoding: 'utf8', env: plainEnvironment() });
    expect(done.stderr).toBe('');
    expect(done.stdout.trim().split('\n').at(-1)).toBe('0');
  });

  it('finds commands by their words', () => {
    const command = { relativePath: ['dist', 'x.js'] };
    const manifest = { commands: { ls: command, 'commitlog:ls': command } };
    expect(findCommand(['ls', 'commitlog'], manifest).id).toBe('ls');
    expect(findCommand(['commitlog', 'ls', '--json'], manifest).id).toBe('commitlog:ls');
    expect(findCommand(['commitlog'], manifest).id).toBeUndefined();
    expect(findCommand(['constructor'], manifest).id).toBeUndefined();
    expect(findCommand([], manifest).id).toBeUndefined();
  });
});

it('is ended by Ctrl-C, in whatever loop it is', () => {
  // Nobody reads: the command waits in a synchronous write when the signal comes.
  const line = `"${process.execPath}" "${RUN}" dump "${FIXTURE}" > >(sleep 3) & pid=$!; sleep 1.5; kill -INT $pid; wait $pid; echo $?`;
  const done = spawnSync('bash', ['-c', `set -m; ${line}`], { encoding: 'utf8', env: plainEnvironment() });
  expect(done.stdout.trim()).toBe('130');
});

it('starts a command without opening a single package', () => {
  const alone = fs.mkdtempSync(path.join(os.tmpdir(), 'lsmctl-alone-'));
  for (const name of ['bin', 'dist', 'package.json', 'oclif.manifest.json']) {
    fs.cpSync(path.join(ROOT, name), path.join(alone, name), { recursive: true });
  }
  const done = spawnSync(process.execPath, [path.join(alone, 'bin/run.js'), 'metadata', FIXTURE], {
    encoding: 'utf8',
    env: plainEnvironment(),
  });
  expect(done.stderr).toBe('');
  expect(done.stdout).toContain('oa-1-big');
  fs.rmSync(alone, { recursive: true });
});
