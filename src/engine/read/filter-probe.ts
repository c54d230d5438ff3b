/**
 * One key against a Filter.db of which no more is read than the answer needs: the eight bytes before the bits, then a byte a bit until one is
 * missing. Among a thousand SSTables nearly all answer after two.
 *
 *   i32 hash count | i32 n | n × 8 bytes of bits        (before na each eight bytes stand in reverse order)
 */
import { Cursor } from '../../bytes/cursor.js';
import { type Hash128, murmur3 } from '../../bytes/murmur3.js';
import type { ByteSource, Storage } from '../../bytes/source.js';
import { COMPONENT, componentPath, type Descriptor } from '../../sstable/descriptor.js';
import { isHashIn } from '../../sstable/filter.js';

const HEADER_BYTES = 8;
const MAX_HASH_COUNT = 128;

const bytes = new Uint8Array(HEADER_BYTES);
const hash: Hash128 = new Int32Array(4);
/** A filter of some thousands of keys is read at once, which costs as much as a byte of it. */
const ahead = new Uint8Array(1 << 12);

/** `none`: the SSTable has no filter, every key must be looked up. */
export type FilterAnswer = 'absent' | 'maybe' | 'none';

/** @throws CorruptError, UsageError */
export function probeFilter(storage: Storage, descriptor: Descriptor, key: Uint8Array): FilterAnswer {
  const file = componentPath(descriptor, COMPONENT.filter);
  const source = openFilter(storage, file);
  if (!source) return 'none';
  try {
    const cursor = new Cursor(bytes, { file, component: COMPONENT.filter }, 0, source.read(0, bytes, 0, HEADER_BYTES));
    const hashCount = cursor.i32();
    const words = cursor.i32();
    if (hashCount < 1 || hashCount > MAX_HASH_COUNT) {
      throw cursor.corrupt('hash count', { offset: 0, seen: hashCount, expected: `1 to ${MAX_HASH_COUNT}` });
    }
    const room = (source.size - HEADER_BYTES) / 8;
    if (words < 1 || words !== room) {
      throw cursor.corrupt('length of the bit set', { offset: 4, seen: words, expected: `${room} words` });
    }
    murmur3(key, 0, key.length, hash);
    const isReversed = descriptor.version.hasOldBfFormat;
    const isIn = isHashIn(hashCount, words * 64, hash, (at) => {
      source.read(HEADER_BYTES + (isReversed ? at - (at % 8) + 7 - (at % 8) : at), bytes, 0, 1);
      return bytes[0]!;
    });
    return isIn ? 'maybe' : 'absent';
  } finally {
    source.close();
  }
}

/** Asked for its absence only where it can't be opened. */
function openFilter(storage: Storage, file: string): ByteSource | undefined {
  try {
    return storage.open(file, ahead);
  } catch (error) {
    if (storage.stat(file)) throw error;
    return undefined;
  }
}
