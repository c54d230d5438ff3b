/** What README.md shows is what lsmctl does. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { plainEnvironment, ROOT } from './run-cli.js';

const readme = fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8');

it('has fresh examples and a fresh list of commands', () => {
  const done = spawnSync(process.execPath, ['.build/readme.js', '--check'], {
    cwd: ROOT,
    encoding: 'utf8',
    env: plainEnvironment(),
  });
  expect(done.stderr).toBe('');
  expect(done.status).toBe(0);
});

it('shows a library example that runs', () => {
  const match = /```ts\n([\s\S]*?)```[\s\S]*?```text\n([\s\S]*?)```/.exec(readme);
  const [, code = '', output = ''] = match ?? [];
  expect(code).toContain("from 'lsmctl'");
  // Inside the package, so that its own name resolves as it does for a user.
  const folder = fs.mkdtempSync(path.join(ROOT, 'dist/readme-'));
  try {
    const file = path.join(folder, 'example.mjs');
    fs.writeFileSync(file, code);
    const done = spawnSync(process.execPath, [file], { cwd: ROOT, encoding: 'utf8', env: plainEnvironment() });
    expect(done.stderr).toBe('');
    expect(done.stdout).toBe(output);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

it('names every exit code', () => {
  for (const code of [0, 1, 2, 3, 4, 70, 130]) expect(readme).toContain(`| ${code} | `);
});
