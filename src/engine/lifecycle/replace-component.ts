/**
 * One component of a live SSTable replaced by another of the same name, as Cassandra does with Statistics.db: written as `<name>.tmp`, synced,
 * renamed over the old, the directory synced. At any moment the old or the new one is there in whole; a `.tmp` that a crash leaves is removed by a
 * start of the node and by `lsmctl compact recover`.
 */
import type { FileSink, OutputStorage } from '../../bytes/sink.js';
import { componentPath, type Descriptor } from '../../sstable/descriptor.js';
import { TEMPORARY } from '../../sstable/unpublished.js';

/**
 * @param component such as `Statistics.db`
 * @param content its bytes, or what writes them
 * @throws UsageError; the old component is then as it was, and nothing else is left
 */
export function replaceComponent(
  output: OutputStorage,
  descriptor: Descriptor,
  component: string,
  content: Uint8Array | ((sink: FileSink) => void),
): void {
  const file = componentPath(descriptor, component);
  const beside = file + TEMPORARY;
  output.remove(beside); // of a run that was killed
  try {
    const sink = output.create(beside);
    try {
      if (typeof content === 'function') content(sink);
      else sink.write(content);
      sink.sync();
    } finally {
      sink.close();
    }
    output.rename(beside, file);
  } catch (error) {
    output.remove(beside);
    throw error;
  }
  output.syncDirectory(descriptor.directory);
}
