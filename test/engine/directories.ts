/** Hand-made data directories in a temporary place, gone when the test file ends. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';

const made: string[] = [];
afterAll(() => {
  for (const directory of made) fs.rmSync(directory, { recursive: true, force: true });
});

export function temporaryDirectory(): string {
  const directory = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'lsmctl-ls-')));
  made.push(directory);
  return directory;
}

export const BIG = ['Data.db', 'Index.db', 'Statistics.db', 'Filter.db', 'Summary.db', 'TOC.txt'] as const;

/** Files `<prefix>-<component>` of a few bytes each; TOC.txt names them all. */
export function makeSSTable(directory: string, prefix: string, components: readonly string[] = BIG): string {
  fs.mkdirSync(directory, { recursive: true });
  for (const component of components) {
    const text = component === 'TOC.txt' ? `${components.join('\n')}\n` : 'x'.repeat(10);
    fs.writeFileSync(path.join(directory, `${prefix}-${component}`), text);
  }
  return path.join(directory, `${prefix}-Data.db`);
}

/** Hard links of all files of `from`, as a snapshot has them. */
export function linkAll(from: string, to: string): void {
  fs.mkdirSync(to, { recursive: true });
  for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
    if (entry.isFile()) fs.linkSync(path.join(from, entry.name), path.join(to, entry.name));
  }
}
