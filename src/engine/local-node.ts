/** What a data directory says of the node that it belongs to: `system.local`, one row. */
import path from 'node:path';
import type { Storage } from '../bytes/source.js';
import { ByteWriter } from '../bytes/writer.js';
import { writeUuid } from '../cql/values/text.js';
import { COMPONENT, componentPath } from '../sstable/descriptor.js';
import { openSSTable, type SSTable } from '../sstable/sstable.js';
import { resolvePaths } from './data-directory.js';
import { readLive } from './merge/live-view.js';

/**
 * The host id of the node whose data directories these are; `undefined` where they hold no `system.local`, as a backup does.
 * @throws CorruptError, UnsupportedError of an SSTable that can't be read
 */
export async function readHostId(
  storage: Storage,
  dataDirectories: readonly string[],
  nowSeconds: number,
): Promise<string | undefined> {
  const sstables: SSTable[] = [];
  try {
    for (const directory of dataDirectories.map((root) => path.join(root, 'system'))) {
      if (!storage.stat(directory)?.isDirectory) continue;
      for (const { place, sstables: files } of resolvePaths(storage, [directory]).directories) {
        if (place.table !== 'local' || place.index !== undefined) continue;
        for (const { descriptor } of files) {
          sstables.push(await openSSTable(storage, componentPath(descriptor, COMPONENT.data)));
        }
      }
    }
    const rows = readLive(sstables, nowSeconds).flatMap((partition) => partition.rows);
    for (const { cells } of rows) {
      const value = cells.get('host_id')?.cells[0]?.value;
      if (value?.length !== 16) continue;
      const text = new ByteWriter(36);
      writeUuid(value, 0, text);
      return text.toString();
    }
    return undefined;
  } finally {
    for (const sstable of sstables) sstable.close();
  }
}
