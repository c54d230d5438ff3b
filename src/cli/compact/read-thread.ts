/** The inputs of a compaction as a helper thread reads and decompresses them, ahead of the merge. */
import { copyFromShared } from '../../bytes/shared-copy.js';
import type { ReadAhead } from '../../engine/compaction/compaction-task.js';
import type { DataFile } from '../../sstable/data-file.js';
import { COMPONENT, componentPath } from '../../sstable/descriptor.js';
import type { HelperThread } from './helper-thread.js';
import { type AheadInput, aheadInput, BlockReader } from './read-ahead.js';
import { BLOCK_BYTES, makeRings, ReadRings } from './read-ring.js';

/** Below this an SSTable is read before a thread has looked at it. */
const MIN_BYTES = 1 << 21;
/** More SSTables than this are not read ahead: their blocks would take too much memory. */
const MAX_FILES = 32;

export class ReadThread {
  private readonly helper: HelperThread;
  /** Of the compaction at hand. */
  private blocks: BlockReader | undefined;
  private inputs: readonly AheadInput[] = [];
  private next = 0;

  constructor(helper: HelperThread) {
    this.helper = helper;
  }

  readonly readAhead: ReadAhead = (inputs) => {
    const { helper } = this;
    const isWorth = inputs.some(({ data }) => data.length > MIN_BYTES);
    if (helper.isDead || !isWorth || inputs.length > MAX_FILES) return undefined;
    const shared = makeRings(inputs.length);
    const rings = new ReadRings(shared, helper.bell);
    const files = inputs.map(({ descriptor }) => componentPath(descriptor, COMPONENT.data));
    helper.give({ kind: 'read', files, rings: shared });
    this.inputs = inputs.map(({ data }, ring) => aheadInput(data, ring));
    this.blocks = new BlockReader(rings);
    return {
      files: inputs.map(({ data }, ring) => new AheadFile(data, rings, ring, this.readHere)),
      end: () => {
        this.blocks = undefined;
        rings.end();
      },
    };
  };

  /** Reads a block ahead in this thread, which has nothing better to do. @returns whether there was one to read */
  readonly readHere = (): boolean => {
    const { blocks, inputs } = this;
    for (let tries = blocks ? inputs.length : 0; tries > 0; tries--) {
      this.next = (this.next + 1) % inputs.length;
      if (blocks!.read(inputs[this.next]!)) return true;
    }
    return false;
  };
}

/**
 * What the helper has read, as long as it is asked for in order. A block that nobody has begun to read when it is wanted is read here; and so is
 * everything, once it is asked for in another order or the helper has failed.
 */
class AheadFile implements DataFile {
  readonly file: string;
  readonly length: number;
  readonly storedLength: number;
  readonly windowBytes: number;
  private readonly own: DataFile;
  private readonly rings: ReadRings;
  private readonly ring: number;
  private readonly meanwhile: () => boolean;
  /** The block at hand, or the next one where none is. */
  private block = 0;
  private held: Uint8Array | 'yours' | undefined;
  private isGivenUp = false;

  constructor(own: DataFile, rings: ReadRings, ring: number, meanwhile: () => boolean) {
    this.meanwhile = meanwhile;
    this.own = own;
    this.rings = rings;
    this.ring = ring;
    this.file = own.file;
    this.length = own.length;
    this.storedLength = own.storedLength;
    this.windowBytes = own.windowBytes;
  }

  read(position: number, target: Uint8Array, offset: number, min: number, max: number): number {
    const limit = Math.min(max, this.length - position);
    let done = 0;
    while (done < limit && !this.isGivenUp) {
      const n = this.readBlock(position + done, target, offset + done, limit - done, done < min);
      if (n === 0 && !this.isGivenUp) return done;
      done += n;
    }
    if (done >= min || done >= limit) return done;
    return done + this.own.read(position + done, target, offset + done, min - done, limit - done);
  }

  /** Copies what of one block is wanted. @returns how much; 0 where the block is not there and need not be (`waits`), or all is given up */
  private readBlock(position: number, target: Uint8Array, offset: number, room: number, waits: boolean): number {
    const held = this.hold(Math.floor(position / BLOCK_BYTES), waits);
    if (held === undefined) return 0;
    const from = position - this.block * BLOCK_BYTES;
    const length = Math.min(room, BLOCK_BYTES - from);
    if (held === 'yours') return waits ? this.own.read(position, target, offset, length, length) : 0;
    copyFromShared(held, from, from + length, target, offset);
    return length;
  }

  private hold(block: number, waits: boolean): Uint8Array | 'yours' | undefined {
    if (this.held !== undefined && block === this.block + 1) {
      this.held = undefined;
      this.block = block;
      this.rings.release(this.ring);
    }
    if (block !== this.block) {
      this.isGivenUp = true;
      return undefined;
    }
    if (this.held !== undefined) return this.held;
    const taken = this.rings.take(this.ring, block, waits, this.meanwhile);
    if (taken === 'failed') this.isGivenUp = true;
    else if (taken !== 'not yet') this.held = taken;
    return this.held;
  }

  close(): void {
    this.own.close();
  }
}
