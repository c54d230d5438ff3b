/**
 * Major compactions of a real node, kept so that lsmctl's can be held to them without one. record-compaction.ts makes them.
 *
 *   $LSMCTL_RECORDINGS/NAME (default ~/.cache/lsmctl-compaction)
 *     manifest.json     see Recording
 *     input/            the data directory before: user keyspaces, system_schema, and system.local with the node's host id
 *     output/           user keyspaces after
 *     answers.json      rows of each table by SELECT JSON *
 *     system.log
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export const RECORDINGS = process.env.LSMCTL_RECORDINGS ?? join(homedir(), '.cache/lsmctl-compaction');

/** One compaction of the log. Files are Data.db, relative to the recording. */
export type RecordedTask = {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Of the log's lines that tell of its start and end. */
  readonly startMillis: number;
  readonly endMillis: number;
  readonly level: number;
};

export type RecordedTable = {
  /** keyspace.table */
  readonly table: string;
  /** Relative to the recording. */
  readonly inputDirectory: string;
  readonly outputDirectory: string;
  /** All of the table's, whether a task took them or not. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** The clock of the first task; else of the moment before. */
  readonly nowSeconds: number;
  readonly gcGraceSeconds: number;
  /** Options of the table's compaction. */
  readonly compaction: Readonly<Record<string, string>>;
  readonly tasks: readonly RecordedTask[];
};

export type Recording = {
  readonly name: string;
  readonly cassandra: string;
  readonly hostId: string;
  readonly columnIndexBytes: number;
  /** Tables of which `SELECT JSON *` gave other rows after the compaction. */
  readonly changedAnswers: readonly string[];
  readonly tables: readonly RecordedTable[];
};

/** All that are there, or those asked for. @throws Error where one asked for is not */
export function recordings(names?: readonly string[]): Recording[] {
  const there = existsSync(RECORDINGS) ? readdirSync(RECORDINGS).sort() : [];
  return (names ?? there.filter((name) => existsSync(join(RECORDINGS, name, 'manifest.json')))).map(
    (name) => JSON.parse(readFileSync(join(RECORDINGS, name, 'manifest.json'), 'utf8')) as Recording,
  );
}

/** Paths of the Data.db in a directory, without those in directories below it. */
export function dataFiles(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => name.endsWith('-Data.db'))
    .sort()
    .map((name) => join(directory, name));
}
