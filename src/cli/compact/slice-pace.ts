/**
 * Slices of a compaction of about a tenth of a second, however fast it goes. Between two of them signals get their turn and progress is told; to
 * begin one takes a millisecond, with a thread that listens for Ctrl-C.
 */
import type { Pace } from '../../engine/compaction/compaction-task.js';
import { breathe, interruptible } from '../interrupt.js';

const MIN_BYTES = 1 << 20;
const MAX_BYTES = 1 << 26;
/** A slice that took less, or more, is followed by one of twice or half its bytes. */
const SHORT_MILLIS = 60;
const LONG_MILLIS = 200;

export class SlicePace implements Pace {
  /** Plain bytes. */
  sliceBytes = 1 << 23;

  slice<T>(work: () => T): T {
    const began = performance.now();
    const result = interruptible(work);
    const millis = performance.now() - began;
    if (millis < SHORT_MILLIS) this.sliceBytes = Math.min(MAX_BYTES, this.sliceBytes * 2);
    else if (millis > LONG_MILLIS) this.sliceBytes = Math.max(MIN_BYTES, this.sliceBytes / 2);
    return result;
  }

  breathe(): Promise<void> {
    return breathe();
  }
}
