/** Reads and decompresses the inputs of a compaction in a thread of its own, ahead of the merge (`--jobs 2`). */
import { Worker } from 'node:worker_threads';
import type { ReadAhead } from '../../engine/compaction/compaction-task.js';
import type { DataFile } from '../../sstable/data-file.js';
import { COMPONENT, componentPath } from '../../sstable/descriptor.js';
import { makeRings, ReadRings, type SharedRings } from './read-ring.js';

/** The SSTables of a compaction, by the paths of their Data.db, and from where on they are to be read, in plain bytes. */
export type ReadThreadFiles = { readonly files: readonly string[]; readonly from: number; readonly rings: SharedRings };

/** Plain bytes at the beginning of each SSTable that the merge reads itself, while the thread starts. */
const OWN_BYTES = 1 << 20;
/** More SSTables than this are not read ahead: their blocks would take too much memory. */
const MAX_FILES = 32;

export class ReadThread {
  private readonly worker = new Worker(new URL('./read-worker.js', import.meta.url));
  private isDead = false;

  constructor() {
    // whoever waits for it reads for himself
    this.worker.on('error', () => {
      this.isDead = true;
    });
    this.worker.unref();
  }

  readonly readAhead: ReadAhead = (inputs) => {
    const isWorth = inputs.some(({ data }) => data.length > 2 * OWN_BYTES);
    if (this.isDead || !isWorth || inputs.length > MAX_FILES) return undefined;
    const shared = makeRings(inputs.length);
    const rings = new ReadRings(shared);
    const files = inputs.map(({ descriptor }) => componentPath(descriptor, COMPONENT.data));
    this.worker.postMessage({ files, from: OWN_BYTES, rings: shared } satisfies ReadThreadFiles);
    return {
      files: inputs.map(({ data }, ring) => new AheadFile(data, rings, ring, OWN_BYTES)),
      end: () => rings.end(),
    };
  };

  async close(): Promise<void> {
    await this.worker.terminate();
  }
}

/** What the thread has read, as long as it is asked for in order; anything else, and what it could not read, is read here. */
class AheadFile implements DataFile {
  readonly file: string;
  readonly length: number;
  readonly storedLength: number;
  readonly windowBytes: number;
  private readonly own: DataFile;
  private readonly rings: ReadRings;
  private readonly ring: number;
  /** Position of the first byte of `block`. */
  private start: number;
  private block: Uint8Array | undefined;
  private isGivenUp = false;

  constructor(own: DataFile, rings: ReadRings, ring: number, start: number) {
    this.own = own;
    this.rings = rings;
    this.ring = ring;
    this.start = start;
    this.file = own.file;
    this.length = own.length;
    this.storedLength = own.storedLength;
    this.windowBytes = own.windowBytes;
  }

  read(position: number, target: Uint8Array, offset: number, min: number, max: number): number {
    const { own } = this;
    if (this.isGivenUp) return own.read(position, target, offset, min, max);
    if (position < this.start) {
      return own.read(position, target, offset, min, Math.max(min, Math.min(max, this.start - position)));
    }
    let done = 0;
    while (done < max && position + done < this.length) {
      const block = this.blockAt(position + done, done < min);
      if (!block) break;
      const from = position + done - this.start;
      const n = Math.min(block.length - from, max - done);
      target.set(block.subarray(from, from + n), offset + done);
      done += n;
    }
    if (done >= min || position + done >= this.length) return done;
    this.isGivenUp = true;
    return done + own.read(position + done, target, offset + done, min - done, max - done);
  }

  /** The block with this position in it. `undefined` where it isn't there, or, with `waits`, where it will not come. */
  private blockAt(position: number, waits: boolean): Uint8Array | undefined {
    for (;;) {
      this.block ??= this.rings.next(this.ring, waits);
      if (!this.block || position < this.start + this.block.length) return this.block;
      this.start += this.block.length;
      this.block = undefined;
      this.rings.release(this.ring);
    }
  }

  close(): void {
    this.own.close();
  }
}
