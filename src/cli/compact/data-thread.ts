/** Data.db as a helper thread writes it, so that merging need not wait for compression and disk. */
import { InvariantError, UsageError } from '../../bytes/errors.js';
import type { DataSink, OpenDataSink } from '../../sstable/data-sink.js';
import type { WrittenData } from '../../sstable/data-writer.js';
import {
  ABORTED,
  BLOCK_BYTES,
  DONE,
  FAILED,
  FINISHING,
  FINISHING_EARLY,
  makeRing,
  Ring,
  RUNNING,
  type SharedRing,
} from './data-ring.js';
import { HelperThread } from './helper-thread.js';
import type { WriteDataReply } from './write-data.js';

export class DataThread {
  private readonly helper: HelperThread;
  private readonly shared: SharedRing = makeRing();
  private readonly ring: Ring;
  private readonly meanwhile: (() => boolean) | undefined;

  /** @param meanwhile a little of what this thread can do while the helper is behind; tells whether there was anything */
  constructor(helper = new HelperThread(), meanwhile?: () => boolean) {
    this.helper = helper;
    this.meanwhile = meanwhile;
    this.ring = new Ring(this.shared, helper.bell);
    helper.onDeath(() => this.ring.setState(FAILED));
  }

  /** Files are written one after the other: the one before must be finished or closed. */
  readonly open: OpenDataSink = (paths, { format, name: version }, compression) => {
    const { ring, helper } = this;
    ring.setState(helper.isDead ? FAILED : RUNNING);
    helper.give({
      kind: 'write',
      ring: this.shared,
      paths,
      format,
      version,
      compression: compression && {
        compressor: compression.compressor,
        options: compression.options,
        chunkLength: compression.chunkLength,
        maxCompressedLength: compression.maxCompressedLength,
      },
    });
    return new ThreadSink(ring, helper, this.meanwhile);
  };

  async close(): Promise<void> {
    await this.helper.close();
  }
}

class ThreadSink implements DataSink {
  position = 0;
  private readonly ring: Ring;
  private readonly helper: HelperThread;
  private readonly meanwhile: (() => boolean) | undefined;
  /** What the helper is doing to end the file, once it was told to. */
  private ending: number | undefined;
  private isEnded = false;

  constructor(ring: Ring, helper: HelperThread, meanwhile: (() => boolean) | undefined) {
    this.ring = ring;
    this.helper = helper;
    this.meanwhile = meanwhile;
  }

  /** Nobody asks: strategies that cut by size are not given threads. */
  get storedPosition(): number {
    throw new InvariantError('how much is stored is known to another thread');
  }

  write(bytes: Uint8Array, start = 0, end = bytes.length): void {
    for (let at = start; at < end; at += BLOCK_BYTES) {
      if (!this.ring.put(bytes, at, Math.min(end, at + BLOCK_BYTES), this.meanwhile)) throw this.failure();
    }
    this.position += end - start;
  }

  /** The helper ends the file while this thread goes on with the other components. */
  sync(): void {
    this.end(FINISHING_EARLY);
  }

  private end(ending: number): void {
    this.ending = ending;
    if (this.ring.state !== FAILED) this.ring.setState(ending);
  }

  finish(): WrittenData {
    const { ring } = this;
    if (this.ending === undefined) this.end(FINISHING);
    this.isEnded = true;
    ring.waitWhile(this.ending!);
    if (ring.state !== DONE) throw this.failure();
    const reply = this.helper.reply() as WriteDataReply | undefined;
    if (!reply || !('written' in reply)) throw this.failure(reply);
    return reply.written;
  }

  close(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    const { ring } = this;
    if (ring.state === FAILED) return;
    if (this.ending === undefined) {
      this.ending = ABORTED;
      ring.setState(ABORTED);
    }
    ring.waitWhile(this.ending);
    if (this.ending !== ABORTED) this.helper.reply(); // nobody wants it
  }

  private failure(known?: WriteDataReply): Error {
    const reply = known ?? (this.helper.reply() as WriteDataReply | undefined);
    if (reply && 'error' in reply) {
      const { message, facts, isBug } = reply.error;
      return isBug ? new InvariantError(message, facts) : new UsageError(message, facts);
    }
    return new InvariantError('the thread that writes Data.db has ended');
  }
}
