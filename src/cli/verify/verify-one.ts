/** One task of `verify`, on whichever thread. A bug of ours in one SSTable is told as such and ends nothing. */
import { diskStorage, type Storage } from '../../bytes/source.js';
import { verifySSTable } from '../../engine/verify/verify-sstable.js';
import type { VerifyReply, VerifyTask } from './pool.js';
import { throttled } from './throttle.js';

/** The disk, read no faster than that. */
export function storageAt(bytesPerSecond: number | undefined): Storage {
  return bytesPerSecond === undefined ? diskStorage : throttled(diskStorage, bytesPerSecond);
}

export async function verifyOne(
  { files, bytesPerSecond, ...options }: VerifyTask,
  onPosition?: (position: number) => void,
): Promise<VerifyReply> {
  const storage = storageAt(bytesPerSecond);
  try {
    return { report: await verifySSTable(storage, files, { ...options, ...(onPosition && { onPosition }) }) };
  } catch (error) {
    return { failed: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
