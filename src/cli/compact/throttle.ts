/** `--max-rate`: holds reading and writing together below so many bytes a second, over the whole of a run. */
import { setTimeout as sleep } from 'node:timers/promises';
import { UsageError } from '../../bytes/errors.js';
import type { FileSink, OutputStorage } from '../../bytes/sink.js';
import type { ByteSource, Storage } from '../../bytes/source.js';

/** A pause is not longer, so that a signal and the progress get their turn. */
const MAX_PAUSE_MILLIS = 250;

export class Throttle {
  /** Bytes read from files and written to them. */
  done = 0;
  private readonly bytesPerSecond: number;
  private readonly started = performance.now();

  constructor(bytesPerSecond: number) {
    this.bytesPerSecond = bytesPerSecond;
  }

  storage(inner: Storage): Storage {
    return {
      open: (file) => this.source(inner.open(file)),
      list: (at) => inner.list(at),
      stat: (at) => inner.stat(at),
    };
  }

  output(inner: OutputStorage): OutputStorage {
    return {
      ...this.storage(inner),
      create: (file) => this.sink(inner.create(file)),
      rename: (from, to) => inner.rename(from, to),
      remove: (file) => inner.remove(file),
      makeDirectory: (directory) => inner.makeDirectory(directory),
      syncDirectory: (directory) => inner.syncDirectory(directory),
      freeBytes: (directory) => inner.freeBytes(directory),
      canonicalPath: (directory) => inner.canonicalPath(directory),
    };
  }

  /** Waits until what was done so far is allowed. */
  async wait(): Promise<void> {
    for (;;) {
      const early = (this.done / this.bytesPerSecond) * 1000 - (performance.now() - this.started);
      if (early <= 0) return;
      await sleep(Math.min(early, MAX_PAUSE_MILLIS));
    }
  }

  private source(source: ByteSource): ByteSource {
    return {
      path: source.path,
      size: source.size,
      read: (position, target, offset, length) => {
        const n = source.read(position, target, offset, length);
        this.done += n;
        return n;
      },
      close: () => source.close(),
    };
  }

  private sink(sink: FileSink): FileSink {
    return {
      path: sink.path,
      get position() {
        return sink.position;
      },
      write: (bytes, start = 0, end = bytes.length) => {
        this.done += end - start;
        sink.write(bytes, start, end);
      },
      sync: () => sink.sync(),
      close: () => sink.close(),
    };
  }
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** Bytes a second of `50M`, `800k`, `1.5GiB`: units are binary ones. @throws UsageError */
export function parseRate(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?(?:\/s)?$/i.exec(text);
  const rate = match ? Number(match[1]) * UNITS[match[2]!.toLowerCase()]! : 0;
  if (rate >= 1) return rate;
  throw new UsageError('--max-rate is no rate', {
    seen: text,
    expected: 'bytes a second, such as 50M (MiB), 800k or 1G',
  });
}
