/** One task of `verify`, on whichever thread. A bug of ours in one SSTable is told as such and ends nothing. */
import { diskStorage, type Storage } from '../../bytes/source.js';
import { verifySlices } from '../../engine/verify/verify-slices.js';
import { type VerifyOptions, verifySSTable } from '../../engine/verify/verify-sstable.js';
import type { VerifyReply, VerifyTask } from './pool.js';
import { throttled } from './throttle.js';

/** The disk, read no faster than that. */
export function storageAt(bytesPerSecond: number | undefined): Storage {
  return bytesPerSecond === undefined ? diskStorage : throttled(diskStorage, bytesPerSecond);
}

/** @param gather see {@link VerifyOptions.gather} */
export async function verifyOne(
  { files, bytesPerSecond, slices, ...options }: VerifyTask,
  onPosition?: (position: number) => void,
  gather?: VerifyOptions['gather'],
): Promise<VerifyReply> {
  const storage = storageAt(bytesPerSecond);
  try {
    const all = { ...options, ...(onPosition && { onPosition }), ...(gather && { gather }) };
    if (slices) return { report: await verifySlices(storage, files, slices, all) };
    return { report: await verifySSTable(storage, files, all) };
  } catch (error) {
    return { failed: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
