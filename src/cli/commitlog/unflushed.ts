/** What of a node's commit log is in no SSTable yet: tombstones that such writes are older than must stay. */
import path from 'node:path';
import { diskStorage } from '../../bytes/source.js';
import { parseSegmentName } from '../../commitlog/segment-descriptor.js';
import { openSegment } from '../../commitlog/segment-open.js';
import { takeUnflushed, UnflushedWrites } from '../../engine/commitlog-unflushed.js';
import { drive, openLog, persistedOrNothing } from './log-context.js';

/** @throws UsageError, UnsupportedError, CorruptError */
export async function readUnflushed(
  logs: readonly string[],
  flags: { readonly schema?: string | undefined; readonly now: number },
  data: readonly string[],
  tell: (line: string) => void,
): Promise<UnflushedWrites> {
  const log = await openLog(logs, { ...flags, ...(data.length > 0 && { data }) });
  if ('unmeasured' in log.persisted) {
    tell(`what SSTables hold already is not known, so all writes of the log count: ${log.persisted.unmeasured}`);
  }
  const writes = new UnflushedWrites();
  for (const { file } of log.segments) {
    const source = diskStorage.open(file);
    try {
      const name = parseSegmentName(path.basename(file))!;
      const { segment } = await openSegment(source, name, log.cipherOf);
      if (!segment) {
        tell(`${file}: nothing of it can be read: it may hold writes of any partition`);
        writes.addUnknown();
        continue;
      }
      await drive(takeUnflushed(segment, log.schema.tables, persistedOrNothing(log.persisted), writes));
    } finally {
      source.close();
    }
  }
  return writes;
}
