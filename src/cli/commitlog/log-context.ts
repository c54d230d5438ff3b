/** What the commands on commit logs open together: segments, schema, what SSTables hold, keys. */
import { LsmctlError } from '../../bytes/errors.js';
import { diskStorage } from '../../bytes/source.js';
import { findSegments, type SegmentFile } from '../../commitlog/commit-log-directory.js';
import { type CipherOf, sectionDecoder } from '../../commitlog/section-decoder.js';
import { readDescriptor } from '../../commitlog/segment-descriptor.js';
import { NOTHING_PERSISTED, type Persisted, readPersisted } from '../../engine/commitlog-persisted.js';
import { type LoadedLogSchema, loadLogSchema } from '../../engine/commitlog-schema.js';
import { LoggedSchema } from '../../engine/commitlog-tables.js';
import { breathe, interruptible } from '../interrupt.js';
import { cipherOfFlags } from './cipher.js';

export type LogFlags = {
  readonly data?: readonly string[] | undefined;
  readonly schema?: string | undefined;
  readonly 'cassandra-yaml'?: string | undefined;
  readonly now: number;
};

export type LogContext = {
  readonly segments: readonly SegmentFile[];
  readonly schema: LoadedLogSchema;
  readonly persisted: Persisted | { readonly unmeasured: string };
  readonly cipherOf: CipherOf;
};

/** @throws UsageError, UnsupportedError, CorruptError (schema) */
export async function openLog(
  paths: readonly string[],
  flags: LogFlags & { readonly follow?: boolean },
): Promise<LogContext> {
  const segments = flags.follow ? [] : findSegments(diskStorage, paths);
  const schema = await loadLogSchema(diskStorage, paths, {
    data: flags.data,
    schemaFile: flags.schema,
    nowSeconds: flags.now,
  });
  const persisted = await persistedOf(schema, flags.now);
  return { segments, schema, persisted, cipherOf: await cipherOfFlags(flags) };
}

async function persistedOf({ dataDirectories }: LoadedLogSchema, nowSeconds: number): Promise<LogContext['persisted']> {
  if (dataDirectories.length === 0) return { unmeasured: 'no data directory is beside the log' };
  try {
    return await readPersisted(diskStorage, dataDirectories, nowSeconds);
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    return { unmeasured: `${error.facts.file ?? dataDirectories[0]}: ${error.message}` };
  }
}

export function persistedOrNothing(persisted: LogContext['persisted']): Persisted {
  return 'unmeasured' in persisted ? NOTHING_PERSISTED : persisted;
}

/**
 * Adds the tables and columns that only the log tells of: those of changes to the schema that were not flushed, or have been undone since.
 * Segments that can't be opened are told by who reads them.
 */
export async function learnFromLog({ segments, schema: { tables }, cipherOf }: LogContext): Promise<void> {
  const logged = new LoggedSchema();
  for (const { file } of segments) {
    const source = diskStorage.open(file);
    try {
      const descriptor = readDescriptor(diskStorage, file);
      const decoder = await sectionDecoder(descriptor, file, cipherOf);
      await drive(logged.take({ source, descriptor, decoder }, tables));
    } catch (error) {
      if (!(error instanceof LsmctlError)) throw error;
    } finally {
      source.close();
    }
  }
  for (const { keyspace, table, name, type } of logged.columns()) tables.addColumn(keyspace, table, name, type);
  for (const schema of logged.schemas()) tables.add(schema, 'log');
}

/** Steps are taken together for so long: to begin anew may cost a millisecond, and a log may have thousands of sections. */
const TURN_MILLIS = 40;

/** Runs a walk to its end and lets signals in between. */
export async function drive<T>(walk: Generator<number, T>, onProgress?: (position: number) => void): Promise<T> {
  for (;;) {
    const step = interruptible(() => stepsOf(walk));
    if (step.done) return step.value;
    onProgress?.(step.value);
    await breathe();
  }
}

/** @param isDone whether no more is wanted */
export function stepsOf<T>(walk: Generator<number, T>, isDone?: () => boolean): IteratorResult<number, T> {
  const end = performance.now() + TURN_MILLIS;
  let step = walk.next();
  while (!step.done && performance.now() < end && !isDone?.()) step = walk.next();
  return step;
}
