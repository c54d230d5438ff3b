/**
 * `npm run check`: format and lint, types, layers, and whether the generated files are what the generators write today. Stale ones are
 * rewritten, so that a second run passes once they are committed.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';

const failed = [];

function step(name, command, ...args) {
  process.stdout.write(`check: ${name}\n`);
  const { status } = spawnSync(command, args, { stdio: 'inherit', shell: false });
  if (status !== 0) failed.push(name);
  return status === 0;
}

function generated() {
  const kernels = fs.readdirSync('src', { recursive: true }).filter((name) => name.endsWith('.wasm.ts'));
  const files = [
    'oclif.manifest.json',
    'README.md',
    ...fs.readdirSync('man').map((name) => `man/${name}`),
    ...kernels.map((name) => `src/${name}`),
  ];
  return new Map(files.map((file) => [file, fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '']));
}

step('biome', 'npx', 'biome', 'check', '--error-on-warnings');
const before = generated();
if (step('types and build', 'npm', 'run', '--silent', 'build')) {
  step('tests are typed', 'npx', 'tsc', '--noEmit', '-p', 'test/tsconfig.json');
  step('layers', 'npx', 'vitest', 'run', 'test/layering.test.ts');
  if (step('generators', 'npm', 'run', '--silent', 'generate')) {
    const after = generated();
    const stale = [...new Set([...before.keys(), ...after.keys()])].filter(
      (file) => before.get(file) !== after.get(file),
    );
    if (stale.length) failed.push(`stale and now rewritten: ${stale.join(', ')}`);
  }
}
for (const name of failed) process.stdout.write(`check: FAILED: ${name}\n`);
process.exitCode = failed.length ? 1 : 0;
