/** One task of `verify`, on whichever thread. A bug of ours in one SSTable is told as such and ends nothing. */
import { diskStorage } from '../../bytes/source.js';
import { verifySSTable } from '../../engine/verify/verify-sstable.js';
import type { VerifyReply, VerifyTask } from './pool.js';
import { throttled } from './throttle.js';

export async function verifyOne(
  { files, bytesPerSecond, ...options }: VerifyTask,
  onPosition?: (position: number) => void,
): Promise<VerifyReply> {
  const storage = bytesPerSecond === undefined ? diskStorage : throttled(diskStorage, bytesPerSecond);
  try {
    return { report: await verifySSTable(storage, files, { ...options, ...(onPosition && { onPosition }) }) };
  } catch (error) {
    return { failed: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
