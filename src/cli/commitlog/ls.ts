/** Puts together what `lsmctl commitlog ls` shows. */
import { LsmctlError } from '../../bytes/errors.js';
import { diskStorage } from '../../bytes/source.js';
import { readCdcIndex, type SegmentFile } from '../../commitlog/commit-log-directory.js';
import { sectionDecoder } from '../../commitlog/section-decoder.js';
import { readDescriptor } from '../../commitlog/segment-descriptor.js';
import { findHoles, type SegmentContent, sumTables, sumTotals, takeContent } from '../../engine/commitlog-inventory.js';
import type { ListedSegment, LogListing } from '../../render/commitlog-listing.js';
import { startProgress } from '../progress.js';
import { drive, type LogFlags, learnFromLog, openLog, persistedOrNothing } from './log-context.js';

/** @throws UsageError, UnsupportedError, CorruptError (schema) */
export async function listLog(paths: readonly string[], flags: LogFlags): Promise<LogListing> {
  const log = await openLog(paths, flags);
  const persisted = persistedOrNothing(log.persisted);
  const total = log.segments.reduce((sum, { bytes }) => sum + bytes, 0);
  const progress = await startProgress('reading', total);
  const contents: SegmentContent[] = [];
  const segments: ListedSegment[] = [];
  let doneBytes = 0;
  for (const file of log.segments) {
    const source = diskStorage.open(file.file);
    try {
      const descriptor = readDescriptor(diskStorage, file.file);
      const decoder = await sectionDecoder(descriptor, file.file, log.cipherOf);
      const walk = takeContent({ source, descriptor, decoder }, log.schema.tables, persisted);
      const content = await drive(walk, (position) => progress.update(doneBytes + position));
      contents.push(content);
      const { tables: _, ...rest } = content;
      segments.push({ ...about(file), descriptor, content: rest });
    } catch (error) {
      if (!(error instanceof LsmctlError)) throw error;
      segments.push({ ...about(file), unmeasured: error.message, hint: error.facts.hint });
    } finally {
      source.close();
    }
    doneBytes += file.bytes;
  }
  progress.stop();
  const unnamed = contents.some(({ tables }) => tables.some(({ table }) => !table));
  if (unnamed) await learnFromLog(log);
  const tableOf = new Map([...log.schema.tables.all()].map((table) => [table.id, table]));
  return {
    segments,
    tables: sumTables(contents)
      .map((content) => ({ ...content, table: content.table ?? tableOf.get(content.tableId) }))
      .sort((a, b) => b.bytes - a.bytes),
    totals: sumTotals(contents),
    holes: findHoles(log.segments.map(({ id }) => id)),
    persisted:
      'unmeasured' in log.persisted
        ? log.persisted
        : { sstables: log.persisted.sstables, foreign: log.persisted.foreign, hostId: log.persisted.hostId },
    schema: log.schema.loaded?.source,
  };
}

function about(file: SegmentFile): Pick<ListedSegment, 'file' | 'id' | 'version' | 'bytes' | 'cdc'> {
  const { file: name, id, version, bytes, cdcIndex } = file;
  const cdc = cdcIndex === undefined ? undefined : cdcOf(cdcIndex);
  return { file: name, id, version, bytes, ...(cdc && { cdc }) };
}

function cdcOf(file: string): ListedSegment['cdc'] {
  try {
    return readCdcIndex(diskStorage, file);
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    return { unmeasured: error.message };
  }
}
