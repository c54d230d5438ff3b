/**
 * Finds the partitions of ascending keys in an index: by walking on from the key before, which costs less than a search where keys are near each
 * other, by a search where they are not.
 */
import type { PartitionEntry, PartitionIndex } from './partition-index.js';
import { compareDecorated, type DecoratedKey, decorate } from './partitioner.js';

/** Entries that are walked over before a search. */
const MAX_STEPS = 64;

export class PartitionWalk {
  private readonly index: PartitionIndex;
  private readonly keyAt: (dataPosition: number) => Uint8Array;
  private entries: Iterator<PartitionEntry> | undefined;
  private nextKey: Uint8Array | undefined;
  private nextPosition = 0;

  /** @param keyAt the key at a position of the plain Data.db, asked for where the index does not have it */
  constructor(index: PartitionIndex, keyAt: (dataPosition: number) => Uint8Array) {
    this.index = index;
    this.keyAt = keyAt;
  }

  /** Position of a partition in the plain Data.db. No key may come before one that was asked for. @throws CorruptError */
  find(key: DecoratedKey): number | undefined {
    if (!this.entries) this.search(key);
    for (let steps = 0; ; steps++) {
      if (steps === MAX_STEPS) this.search(key);
      const { nextKey } = this;
      if (!nextKey) return undefined;
      if (Buffer.compare(nextKey, key.key) === 0) return this.nextPosition;
      const { partitioner } = this.index;
      if (compareDecorated(partitioner, decorate(partitioner, nextKey), key) > 0) return undefined;
      this.advance();
    }
  }

  private search({ token }: DecoratedKey): void {
    this.entries?.return?.();
    this.entries = this.index.entries({ from: { token, inclusive: true } })[Symbol.iterator]();
    this.advance();
  }

  private advance(): void {
    const { done, value } = this.entries!.next();
    this.nextKey = done ? undefined : (value.key ?? this.keyAt(value.dataPosition));
    if (!done) this.nextPosition = value.dataPosition;
  }
}
