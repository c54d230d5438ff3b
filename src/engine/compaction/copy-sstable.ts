/** A copy of an SSTable under another name, with another level: what a change of level is where the SSTable itself may not be touched. */
import type { OutputStorage } from '../../bytes/sink.js';
import type { Storage } from '../../bytes/source.js';
import { COMPONENT, componentPath, type Descriptor } from '../../sstable/descriptor.js';
import { encodeToc } from '../../sstable/toc.js';
import { TEMPORARY } from '../../sstable/unpublished.js';
import { mutatedStatistics } from '../surgery/mutate-statistics.js';

const BLOCK_BYTES = 1 << 20;

/** Writes what a node needs, under temporary names, synced; components of secondary indexes are left out. @throws UsageError, CorruptError */
export function copySSTable(
  storage: Storage,
  output: OutputStorage,
  { from, to, level }: { readonly from: Descriptor; readonly to: Descriptor; readonly level: number },
): void {
  const components = Object.values(COMPONENT).filter((name) => storage.stat(componentPath(from, name)) !== undefined);
  for (const component of components) {
    const sink = output.create(componentPath(to, component) + TEMPORARY);
    try {
      if (component === COMPONENT.statistics) sink.write(mutatedStatistics(storage, from, { level }));
      else if (component === COMPONENT.toc) sink.write(encodeToc(components));
      else copyBytes(storage, componentPath(from, component), (bytes, length) => sink.write(bytes, 0, length));
      sink.sync();
    } finally {
      sink.close();
    }
  }
}

/** Gives a copy its names, Data.db last. @throws UsageError */
export function publishCopy(output: OutputStorage, descriptor: Descriptor): void {
  const { data, ...rest } = COMPONENT;
  for (const component of [...Object.values(rest), data]) {
    const file = componentPath(descriptor, component);
    if (component === data) output.syncDirectory(descriptor.directory);
    if (output.stat(file + TEMPORARY)) output.rename(file + TEMPORARY, file);
  }
  output.syncDirectory(descriptor.directory);
}

/** Removes a copy, named or not. */
export function removeCopy(output: OutputStorage, descriptor: Descriptor): void {
  for (const component of [COMPONENT.data, ...Object.values(COMPONENT)]) {
    const file = componentPath(descriptor, component);
    output.remove(file);
    output.remove(file + TEMPORARY);
  }
}

function copyBytes(storage: Storage, file: string, write: (bytes: Uint8Array, length: number) => void): void {
  const source = storage.open(file);
  try {
    const block = new Uint8Array(Math.min(BLOCK_BYTES, Math.max(1, source.size)));
    for (let at = 0; at < source.size; ) {
      const length = source.read(at, block, 0, block.length);
      if (length === 0) break;
      write(block, length);
      at += length;
    }
  } finally {
    source.close();
  }
}
