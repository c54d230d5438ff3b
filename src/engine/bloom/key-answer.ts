/** What a filter answers for one key, and whether that is right. */
import { type Hash128, murmur3 } from '../../bytes/murmur3.js';
import type { Storage } from '../../bytes/source.js';
import type { Descriptor } from '../../sstable/descriptor.js';
import { type BloomFilter, hashBits, readFilter } from '../../sstable/filter.js';
import { openDescriptor } from '../../sstable/sstable.js';

export type KeyAnswer = {
  readonly descriptor: Descriptor;
  /** As the partitioner prints it. */
  readonly token: string;
  /** `none`: the SSTable has no filter, so that every key passes. */
  readonly answer: 'passes' | 'denied' | 'none';
  /** Bits of the key, in the order in which they are asked; a node stops at the first that is clear. */
  readonly bits: readonly { readonly bit: number; readonly isSet: boolean }[];
  /** Whether the SSTable holds the key, by its index. */
  readonly isHeld: boolean;
};

/** @throws CorruptError, UsageError */
export async function keyAnswer(storage: Storage, descriptor: Descriptor, key: Uint8Array): Promise<KeyAnswer> {
  const filter = readFilter(storage, descriptor);
  const sstable = await openDescriptor(storage, descriptor);
  try {
    const { partitioner } = sstable;
    const bits = filter ? bitsOf(filter, key) : [];
    const index = sstable.openIndex(storage);
    try {
      return {
        descriptor,
        token: partitioner.tokenText(partitioner.tokenOf(key)),
        answer: filter ? (bits.every(({ isSet }) => isSet) ? 'passes' : 'denied') : 'none',
        bits,
        isHeld: index.find(key) !== undefined,
      };
    } finally {
      index.close();
    }
  } finally {
    sstable.close();
  }
}

function bitsOf(filter: BloomFilter, key: Uint8Array): KeyAnswer['bits'] {
  const hash: Hash128 = murmur3(key, 0, key.length, new Int32Array(4));
  return hashBits(filter, hash).map((bit) => ({
    bit,
    isSet: (filter.bits[Math.floor(bit / 8)]! & (1 << (bit & 7))) !== 0,
  }));
}
