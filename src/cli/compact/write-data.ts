/** One Data.db that a helper thread writes: blocks from the ring go into a DataWriter. */
import { type ErrorFacts, LsmctlError } from '../../bytes/errors.js';
import { diskOutput } from '../../bytes/sink.js';
import { type CompressionParams, loadCompression } from '../../codec/compression-params.js';
import { type DataPaths, DataWriter, type WrittenData } from '../../sstable/data-writer.js';
import { versionOf } from '../../sstable/version.js';
import type { Bell } from './bell.js';
import { ABORTED, BLOCK_BYTES, DONE, FAILED, FINISHING_EARLY, Ring, type SharedRing } from './data-ring.js';

/** What a new file is made of. */
export type WriteDataWork = {
  readonly ring: SharedRing;
  readonly paths: DataPaths;
  readonly format: string;
  readonly version: string;
  readonly compression: CompressionParams | undefined;
};

export type WriteDataReply =
  | { readonly written: WrittenData }
  | { readonly error: { message: string; facts: ErrorFacts; isBug: boolean } };

/** Blocks after which one looks whether there is something else to do. */
const STEP_BLOCKS = 4;

export class WriteDataJob {
  isOver = false;
  private readonly ring: Ring;
  private readonly tell: (reply: WriteDataReply) => void;
  private writer: DataWriter | undefined;
  /** A block of the thread's own, of which copies to any place cost little (`bytes/shared-copy.ts`). */
  private readonly plain = new Uint8Array(BLOCK_BYTES);

  private constructor(ring: Ring, tell: (reply: WriteDataReply) => void) {
    this.ring = ring;
    this.tell = tell;
  }

  static async open(work: WriteDataWork, bell: Bell, tell: (reply: WriteDataReply) => void): Promise<WriteDataJob> {
    const { ring, paths, format, version, compression } = work;
    const job = new WriteDataJob(new Ring(ring, bell), tell);
    try {
      const loaded = compression && (await loadCompression(compression));
      job.writer = new DataWriter(diskOutput, paths, versionOf(format, version), loaded);
    } catch (error) {
      job.fail(error);
    }
    return job;
  }

  step(): boolean {
    const { ring, writer } = this;
    if (!writer || this.isOver) return false;
    try {
      const taken = ring.take(STEP_BLOCKS, (block, length) => {
        this.plain.set(block.subarray(0, length));
        writer.write(this.plain, 0, length);
      });
      if (taken > 0) return true;
      const { ending } = ring;
      if (ending === undefined) return false;
      if (ending === FINISHING_EARLY) writer.sync();
      if (ending === ABORTED) writer.close();
      else this.tell({ written: writer.finish() });
      this.isOver = true;
      ring.setState(DONE);
    } catch (error) {
      this.fail(error);
    }
    return true;
  }

  private fail(error: unknown): void {
    const isBug = !(error instanceof LsmctlError);
    const facts = isBug ? {} : error.facts;
    this.isOver = true;
    this.tell({ error: { message: (error as Error).message, facts, isBug } });
    // first, for the other thread sleeps until it is told: on a full disk closing fails too
    this.ring.setState(FAILED);
    try {
      this.writer?.close();
    } catch {
      // the file is given up, and why has been said
    }
  }
}
