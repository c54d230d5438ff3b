/** Hard links of SSTables' files in a directory below the table's, as a node's snapshots have them. */
import fs from 'node:fs';
import path from 'node:path';
import { UsageError } from '../../bytes/errors.js';
import { diskOutput } from '../../bytes/sink.js';
import { fileError } from '../../bytes/source.js';
import type { Descriptor } from '../../sstable/descriptor.js';

/**
 * @param directory is made; it must not be there
 * @throws UsageError; then nothing of it is left
 */
export function takeSnapshot(descriptors: readonly Descriptor[], directory: string): void {
  if (fs.existsSync(directory)) throw new UsageError('is there already', { file: directory });
  try {
    diskOutput.makeDirectory(directory);
    for (const { directory: from, prefix } of descriptors) {
      for (const name of diskOutput.list(from).filter((one) => one.startsWith(`${prefix}-`))) {
        fs.linkSync(path.join(from, name), path.join(directory, name));
      }
    }
    for (const one of [directory, path.dirname(directory), path.dirname(path.dirname(directory))]) {
      diskOutput.syncDirectory(one);
    }
  } catch (error) {
    fs.rmSync(directory, { recursive: true, force: true });
    const known = error instanceof UsageError ? error : fileError(error, directory);
    throw new UsageError(`the snapshot can't be taken: ${known.message}`, {
      file: directory,
      hint: '--no-snapshot goes on without one',
    });
  }
}
