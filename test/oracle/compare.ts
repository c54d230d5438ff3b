/** The real tools and lsmctl side by side on the same SSTables. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { dumpText, metadataText, steady } from '../our-tools.js';
import type { ToolServer } from './cassandra.js';

/** The Data.db of each SSTable below `directory`; snapshots and backups, being copies, are left out. */
export function sstables(directory: string): string[] {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  const wanted = names.filter((name) => name.endsWith('-Data.db') && !/\/(snapshots|backups)\//.test(name));
  return wanted.sort().map((name) => join(directory, name));
}

/** A place where two texts part, for people. */
function parting(theirs: string, ours: string): string {
  let at = 0;
  while (at < theirs.length && theirs[at] === ours[at]) at++;
  const around = (text: string) => JSON.stringify(text.slice(Math.max(0, at - 80), at + 80));
  return `at ${at}\n  Cassandra: ${around(theirs)}\n  lsmctl:    ${around(ours)}`;
}

const STYLES = [
  [[], {}],
  [['-d'], { debug: true }],
  [['-t'], { rawTimes: true }],
] as const;

/**
 * Where dump and metadata of the SSTables below `directory` differ; those at which the real tool itself stops are left out.
 * @param debugs whether to compare dumps with `-d` of a file too
 */
export async function differences(
  tools: ToolServer,
  directory: string,
  debugs: (file: string) => boolean = () => true,
): Promise<{ compared: number; stopped: string[]; different: string[] }> {
  const different: string[] = [];
  const stopped: string[] = [];
  let compared = 0;
  const check = (what: string, theirs: string, ours: string) => {
    compared++;
    if (theirs !== ours) different.push(`${what} ${parting(theirs, ours)}`);
  };
  for (const file of sstables(directory)) {
    const now = Math.floor(Date.now() / 1000);
    for (const [flag, style] of STYLES) {
      if (flag[0] === '-d' && !debugs(file)) continue;
      const dump = await tools.run('sstabledump', [file, ...flag]);
      const what = `dump ${[...flag, file].join(' ')}`;
      // sstabledump ends with 0 where it fails in the middle of a partition.
      if (dump.status === 0 && !dump.stderr.includes('Exception')) {
        const ours = await dumpText(file, now, style).catch((error: Error) => `${error.name}: ${error.message}`);
        check(what, dump.stdout.toString(), ours);
      } else stopped.push(`${what}: ${dump.stderr.split('\n')[0]}`);
    }
    const metadata = await tools.run('sstablemetadata', [file]);
    if (metadata.status === 0)
      check(`metadata of ${file}`, steady(metadata.stdout.toString()), metadataText(file, now));
  }
  return { compared, stopped, different };
}
