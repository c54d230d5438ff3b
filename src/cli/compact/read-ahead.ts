/** The inputs of a compaction that a helper thread reads ahead: it fills the rings of their SSTables in turn. */
import { diskStorage } from '../../bytes/source.js';
import { type DataFile, openDataFile } from '../../sstable/data-file.js';
import { parseDescriptor } from '../../sstable/descriptor.js';
import type { Bell } from './bell.js';
import { BLOCK_BYTES, ReadRings, type SharedRings } from './read-ring.js';

/** The SSTables, by the paths of their Data.db. */
export type ReadAheadWork = { readonly files: readonly string[]; readonly rings: SharedRings };

type Open = { readonly ring: number; readonly data: DataFile; readonly blocks: number };

export class ReadAheadJob {
  private readonly rings: ReadRings;
  private open: Open[] = [];

  private constructor(rings: ReadRings) {
    this.rings = rings;
  }

  static async open({ files, rings }: ReadAheadWork, bell: Bell): Promise<ReadAheadJob> {
    const job = new ReadAheadJob(new ReadRings(rings, bell));
    for (const [ring, file] of files.entries()) {
      try {
        const data = await openDataFile(diskStorage, parseDescriptor(file).descriptor);
        job.open.push({ ring, data, blocks: Math.ceil(data.length / BLOCK_BYTES) });
      } catch {
        job.rings.fail(ring); // whoever merges tells why
      }
    }
    return job;
  }

  get isOver(): boolean {
    return this.open.length === 0;
  }

  /** Reads a block of each SSTable whose ring has room. @returns whether any has */
  step(): boolean {
    const { rings } = this;
    let hasRead = false;
    for (const one of this.open) if (this.readBlock(one)) hasRead = true;
    if (hasRead && !rings.isEnded) return true;
    const isLeft = ({ ring, blocks }: Open) => !rings.isEnded && !rings.isClaimed(ring, blocks);
    for (const one of this.open) if (!isLeft(one)) one.data.close();
    this.open = this.open.filter(isLeft);
    return false;
  }

  close(): void {
    for (const { data } of this.open.splice(0)) data.close();
  }

  private readBlock({ ring, data, blocks }: Open): boolean {
    const { rings } = this;
    const n = rings.claim(ring, blocks);
    if (n === undefined) return false;
    const start = n * BLOCK_BYTES;
    const length = Math.min(BLOCK_BYTES, data.length - start);
    try {
      rings.fill(ring, n, (block) => void data.read(start, block, 0, length, length));
    } catch {
      rings.fail(ring);
    }
    return true;
  }
}
