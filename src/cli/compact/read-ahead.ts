/** The inputs of a compaction that a helper thread reads ahead: it fills the rings of their SSTables in turn. */
import { diskStorage } from '../../bytes/source.js';
import { type DataFile, openDataFile } from '../../sstable/data-file.js';
import { parseDescriptor } from '../../sstable/descriptor.js';
import type { Bell } from './bell.js';
import { BLOCK_BYTES, ReadRings, type SharedRings } from './read-ring.js';

/** The SSTables, by the paths of their Data.db. */
export type ReadAheadWork = { readonly files: readonly string[]; readonly rings: SharedRings };

/** `ring`: that of the SSTable. `blocks`: how many it has. */
export type AheadInput = { readonly ring: number; readonly data: DataFile; readonly blocks: number };

export function aheadInput(data: DataFile, ring: number): AheadInput {
  return { ring, data, blocks: Math.ceil(data.length / BLOCK_BYTES) };
}

/** Reads blocks that nobody has claimed, in whichever thread has the time. */
export class BlockReader {
  private readonly rings: ReadRings;
  /** The thread's own: codecs write to any place of it, which into shared memory is slow (`bytes/shared-copy.ts`). */
  private readonly plain = new Uint8Array(BLOCK_BYTES);

  constructor(rings: ReadRings) {
    this.rings = rings;
  }

  /** Reads the next block of an SSTable whose ring has room. @returns whether there was one */
  read({ ring, data, blocks }: AheadInput): boolean {
    const { rings, plain } = this;
    const n = rings.claim(ring, blocks);
    if (n === undefined) return false;
    const start = n * BLOCK_BYTES;
    const length = Math.min(BLOCK_BYTES, data.length - start);
    try {
      rings.fill(ring, n, (block) => {
        data.read(start, plain, 0, length, length);
        block.set(plain.subarray(0, length));
      });
    } catch {
      rings.fail(ring); // whoever merges tells why
    }
    return true;
  }
}

export class ReadAheadJob {
  private readonly rings: ReadRings;
  private open: AheadInput[] = [];
  private readonly blocks: BlockReader;

  private constructor(rings: ReadRings) {
    this.rings = rings;
    this.blocks = new BlockReader(rings);
  }

  static async open({ files, rings }: ReadAheadWork, bell: Bell): Promise<ReadAheadJob> {
    const job = new ReadAheadJob(new ReadRings(rings, bell));
    for (const [ring, file] of files.entries()) {
      try {
        const data = await openDataFile(diskStorage, parseDescriptor(file).descriptor);
        job.open.push(aheadInput(data, ring));
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
    for (const one of this.open) if (this.blocks.read(one)) hasRead = true;
    if (hasRead && !rings.isEnded) return true;
    const isLeft = ({ ring, blocks }: AheadInput) => !rings.isEnded && !rings.isClaimed(ring, blocks);
    for (const one of this.open) if (!isLeft(one)) one.data.close();
    this.open = this.open.filter(isLeft);
    return false;
  }

  close(): void {
    for (const { data } of this.open.splice(0)) data.close();
  }
}
