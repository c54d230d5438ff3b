import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/bytes/errors.js';
import { StdoutSink, withSink } from '../../src/cli/output.js';
import { plainEnvironment, ROOT } from '../run-cli.js';

let folder: string;

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'lsmctl-output-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

/** Runs `body`, with a `sink` on stdout, in a process whose stdout goes into `reader`. */
function pipe(body: string, reader: string) {
  const script = path.join(folder, 'script.mjs');
  const sink = JSON.stringify(path.join(ROOT, 'dist/src/cli/output.js'));
  // Touching process.stdout makes a pipe non-blocking, as oclif does.
  fs.writeFileSync(
    script,
    `import { StdoutSink } from ${sink}; process.stdout; const sink = new StdoutSink();\n${body}`,
  );
  const line = `"${process.execPath}" "${script}" | ${reader}`;
  return spawnSync('bash', ['-c', `set -o pipefail; ${line}`], {
    encoding: 'utf8',
    env: plainEnvironment(),
    timeout: 60_000,
  });
}

describe('stdout', () => {
  it('keeps the order of small and large writes', () => {
    const file = path.join(folder, 'out');
    const fd = fs.openSync(file, 'w');
    const sink = new StdoutSink(fd);
    const expected: Uint8Array[] = [];
    for (const length of [1, 0, 70_000, 3, 65_536, 65_535, 65_535, 2, 200_000, 5]) {
      const bytes = new Uint8Array(length).fill(length & 0xff);
      expected.push(bytes.slice());
      sink.write(bytes);
      bytes.fill(0xee);
    }
    sink.writeText('é\n');
    sink.flush();
    fs.closeSync(fd);
    expect(fs.readFileSync(file).equals(Buffer.concat([...expected, Buffer.from('é\n')]))).toBe(true);
  });

  it('waits for a slow reader and loses nothing', () => {
    const body = `const b = new Uint8Array(1 << 20).fill(65); for (let i = 0; i < 64; i++) sink.write(b); sink.flush();`;
    const done = pipe(body, '(sleep 0.5; wc -c)');
    expect(done.stderr).toBe('');
    expect(done.stdout.trim()).toBe(String(64 << 20));
  });

  it('meets a closed pipe as EPIPE', () => {
    const body = `const b = new Uint8Array(1 << 20);
try { for (;;) sink.write(b); } catch (e) { process.stderr.write(e.code); }`;
    expect(pipe(body, 'head -c 1 >/dev/null').stderr).toBe('EPIPE');
  });

  it.runIf(fs.existsSync('/dev/full'))('names a full disk', () => {
    const sink = new StdoutSink(fs.openSync('/dev/full', 'w'));
    sink.writeText('x');
    expect(() => sink.flush()).toThrow(UsageError);
  });
});

describe('an output file', () => {
  it('appears when all is written', async () => {
    const file = path.join(folder, 'out');
    await withSink(file, (sink) => {
      sink.writeText('whole');
      expect(fs.existsSync(file)).toBe(false);
    });
    expect(fs.readFileSync(file, 'utf8')).toBe('whole');
    expect(fs.readdirSync(folder)).toEqual(['out']);
  });

  it('does not appear when the work fails, and what was there stays', async () => {
    const file = path.join(folder, 'out');
    fs.writeFileSync(file, 'before');
    const work = withSink(file, (sink) => {
      sink.write(new Uint8Array(100_000));
      throw new UsageError('half way');
    });
    await expect(work).rejects.toThrow('half way');
    expect(fs.readFileSync(file, 'utf8')).toBe('before');
    expect(fs.readdirSync(folder)).toEqual(['out']);
  });

  it('made anew keeps who may read it, and the link that leads to it', async () => {
    const file = path.join(folder, 'out');
    const link = path.join(folder, 'link');
    fs.writeFileSync(file, 'before', { mode: 0o600 });
    fs.symlinkSync(file, link);
    await withSink(link, (sink) => sink.writeText('after'));
    expect(fs.lstatSync(link).isSymbolicLink()).toBe(true);
    expect(fs.readFileSync(file, 'utf8')).toBe('after');
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    expect(fs.readdirSync(folder).sort()).toEqual(['link', 'out']);
  });

  it('that is a FIFO or a device stays one', async () => {
    const fifo = path.join(folder, 'fifo');
    spawnSync('mkfifo', [fifo]);
    const reader = fs.openSync(fifo, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    await withSink(fifo, (sink) => sink.writeText('through'));
    const bytes = Buffer.alloc(16);
    expect(bytes.subarray(0, fs.readSync(reader, bytes)).toString()).toBe('through');
    fs.closeSync(reader);
    expect(fs.statSync(fifo).isFIFO()).toBe(true);
    expect(fs.readdirSync(folder)).toEqual(['fifo']);
  });

  it('that can not be made is named', async () => {
    const file = path.join(folder, 'missing', 'out');
    await expect(withSink(file, () => {})).rejects.toMatchObject({ facts: { file } });
  });
});

describe('--output to where no file can be', () => {
  it.each<[string, () => string, RegExp]>([
    ['a directory', () => folder, /is a directory/],
    ['a directory that is not there', () => path.join(folder, 'no', 'file'), /its directory does not exist/],
  ])('%s', async (_, target, message) => {
    const before = fs.readdirSync(folder);
    const writing = withSink(target(), (sink) => sink.writeText('x'));
    await expect(writing).rejects.toThrow(UsageError);
    await expect(writing).rejects.toThrow(message);
    expect(fs.readdirSync(folder)).toEqual(before);
  });

  it('says what went wrong where the name is taken by a directory at the last moment', async () => {
    const target = path.join(folder, 'late');
    const writing = withSink(target, (sink) => {
      sink.writeText('x');
      fs.mkdirSync(target);
    });
    await expect(writing).rejects.toThrow(UsageError);
    expect(fs.readdirSync(folder)).toEqual(['late']);
  });
});
