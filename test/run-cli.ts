/** Runs bin/run.js as its users do, in a process of its own. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

export type CliResult = {
  readonly stdout: string;
  readonly stderr: string;
  /** `null` when a signal ended it. */
  readonly code: number | null;
  readonly stdoutBytes: Buffer;
};

export type CliOptions = {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly timeoutMillis?: number;
};

/** What a plain shell would hand down: nothing of the test runner's. */
export function plainEnvironment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const env: Record<string, string> = {};
  for (const name of ['PATH', 'HOME', 'TMPDIR', 'LANG']) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return { ...env, ...more };
}

/** `lsmctl <args>`, with a pipe on every stream. */
export function runCli(args: readonly string[], options: CliOptions = {}): CliResult {
  if (!fs.existsSync(path.join(ROOT, 'dist/src/cli/main.js'))) throw new Error('not built: run `npm run build` first');
  const done = spawnSync(process.execPath, [path.join(ROOT, 'bin/run.js'), ...args], {
    cwd: options.cwd ?? ROOT,
    env: plainEnvironment(options.env),
    input: options.input ?? '',
    timeout: options.timeoutMillis ?? 60_000,
    maxBuffer: 1 << 30,
  });
  if (done.error) throw done.error;
  const stdoutBytes = done.stdout;
  return { stdout: stdoutBytes.toString('utf8'), stderr: done.stderr.toString('utf8'), code: done.status, stdoutBytes };
}
