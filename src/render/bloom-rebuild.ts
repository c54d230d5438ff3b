/** What `lsmctl bloom --rebuild` is about to do, or has done: object and text. */
import path from 'node:path';
import type { PlannedFilter } from '../engine/bloom/filter-arithmetic.js';
import type { FilterFacts } from '../engine/bloom/filter-inspection.js';
import type { ReplacedComponents } from '../engine/bloom/rebuild.js';
import type { Descriptor } from '../sstable/descriptor.js';
import { bytesText, countText, shareText } from './bytes.js';
import { plainText } from './plain-text.js';
import { tableText } from './table.js';

export type RebuildEntry = {
  readonly descriptor: Descriptor;
  readonly keys: number;
  readonly planned: PlannedFilter;
  /** Absent where there is none that can be read. */
  readonly before?: FilterFacts;
  /** Absent while it is a plan. */
  readonly after?: FilterFacts;
  readonly replaced?: ReplacedComponents;
};

type FilterSize = { readonly bits: number; readonly hashCount: number; readonly memoryBytes: number; readonly estimatedFalsePositiveRate: number }; // biome-ignore format: one line

export type RebuildReport = {
  readonly isDone: boolean;
  readonly filters: readonly {
    /** Up to the component's name. */
    readonly path: string;
    readonly keys: number;
    readonly fpChance: number;
    readonly before: FilterSize | null;
    readonly after: FilterSize;
    /** Components that were written. */
    readonly written: readonly string[];
    /** Statistics.db still names the old chance. */
    readonly keepsOldChance: boolean;
  }[];
};

export function rebuildReport(entries: readonly RebuildEntry[], isDone: boolean): RebuildReport {
  return {
    isDone,
    filters: entries.map(({ descriptor, keys, planned, before, after, replaced }) => ({
      path: path.join(descriptor.directory, descriptor.prefix),
      keys,
      fpChance: planned.fpChance,
      before: before ? sizeOf(before) : null,
      after: after ? sizeOf(after) : { bits: planned.bits, hashCount: planned.hashCount, memoryBytes: planned.bytes, estimatedFalsePositiveRate: planned.rate }, // biome-ignore format: one line
      written: replaced?.components ?? [],
      keepsOldChance: replaced?.keepsOldChance ?? false,
    })),
  };
}

function sizeOf({ bits, hashCount, memoryBytes, rate }: FilterFacts): FilterSize {
  return { bits, hashCount, memoryBytes, estimatedFalsePositiveRate: rate };
}

/** Lines of text, the last one ended. */
export function rebuildText({ isDone, filters }: RebuildReport): string {
  const directories = groupBy(filters, (filter) => path.dirname(filter.path));
  const sections = [...directories].map(([directory, list]) => {
    const rows = list.map(({ path: where, keys, fpChance, before, after }) => [
      path.basename(where),
      countText(keys),
      before ? bytesText(before.memoryBytes) : 'none',
      before ? `~${shareText(before.estimatedFalsePositiveRate)}` : '',
      bytesText(after.memoryBytes),
      `~${shareText(after.estimatedFalsePositiveRate)}`,
      String(fpChance),
    ]);
    const columns = ['sstable', 'keys', 'before', 'passes', 'new', 'passes', 'fp_chance'];
    const table = tableText(columns.map((title, i) => ({ title, align: i === 0 ? 'left' : 'right' })), rows, { indent: 2 }); // biome-ignore format: one line
    return `${plainText(directory)}\n${table}\n`;
  });
  const kept = filters.filter(({ keepsOldChance }) => keepsOldChance).length;
  return [
    ...sections,
    ...(isDone
      ? [`new filters: ${countText(filters.length)}; each was asked for every key before it was put in place\n`]
      : []),
    ...(kept > 0 ? [`Statistics.db of ${kept} of them still names the old chance\n`] : []),
  ].join('\n');
}

function groupBy<T>(list: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of list) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}
