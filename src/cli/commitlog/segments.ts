/** Walks over the segments of a log for the commands that print them. */
import { withFacts } from '../../bytes/errors.js';
import type { Storage } from '../../bytes/source.js';
import type { SegmentFile } from '../../commitlog/commit-log-directory.js';
import { type CipherOf, sectionDecoder } from '../../commitlog/section-decoder.js';
import { readDescriptor, type SegmentDescriptor } from '../../commitlog/segment-descriptor.js';
import { type ReadOptions, readSegment, type SegmentEnd, type SegmentVisitor } from '../../commitlog/segment-reader.js';
import { breathe, interruptible } from '../interrupt.js';
import { stepsOf } from './log-context.js';

export type WalkOptions = ReadOptions & {
  readonly cipherOf: CipherOf;
  /** Called now and then with the file position. */
  readonly onProgress?: ((position: number) => void) | undefined;
  /** Whether no more is wanted; asked now and then. */
  readonly isDone?: (() => boolean) | undefined;
};

/** Reads a segment and lets signals in between. @returns `undefined` where `isDone` ended it. @throws CorruptError (descriptor), UnsupportedError, UsageError */
export async function walkSegment(
  storage: Storage,
  { file }: SegmentFile,
  { cipherOf, onProgress, isDone, ...options }: WalkOptions,
  visitorOf: (descriptor: SegmentDescriptor) => SegmentVisitor,
): Promise<SegmentEnd | undefined> {
  const descriptor = readDescriptor(storage, file);
  const decoder = await sectionDecoder(descriptor, file, cipherOf);
  const source = storage.open(file);
  try {
    const walk = readSegment({ source, descriptor, decoder }, visitorOf(descriptor), options);
    for (;;) {
      const step = interruptible(() => stepsOf(walk, isDone));
      if (step.done) return step.value;
      if (isDone?.()) return undefined;
      onProgress?.(step.value);
      await breathe();
    }
  } catch (error) {
    throw withFacts(error, { file });
  } finally {
    source.close();
  }
}
