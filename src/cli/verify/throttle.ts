/** Reads no faster than so many bytes a second: a check that runs beside a node leaves it the disk. */
import type { ByteSource, Storage } from '../../bytes/source.js';

/** How far ahead of the rate a burst may run. */
const BURST_MILLIS = 50;

/** `storage`, all of whose sources together read at most `bytesPerSecond`. Reads are synchronous, so a wait stops the thread. */
export function throttled(
  storage: Storage,
  bytesPerSecond: number,
  now: () => number = () => performance.now(),
  wait: (millis: number) => void = sleep,
): Storage {
  let due = now();
  const account = (bytes: number) => {
    const at = now();
    due = Math.max(due, at - BURST_MILLIS) + (bytes / bytesPerSecond) * 1000;
    if (due > at) wait(due - at);
  };
  return {
    list: (directory) => storage.list(directory),
    stat: (file) => storage.stat(file),
    open(file): ByteSource {
      const source = storage.open(file);
      return {
        path: source.path,
        size: source.size,
        read(position, target, offset, length) {
          const n = source.read(position, target, offset, length);
          account(n);
          return n;
        },
        close: () => source.close(),
      };
    },
  };
}

function sleep(millis: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, millis);
}
