/**
 * The SSTables outside of a compaction whose deletions, or newer cells, are to take effect in it (CompactionController.shadowSources):
 * `provide_overlapping_tombstones` of a table, and `nodetool garbagecollect`. Of each only the partitions that are compacted are read, found by its
 * filter and its index.
 */
import type { Storage } from '../../bytes/source.js';
import type { Table, View } from '../../cql/schema.js';
import type { Descriptor } from '../../sstable/descriptor.js';
import { NO_DELETION_TIME } from '../../sstable/metadata/stats.js';
import type { PartitionIndex } from '../../sstable/partition-index.js';
import { PartitionWalk } from '../../sstable/partition-walk.js';
import { decorate, type Partitioner } from '../../sstable/partitioner.js';
import { openDescriptor, type SSTable } from '../../sstable/sstable.js';
import { unpublished } from '../../sstable/unpublished.js';
import type { Shadows } from '../merge/garbage-skip.js';
import { columnMap, type MergeSource } from '../merge/merge-source.js';
import { ShadowSource } from '../merge/shadow-source.js';
import { droppedTimes, outputHeader } from './output-header.js';
import { mayHold, type OverlapSource } from './overlap-purge.js';

/** Where the rows of an SSTable outside of a compaction can be read. */
export type ShadowFile = { readonly storage: Storage; readonly descriptor: Descriptor };

/** An SSTable outside of a compaction. What a dry run would have written can't be read: its inputs are, which hide the same. */
export type Outside = OverlapSource & { readonly files: readonly ShadowFile[] };

export function unpublishedFile(storage: Storage, descriptor: Descriptor): ShadowFile {
  return { storage: unpublished(storage), descriptor };
}

export type ShadowOptions = {
  readonly level: 'row' | 'cell';
  readonly partitioner: Partitioner;
  readonly definition: Table | View | undefined;
  /** Of all that is compacted, dropped unread or not. */
  readonly minTimestampMicros: bigint;
};

type Opened = { readonly outside: Outside; readonly sstable: SSTable; readonly index: PartitionIndex };

export class OverlapShadows {
  /** `undefined` where none of the SSTables can hide anything. */
  readonly shadows: Shadows | undefined;
  private readonly opened: readonly Opened[];

  private constructor(opened: readonly Opened[], shadows: Shadows | undefined) {
    this.opened = opened;
    this.shadows = shadows;
  }

  /**
   * @param overlapping those that reach into the keys of what is compacted
   * @param compacted the opened inputs
   * @throws CorruptError, UsageError (missing files), UnsupportedError
   */
  static async open(
    overlapping: readonly Outside[],
    compacted: readonly SSTable[],
    options: ShadowOptions,
  ): Promise<OverlapShadows> {
    const opened: Opened[] = [];
    try {
      for (const outside of overlapping) {
        for (const { storage, descriptor } of outside.files) {
          const sstable = await openDescriptor(storage, descriptor);
          if (canHide(sstable, options)) opened.push({ outside, sstable, index: sstable.openIndex(storage) });
          else sstable.close();
        }
      }
    } catch (error) {
      closeAll(opened);
      throw error;
    }
    return new OverlapShadows(opened, opened.length === 0 ? undefined : shadowsOf(opened, compacted, options));
  }

  close(): void {
    closeAll(this.opened);
  }
}

function closeAll(opened: readonly Opened[]): void {
  for (const { sstable, index } of opened) {
    index.close();
    sstable.close();
  }
}

function canHide({ statistics: { stats } }: SSTable, { level, minTimestampMicros }: ShadowOptions): boolean {
  if (stats.maxTimestampMicros <= minTimestampMicros) return false;
  return level === 'cell' || stats.minLocalDeletionSeconds !== NO_DELETION_TIME;
}

function shadowsOf(
  opened: readonly Opened[],
  compacted: readonly SSTable[],
  { level, partitioner, definition }: ShadowOptions,
): Shadows {
  const all = [...compacted, ...opened.map(({ sstable }) => sstable)];
  const inputs = all.map(({ descriptor, header, statistics }) => ({
    id: descriptor.id,
    header,
    stats: statistics.stats,
  }));
  const header = outputHeader(inputs, definition);
  const dropped = droppedTimes(definition);
  const sources = opened.map(({ outside, sstable, index }) => ({
    outside,
    source: new ShadowSource({
      cursor: sstable.cursor(),
      map: columnMap(sstable.header, header, dropped),
      walk: new PartitionWalk(index, (position) => sstable.keyAt(position)),
      partitioner,
      dataBytes: sstable.data.length,
      tombstonesOnly: level === 'row',
    }),
  }));
  const found: MergeSource[] = [];
  return {
    level,
    header,
    at: ({ cursor }) => {
      found.length = 0;
      const key = decorate(partitioner, cursor.key.slice(0, cursor.keyLength));
      for (const { outside, source } of sources) {
        if (mayHold(outside, key, partitioner) && source.seek(key)) found.push(source);
      }
      return found;
    },
  };
}
