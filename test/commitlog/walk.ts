/** Reads whole segments off the disk for tests. */
import path from 'node:path';
import { diskStorage, type Storage } from '../../src/bytes/source.js';
import type { LogSchema } from '../../src/commitlog/log-schema.js';
import { MutationReader } from '../../src/commitlog/mutation-reader.js';
import { type CipherOf, noCipher, sectionDecoder } from '../../src/commitlog/section-decoder.js';
import { readDescriptor } from '../../src/commitlog/segment-descriptor.js';
import type { SegmentFault } from '../../src/commitlog/segment-fault.js';
import { type Entry, readSegment, type SegmentEnd } from '../../src/commitlog/segment-reader.js';

export type WalkVisitor = { mutation(entry: Entry, reader: MutationReader): void };

/** @returns the segment's end, and its faults */
export async function walkFile(
  file: string,
  schema: LogSchema,
  visitor: WalkVisitor,
  cipherOf: CipherOf = noCipher,
  storage: Storage = diskStorage,
): Promise<{ end: SegmentEnd; faults: readonly SegmentFault[] }> {
  const descriptor = readDescriptor(storage, file);
  const decoder = await sectionDecoder(descriptor, file, cipherOf);
  const source = storage.open(file);
  const reader = new MutationReader(schema, descriptor.version, path.basename(file));
  const faults: SegmentFault[] = [];
  try {
    const walk = readSegment(
      { source, descriptor, decoder },
      {
        mutation(entry) {
          reader.begin(entry);
          visitor.mutation(entry, reader);
        },
        fault: (fault) => void faults.push(fault),
      },
    );
    for (;;) {
      const step = walk.next();
      if (step.done) return { end: step.value, faults };
    }
  } finally {
    source.close();
  }
}
