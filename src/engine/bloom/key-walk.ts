/**
 * The partition keys of one SSTable, for asking a filter:
 *
 *   all      BIG: Index.db from end to end. BTI: the trie of Partitions.db holds only beginnings of keys, so it gives the positions, and the keys
 *            are read there: of partitions of several blocks in Rows.db, of all others in Data.db (its chunks in order, large partitions skipped)
 *   a few    those that cost nothing: the samples of Summary.db (BIG), first and last key (BTI)
 */
import type { Storage } from '../../bytes/source.js';
import { PartitionsFile } from '../../sstable/bti/partitions-file.js';
import { COMPONENT, componentPath, type Descriptor } from '../../sstable/descriptor.js';
import { openIndexFile } from '../../sstable/index-file.js';
import { openDescriptor } from '../../sstable/sstable.js';
import { readSampleKeys } from '../../sstable/summary.js';

/** Is shown the key `bytes[start, end)`; the array is reused. */
export type KeyVisitor = (bytes: Uint8Array, start: number, end: number) => void;

export type WalkedKeys = {
  readonly keys: number;
  /** Components that were read. */
  readonly from: readonly string[];
};

/** Bytes that a walk over all keys reads, about: BTI's positions are in one file, the keys in another. */
export function walkBytes(storage: Storage, descriptor: Descriptor): number {
  const components = descriptor.format === 'big' ? [COMPONENT.index] : [COMPONENT.partitions, COMPONENT.data];
  return components.reduce((sum, name) => sum + (storage.stat(componentPath(descriptor, name))?.size ?? 0), 0);
}

/**
 * Every key in the order of the SSTable, as its index has them.
 * @throws CorruptError, UsageError (missing files), UnsupportedError
 */
export async function walkKeys(storage: Storage, descriptor: Descriptor, visit: KeyVisitor): Promise<WalkedKeys> {
  if (descriptor.format === 'bti') return walkTrie(storage, descriptor, visit);
  const index = openIndexFile(storage, descriptor, []);
  try {
    return { keys: index.visitKeys(visit), from: [COMPONENT.index] };
  } finally {
    index.close();
  }
}

async function walkTrie(storage: Storage, descriptor: Descriptor, visit: KeyVisitor): Promise<WalkedKeys> {
  const sstable = await openDescriptor(storage, descriptor);
  try {
    const index = sstable.openIndex(storage);
    try {
      let keys = 0;
      const from = new Set<string>([COMPONENT.partitions]);
      for (const entry of index.entries()) {
        from.add(entry.key ? COMPONENT.rows : COMPONENT.data);
        const key = entry.key ?? sstable.keyAt(entry.dataPosition);
        visit(key, 0, key.length);
        keys++;
      }
      return { keys, from: [...from] };
    } finally {
      index.close();
    }
  } finally {
    sstable.close();
  }
}

/** Samples of a summary that are asked at most: a filter that is wrong in one place of a thousand shows in the proof alone. */
const MAX_SAMPLES = 512;

/** A few keys, for next to nothing. @throws CorruptError, UsageError */
export function fewKeys(storage: Storage, descriptor: Descriptor, visit: KeyVisitor): WalkedKeys {
  const seen = descriptor.format === 'bti' ? endsOfTrie(storage, descriptor) : samplesOf(storage, descriptor);
  for (const key of seen.keys) visit(key, 0, key.length);
  return { keys: seen.keys.length, from: [seen.from] };
}

function endsOfTrie(storage: Storage, descriptor: Descriptor) {
  const source = storage.open(componentPath(descriptor, COMPONENT.partitions));
  try {
    const { keyCount, firstKey, lastKey } = new PartitionsFile(source);
    const keys = keyCount === 0 ? [] : keyCount === 1 ? [firstKey] : [firstKey, lastKey];
    return { keys, from: COMPONENT.partitions };
  } finally {
    source.close();
  }
}

function samplesOf(storage: Storage, descriptor: Descriptor) {
  return { keys: readSampleKeys(storage, descriptor, MAX_SAMPLES) ?? [], from: COMPONENT.summary };
}
