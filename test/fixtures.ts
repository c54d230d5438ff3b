/** The small real data directories that come with the project. */
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const FIXTURES = path.resolve(fileURLToPath(new URL('.', import.meta.url)), '../fixtures');

export type FixtureSSTable = {
  /** Relative to the fixtures. */
  readonly name: string;
  /** Its Data.db. */
  readonly file: string;
};

/** Every SSTable of the fixtures, those of system_schema left out, sorted. */
export function fixtureSSTables(): FixtureSSTable[] {
  return (fs.readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' }) as string[])
    .filter((name) => name.endsWith('-Data.db') && !name.includes('system_schema') && !name.includes('golden'))
    .sort()
    .map((name) => ({ name, file: path.join(FIXTURES, name) }));
}
