/** Ctrl-C, SIGTERM and SIGHUP while --output's file is half written: it goes, and the shell sees 130. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseDescriptor } from '../../src/sstable/descriptor.js';
import { temporaryDirectory } from '../engine/directories.js';
import { plainEnvironment, ROOT } from '../run-cli.js';
import { makeLarge } from './dump/large.js';

const RUN = path.join(ROOT, 'bin/run.js');
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

type Ended = { readonly status: number; readonly stderr: string };

/** What a shell says of a process that ends so. */
async function ended(child: ChildProcess): Promise<Ended> {
  const text: string[] = [];
  child.stderr!.on('data', (chunk: Buffer) => text.push(chunk.toString('utf8')));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { status: code ?? (signal === 'SIGINT' ? 130 : -1), stderr: text.join('') };
}

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 2000 && !holds(); i++) await sleep(5);
  expect(holds()).toBe(true);
}

/** Names in `directory`, and whether a file that is being written has text already. */
function isWriting(directory: string): boolean {
  const name = fs.readdirSync(directory).find((entry) => entry.endsWith('.tmp'));
  return name !== undefined && fs.statSync(path.join(directory, name)).size > 0;
}

describe('a dump to a file', () => {
  let data = '';

  /** As many names of one large SSTable: hours of work, as far as a test is concerned. */
  beforeAll(async () => {
    const { file } = await makeLarge('collections');
    data = path.dirname(file);
    const { prefix } = parseDescriptor(file).descriptor;
    const names = fs.readdirSync(data);
    for (let id = 2; id <= 200; id++) {
      for (const name of names)
        fs.linkSync(path.join(data, name), path.join(data, name.replace(prefix, `oa-${id}-big`)));
    }
  });

  it.each(SIGNALS.flatMap((signal) => [[signal, '1'] as const, [signal, '2'] as const]))(
    'is gone after %s with %s jobs',
    async (signal, jobs) => {
      const folder = temporaryDirectory();
      fs.writeFileSync(path.join(folder, 'out'), 'before');
      const args = ['dump', data, '--yes', '--jobs', jobs, '--output', path.join(folder, 'out')];
      const child = spawn(process.execPath, [RUN, ...args], {
        env: plainEnvironment(),
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const end = ended(child);
      await until(() => isWriting(folder));
      child.kill(signal);
      expect(await end).toEqual({ status: 130, stderr: 'lsmctl: interrupted\n' });
      expect(fs.readdirSync(folder)).toEqual(['out']);
      expect(fs.readFileSync(path.join(folder, 'out'), 'utf8')).toBe('before');
    },
  );
});

describe('work with something to clear away', () => {
  /** Runs `body`, which may use what `interrupt.ts` exports, and sends `signal` once it has said that it is ready. */
  async function run(body: string, signal: NodeJS.Signals): Promise<Ended & { readonly stdout: string }> {
    const file = path.join(temporaryDirectory(), 'script.mjs');
    const module = JSON.stringify(path.join(ROOT, 'dist/src/cli/interrupt.js'));
    const ready = "const ready = () => fs.writeSync(1, 'ready ');";
    const tell = 'const cleanUp = () => fs.writeSync(1, "cleared");';
    fs.writeFileSync(
      file,
      `import fs from 'node:fs'; import { breathe, interruptible, withCleanUp } from ${module};\n${ready}\n${tell}\n${body}`,
    );
    const child = spawn(process.execPath, [file], { env: plainEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    child.stdout.on('data', (chunk: Buffer) => {
      if (stdout === '') child.kill(signal);
      stdout += chunk.toString('utf8');
    });
    const end = await ended(child);
    return { ...end, stdout };
  }

  it('is broken off by SIGINT in a loop that never ends, as an error', async () => {
    const body = `try { await withCleanUp(cleanUp, async () => interruptible(() => { ready(); for (;;); })); }
      catch (error) { fs.writeSync(1, error.code); }`;
    expect(await run(body, 'SIGINT')).toEqual({
      status: 0,
      stderr: '',
      stdout: 'ready ERR_SCRIPT_EXECUTION_INTERRUPTED',
    });
  });

  it.each(SIGNALS)('is cleared away by %s while it waits', async (signal) => {
    const body =
      'await withCleanUp(cleanUp, async () => { ready(); await new Promise((r) => setTimeout(r, 60_000)); });';
    expect(await run(body, signal)).toEqual({ status: 130, stderr: '', stdout: 'ready cleared' });
  });

  it('hears SIGTERM between two pieces of work', async () => {
    const body =
      'await withCleanUp(cleanUp, async () => { ready(); for (;;) { interruptible(() => 1); await breathe(); } });';
    expect(await run(body, 'SIGTERM')).toEqual({ status: 130, stderr: '', stdout: 'ready cleared' });
  });

  it('is left to the default action when all is cleared away', async () => {
    const body = 'await withCleanUp(cleanUp, async () => {}); ready(); interruptible(() => { for (;;); });';
    expect(await run(body, 'SIGINT')).toEqual({ status: 130, stderr: '', stdout: 'ready ' });
  });
});
