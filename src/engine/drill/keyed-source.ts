/** Of an SSTable some partitions alone, found by its index: a few lost keys are no reason to read a whole table. */

import { compareBytes } from '../../cql/token.js';
import type { PartitionIndex } from '../../sstable/partition-index.js';
import { decorate, type Partitioner } from '../../sstable/partitioner.js';
import type { ColumnMap } from '../../sstable/row-buffer.js';
import type { SSTable } from '../../sstable/sstable.js';
import { MergeSource } from '../merge/merge-source.js';

export class KeyedSource extends MergeSource {
  private readonly keys: readonly Uint8Array[];
  private readonly index: PartitionIndex;
  private readonly dataLength: number;
  private at = 0;

  /** @param keys in the order of their tokens */
  constructor(sstable: SSTable, map: ColumnMap, index: PartitionIndex, keys: readonly Uint8Array[]) {
    super(sstable.cursor(), map, sstable.partitioner);
    this.keys = keys;
    this.index = index;
    this.dataLength = sstable.data.length;
  }

  override nextPartition(): boolean {
    while (this.at < this.keys.length) {
      const entry = this.index.find(this.keys[this.at++]!);
      if (!entry) continue;
      this.cursor.goTo(entry.dataPosition, this.dataLength);
      return super.nextPartition();
    }
    return false;
  }
}

/** Keys in the order in which an SSTable has them. */
export function byToken(keys: Iterable<Uint8Array>, partitioner: Partitioner): Uint8Array[] {
  return [...keys]
    .map((key) => decorate(partitioner, key))
    .sort((a, b) => {
      const c = partitioner.compareTokens(a.token, b.token);
      return c !== 0 ? c : compareBytes(a.key, 0, a.key.length, b.key, 0, b.key.length);
    })
    .map(({ key }) => key);
}
