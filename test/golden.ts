/** Golden text: what a thing printed when a person last read it. `UPDATE_GOLDEN=1 npm test` rewrites; the diff is for reviewers. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { ROOT } from './run-cli.js';

/** Compares `text` with test/golden/`name`. */
export function expectGolden(name: string, text: string): void {
  const file = path.join(ROOT, 'test/golden', name);
  if (process.env.UPDATE_GOLDEN) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
    return;
  }
  const golden = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined;
  if (golden === undefined) throw new Error(`test/golden/${name} is missing: UPDATE_GOLDEN=1 npm test writes it`);
  expect(text, `differs from test/golden/${name}; UPDATE_GOLDEN=1 rewrites it`).toBe(golden);
}
