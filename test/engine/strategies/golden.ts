/** What Cassandra said, recorded by test/oracle/record-strategies.ts. */
import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

const DIRECTORY = new URL('../../golden/strategies/', import.meta.url);
const ENDING = '.txt.gz';

export function readGolden(name: string): string {
  return gunzipSync(readFileSync(new URL(`${name}${ENDING}`, DIRECTORY))).toString();
}

/** Names of the recorded layouts. */
export function goldenLayouts(): string[] {
  const names = readdirSync(DIRECTORY).map((name) => name.slice(0, -ENDING.length));
  return names.filter((name) => !name.startsWith('options'));
}
