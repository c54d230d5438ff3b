/** Opens segments, those too whose descriptor is damaged: what can be read of them is worth having. */
import { CorruptError, UnsupportedError, UsageError } from '../bytes/errors.js';
import type { ByteSource } from '../bytes/source.js';
import { salvageSegment } from './salvage.js';
import { type CipherOf, sectionDecoder } from './section-decoder.js';
import {
  decodeDescriptor,
  guessDescriptor,
  MAX_HEADER_BYTES,
  type SegmentDescriptor,
  type SegmentName,
} from './segment-descriptor.js';
import type { SegmentFault } from './segment-fault.js';
import { type OpenSegment, SYNC_MARKER_BYTES } from './segment-reader.js';

export type FoundSegment = {
  /** `undefined` where nothing of it can be read. */
  readonly segment: OpenSegment | undefined;
  /** Of the descriptor. */
  readonly fault?: SegmentFault;
  /** Its descriptor is put together from what is left of it: no node reads the segment. */
  readonly isGuessed: boolean;
};

/** Descriptor and first sync marker. */
export function readHead(source: ByteSource): Uint8Array {
  const bytes = new Uint8Array(Math.min(MAX_HEADER_BYTES + SYNC_MARKER_BYTES, source.size));
  return bytes.subarray(0, source.read(0, bytes, 0, bytes.length));
}

/** @param name what the file's name says. @throws UnsupportedError (version, codec), UsageError (a key that is missing) */
export async function openSegment(source: ByteSource, name: SegmentName, cipherOf: CipherOf): Promise<FoundSegment> {
  const file = source.path;
  const head = readHead(source);
  const at = { filePosition: 0, position: 0 };
  let descriptor: SegmentDescriptor;
  try {
    descriptor = decodeDescriptor(head, file);
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error;
    const { seen, expected } = error.facts;
    const facts = { ...(seen !== undefined && { seen }), ...(expected !== undefined && { expected }) };
    const fault: SegmentFault = { kind: 'descriptor', message: error.message, ...at, ...facts };
    const guess = guessDescriptor(head, name, file);
    return { segment: guess && (await guessForm(source, guess, cipherOf)), fault, isGuessed: true };
  }
  const segment = { source, descriptor, decoder: await sectionDecoder(descriptor, file, cipherOf) };
  if (descriptor.id === name.id) return { segment, isGuessed: false };
  const message = 'name of the segment and its descriptor have different ids';
  const fault: SegmentFault = { kind: 'segment_id', message, ...at, seen: descriptor.id, expected: name.id };
  return { segment, fault, isGuessed: false };
}

/** Of segments without parameters. */
const PLAIN_HEADER_BYTES = 20;
const CODECS = ['LZ4Compressor', 'SnappyCompressor', 'DeflateCompressor', 'ZstdCompressor'];

/** The form in which a segment with damaged parameters gives most entries whose checksums are right. */
async function guessForm(
  source: ByteSource,
  guess: SegmentDescriptor,
  cipherOf: CipherOf,
): Promise<OpenSegment | undefined> {
  const { compression: _, encryption: __, ...bare } = guess;
  const forms = CODECS.map((className) => ({ ...bare, compression: { className, parameters: {} } }));
  let best: OpenSegment | undefined;
  let most = 0;
  for (const descriptor of [guess, { ...bare, headerBytes: PLAIN_HEADER_BYTES }, ...forms]) {
    try {
      const segment = { source, descriptor, decoder: await sectionDecoder(descriptor, source.path, cipherOf) };
      const entries = countEntries(segment);
      if (entries > most) [best, most] = [segment, entries];
    } catch (error) {
      if (!(error instanceof UnsupportedError) && !(error instanceof UsageError)) throw error;
    }
  }
  return best;
}

function countEntries(segment: OpenSegment): number {
  let count = 0;
  const walk = salvageSegment(segment, {
    entry() {
      count++;
    },
    lost() {},
  });
  while (!walk.next().done);
  return count;
}
