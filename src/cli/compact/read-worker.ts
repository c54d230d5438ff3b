/** The thread of `read-thread.ts`: fills the rings of a compaction's SSTables in turn, until all are read or nothing more is wanted. */
import { parentPort } from 'node:worker_threads';
import { diskStorage } from '../../bytes/source.js';
import { type DataFile, openDataFile } from '../../sstable/data-file.js';
import { parseDescriptor } from '../../sstable/descriptor.js';
import { ReadRings } from './read-ring.js';
import type { ReadThreadFiles } from './read-thread.js';

type Open = { readonly ring: number; readonly data: DataFile; position: number };

async function readAll({ files, from, rings: shared }: ReadThreadFiles): Promise<void> {
  const rings = new ReadRings(shared);
  let open: Open[] = [];
  for (const [ring, file] of files.entries()) {
    try {
      const data = await openDataFile(diskStorage, parseDescriptor(file).descriptor);
      open.push({ ring, data, position: from });
    } catch {
      rings.fail(ring); // whoever merges tells why
    }
  }
  while (open.length > 0 && !rings.isEnded) {
    const { changes } = rings;
    let hasRead = false;
    for (const one of open) if (readBlock(rings, one)) hasRead = true;
    open = open.filter(isOpen);
    if (!hasRead) rings.sleep(changes);
  }
  for (const { data } of open) data.close();
}

function isOpen({ data, position }: Open): boolean {
  if (position < data.length) return true;
  data.close();
  return false;
}

function readBlock(rings: ReadRings, one: Open): boolean {
  const { ring, data } = one;
  if (one.position >= data.length) return false;
  try {
    const n = rings.put(ring, (block) => data.read(one.position, block, 0, 1, block.length));
    one.position += n;
    return n > 0;
  } catch {
    rings.fail(ring);
    one.position = data.length;
    return true;
  }
}

parentPort!.on('message', (files: ReadThreadFiles) => void readAll(files));
