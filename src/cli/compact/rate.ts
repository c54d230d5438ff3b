/**
 * How fast the last compaction on this machine was, kept for the next plan: `$XDG_CACHE_HOME/lsmctl/compaction-rate.json` (default ~/.cache).
 * It is a hint: where it can't be written or read, there is none.
 */
import fs from 'node:fs';
import path from 'node:path';
import { cacheFolder, makeFolder } from '../cache-folder.js';

export type MeasuredRate = {
  /** Of Data.db as stored, read; merging and writing included. */
  readonly bytesPerSecond: number;
  /** ISO 8601. */
  readonly at: string;
};

/** A smaller run says more of the start than of the work. */
const MIN_BYTES = 32 << 20;

function file(): string | undefined {
  const folder = cacheFolder();
  return folder && path.join(folder, 'compaction-rate.json');
}

export function readRate(): MeasuredRate | undefined {
  const from = file();
  if (!from) return undefined;
  try {
    const { bytesPerSecond, at } = JSON.parse(fs.readFileSync(from, 'utf8')) as Partial<MeasuredRate>;
    return typeof bytesPerSecond === 'number' && bytesPerSecond > 0 && typeof at === 'string'
      ? { bytesPerSecond, at }
      : undefined;
  } catch {
    return undefined;
  }
}

export function saveRate({ readBytes, seconds }: { readonly readBytes: number; readonly seconds: number }): void {
  const to = file();
  if (!to || readBytes < MIN_BYTES || seconds <= 0) return;
  const rate: MeasuredRate = { bytesPerSecond: Math.round(readBytes / seconds), at: new Date().toISOString() };
  try {
    makeFolder(path.dirname(to));
    fs.writeFileSync(to, `${JSON.stringify(rate)}\n`);
  } catch {
    // a read-only home: the next plan does without
  }
}
