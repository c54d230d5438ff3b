/** Options of UnifiedCompactionStrategy. */
import {
  booleanOption,
  bytesOption,
  intOption,
  longOption,
  type OptionMap,
  refusedOption,
  shareOption,
} from './option-values.js';

/** How UnifiedCompactionStrategy splits what it writes. */
export type ShardOptions = {
  readonly baseShardCount: number;
  readonly targetSSTableBytes: number;
  /** 0: none. */
  readonly minSSTableBytes: number;
  /** 0 to 1: how much of the data's growth makes SSTables larger, instead of more. */
  readonly sstableGrowth: number;
};

export type UnifiedOptions = ShardOptions & {
  /** W of each level, the last for all above: below 0 leveled with fanout 2 - W, above 0 tiered with fanout 2 + W, 0 both with 2. */
  readonly scalingParameters: readonly number[];
  /** What a flush gives; 0: not said. */
  readonly flushSizeBytes: number;
  /** Infinity: as many as there are. */
  readonly maxSSTablesToCompact: number;
  readonly expiredCheckSeconds: number;
  /** Expired SSTables go even where they may hide older data elsewhere. */
  readonly ignoresOverlaps: boolean;
  readonly overlapInclusion: 'none' | 'single' | 'transitive';
};

export const UNIFIED_OPTIONS: readonly string[] = [
  'scaling_parameters',
  'base_shard_count',
  'target_sstable_size',
  'flush_size_override',
  'max_sstables_to_compact',
  'expired_sstable_check_frequency_seconds',
  'unsafe_aggressive_sstable_expiration',
  'overlap_inclusion_method',
  'min_sstable_size',
  'sstable_growth',
];

const MIB = 1_048_576;
const GIB = 1_073_741_824;

/**
 * @param allowsUnsafeExpiration as of {@link timeWindowOptions}, though here Cassandra never refuses the option
 * @throws UsageError
 */
export function unifiedOptions(options: OptionMap, allowsUnsafeExpiration?: boolean): UnifiedOptions {
  const scalingParameters = scalingParametersOf(options.scaling_parameters ?? 'T4');
  const baseShardCount = intOption(options, 'base_shard_count', 4);
  if (baseShardCount <= 0) throw refusedOption('base_shard_count', options.base_shard_count!, '1 or more');
  const targetSSTableBytes = atLeastMib(options, 'target_sstable_size', GIB);
  if (targetSSTableBytes >= 2 ** 63) {
    throw refusedOption('target_sstable_size', options.target_sstable_size!, 'less than 8EiB');
  }
  const flushSizeBytes = atLeastMib(options, 'flush_size_override', 0);
  const most = intOption(options, 'max_sstables_to_compact', 0);
  const expiredCheckSeconds = longOption(options, EXPIRED_CHECK, 600);
  if (expiredCheckSeconds <= 0) throw refusedOption(EXPIRED_CHECK, options[EXPIRED_CHECK]!, '1 or more');
  const isUnsafe = booleanOption(options, 'unsafe_aggressive_sstable_expiration', false);
  return {
    scalingParameters,
    baseShardCount,
    targetSSTableBytes,
    flushSizeBytes,
    maxSSTablesToCompact: most > 0 ? most : Number.POSITIVE_INFINITY,
    expiredCheckSeconds,
    ignoresOverlaps: isUnsafe && allowsUnsafeExpiration === true,
    overlapInclusion: overlapInclusionOf(options.overlap_inclusion_method ?? 'transitive'),
    minSSTableBytes: minSSTableBytesOf(options, targetSSTableBytes),
    sstableGrowth: sstableGrowthOf(options),
  };
}

const EXPIRED_CHECK = 'expired_sstable_check_frequency_seconds';

function scalingParametersOf(text: string): number[] {
  const words = text.replace(/,+$/, '').split(',');
  return words.map((word) => scalingParameter(word.trim()));
}

function scalingParameter(text: string): number {
  const m = /^(?:(N)|L(\d+)|T(\d+)|([+-]?\d+))$/.exec(text);
  const value = Number(m?.[2] ?? m?.[3] ?? m?.[4] ?? 0);
  const isFanout = m?.[2] !== undefined || m?.[3] !== undefined;
  if (!m || value > 0x7fffffff || value < -0x80000000 || (isFanout && value < 2)) {
    throw refusedOption(
      'scaling_parameters',
      text,
      'N, L and a fanout from 2, T and a fanout from 2, or a whole number',
    );
  }
  if (m[2] !== undefined) return 2 - value;
  return m[3] !== undefined ? value - 2 : value;
}

function atLeastMib(options: OptionMap, name: string, fallback: number): number {
  const bytes = bytesOption(options, name, fallback);
  if (options[name] !== undefined && bytes < MIB) throw refusedOption(name, options[name], '1MiB or more');
  return bytes;
}

function overlapInclusionOf(text: string): UnifiedOptions['overlapInclusion'] {
  const value = text.toLowerCase();
  if (value === 'none' || value === 'single' || value === 'transitive') return value;
  throw refusedOption('overlap_inclusion_method', text, 'none, single or transitive');
}

function minSSTableBytesOf(options: OptionMap, targetBytes: number): number {
  const bytes = bytesOption(options, 'min_sstable_size', 100 * MIB);
  const text = options.min_sstable_size;
  if (text === undefined) return bytes;
  // the least size that a shard of the target size may have
  const limit = Math.ceil(targetBytes * Math.sqrt(0.5));
  if (bytes < 0 || bytes >= limit) throw refusedOption('min_sstable_size', text, `0B, or less than ${limit} bytes`);
  return bytes;
}

function sstableGrowthOf(options: OptionMap): number {
  const growth = shareOption(options, 'sstable_growth', 0.333);
  if (growth < 0 || growth > 1) throw refusedOption('sstable_growth', options.sstable_growth!, 'from 0 to 1');
  return growth;
}
