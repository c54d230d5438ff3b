/** What a data directory says of the node that it belongs to: `system.local`, one row. */
import path from 'node:path';
import type { Storage } from '../bytes/source.js';
import { ByteWriter } from '../bytes/writer.js';
import { writeUuid } from '../cql/values/text.js';
import { COMPONENT, componentPath } from '../sstable/descriptor.js';
import type { CommitLogPosition } from '../sstable/metadata/stats.js';
import { openSSTable, type SSTable } from '../sstable/sstable.js';
import { resolvePaths } from './data-directory.js';
import { readLive } from './merge/live-view.js';

export type LocalNode = {
  readonly hostId: string | undefined;
  /** Ids of tables that were truncated, with the commit log position up to which their writes are void. */
  readonly truncatedAt: ReadonlyMap<string, Truncation>;
};

export type Truncation = CommitLogPosition & {
  /** When, in milliseconds; absent where the record does not say. */
  readonly atMillis?: number;
};

/**
 * The node whose data directories these are; without host id where they hold no `system.local`, as a backup does.
 * @throws CorruptError, UnsupportedError of an SSTable that can't be read
 */
export async function readLocalNode(
  storage: Storage,
  dataDirectories: readonly string[],
  nowSeconds: number,
): Promise<LocalNode> {
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
    const hostIds = rows.map(({ cells }) => cells.get('host_id')?.cells[0]?.value);
    const hostId = hostIds.find((value) => value?.length === 16);
    const truncatedAt = new Map<string, Truncation>();
    for (const cell of rows.flatMap(({ cells }) => cells.get('truncated_at')?.cells ?? [])) {
      const position = truncationOf(cell.value);
      if (cell.path?.length === 16 && position) truncatedAt.set(uuidText(cell.path), position);
    }
    return { hostId: hostId && uuidText(hostId), truncatedAt };
  } finally {
    for (const sstable of sstables) sstable.close();
  }
}

/** `i64 segment id, i32 position, i64 millis` */
function truncationOf(value: Uint8Array): Truncation | undefined {
  if (value.length < 12) return undefined;
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  return {
    segmentId: view.getBigInt64(0),
    position: view.getInt32(8),
    ...(value.length >= 20 && { atMillis: Number(view.getBigInt64(12)) }),
  };
}

function uuidText(value: Uint8Array): string {
  const text = new ByteWriter(36);
  writeUuid(value, 0, text);
  return text.toString();
}

/** The host id of that node. @throws CorruptError, UnsupportedError */
export async function readHostId(
  storage: Storage,
  dataDirectories: readonly string[],
  nowSeconds: number,
): Promise<string | undefined> {
  return (await readLocalNode(storage, dataDirectories, nowSeconds)).hostId;
}
