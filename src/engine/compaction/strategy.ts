/**
 * A table's compaction options (`compaction` of system_schema.tables, a map of texts) as what decides the shape of a compaction. Options that
 * only say when an automatic compaction is due are not among it.
 */
import { UnsupportedError, UsageError } from '../../bytes/errors.js';

export type CompactionStrategy =
  | { readonly kind: 'SizeTiered' }
  | { readonly kind: 'DateTiered' }
  | { readonly kind: 'TimeWindow'; readonly ignoresOverlaps: boolean }
  | { readonly kind: 'Leveled'; readonly maxSSTableBytes: number; readonly fanoutSize: number }
  | ({ readonly kind: 'Unified' } & ShardOptions);

/** How UnifiedCompactionStrategy splits what it writes. */
export type ShardOptions = {
  readonly baseShardCount: number;
  readonly targetSSTableBytes: number;
  /** 0: none. */
  readonly minSSTableBytes: number;
  /** 0 to 1: how much of the data's growth makes SSTables larger, instead of more. */
  readonly sstableGrowth: number;
};

export type CompactionParams = {
  readonly strategy: CompactionStrategy;
  readonly onlyPurgeRepairedTombstones: boolean;
  /** Whether deletions of SSTables outside the compaction take effect in it: `provide_overlapping_tombstones`. */
  readonly overlappingTombstones: 'none' | 'row' | 'cell';
};

export type CompactionParamsOptions = {
  /** The node runs with -Dcassandra.allow_unsafe_aggressive_sstable_expiration=true: without, the option of that name has no effect. */
  readonly allowsUnsafeExpiration?: boolean;
};

type Options = Readonly<Record<string, string>>;

const MIB = 1_048_576;

/** @throws UnsupportedError for a strategy that is not Cassandra's own, UsageError for a value that Cassandra would refuse */
export function compactionParams(options: Options, settings: CompactionParamsOptions = {}): CompactionParams {
  return {
    strategy: strategyOf(options, settings),
    onlyPurgeRepairedTombstones: isTrue(options.only_purge_repaired_tombstones),
    overlappingTombstones: overlappingTombstones(options.provide_overlapping_tombstones ?? 'none'),
  };
}

function strategyOf(options: Options, settings: CompactionParamsOptions): CompactionStrategy {
  const name = (options.class ?? '').replace(/^.*\./, '');
  switch (name) {
    case 'SizeTieredCompactionStrategy':
      return { kind: 'SizeTiered' };
    case 'DateTieredCompactionStrategy':
      return { kind: 'DateTiered' };
    case 'TimeWindowCompactionStrategy': {
      const ignoresOverlaps = isTrue(options.unsafe_aggressive_sstable_expiration);
      return { kind: 'TimeWindow', ignoresOverlaps: ignoresOverlaps && settings.allowsUnsafeExpiration === true };
    }
    case 'LeveledCompactionStrategy':
      return {
        kind: 'Leveled',
        maxSSTableBytes: positiveInteger('sstable_size_in_mb', options.sstable_size_in_mb ?? '160') * MIB,
        fanoutSize: positiveInteger('fanout_size', options.fanout_size ?? '10'),
      };
    case 'UnifiedCompactionStrategy':
      return { kind: 'Unified', ...shardOptions(options) };
    default:
      throw new UnsupportedError(`compaction strategy '${options.class ?? ''}' is not supported`, {
        seen: options.class ?? 'no class',
        expected: 'SizeTiered-, Leveled-, TimeWindow-, DateTiered- or UnifiedCompactionStrategy',
      });
  }
}

function shardOptions(options: Options): ShardOptions {
  return {
    baseShardCount: positiveInteger('base_shard_count', options.base_shard_count ?? '4'),
    targetSSTableBytes: humanBytes('target_sstable_size', options.target_sstable_size ?? '1GiB'),
    minSSTableBytes: humanBytes('min_sstable_size', options.min_sstable_size ?? '100MiB'),
    sstableGrowth: share('sstable_growth', options.sstable_growth ?? '0.333'),
  };
}

function isTrue(text: string | undefined): boolean {
  return text?.toLowerCase() === 'true';
}

function overlappingTombstones(text: string): CompactionParams['overlappingTombstones'] {
  const value = text.toLowerCase();
  if (value === 'none' || value === 'row' || value === 'cell') return value;
  throw refused('provide_overlapping_tombstones', text, 'none, row or cell');
}

function positiveInteger(name: string, text: string): number {
  const value = /^\+?\d+$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > 0x7fffffff) throw refused(name, text, 'a whole number from 1 to 2147483647');
  return value;
}

/** From 10^-30 to 10^30, by thousands (or with an `i`, by 1,024s). */
const PREFIXES = 'qryzafpnum KMGTPEZYRQ';
const HUMAN_BYTES = /^([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?:\*2\^([+-]?\d+))?\s*(?:([qryzafpnumKMGTPEZYRQ])(i)?)?B$/;

/** A size as Cassandra reads it: `64MiB`, `1.5 GiB`, `100MB`, `1*2^20B`. */
function humanBytes(name: string, text: string): number {
  const m = HUMAN_BYTES.exec(text);
  if (!m) throw refused(name, text, 'a number of bytes such as 64MiB');
  const [, number, power, prefix, binary] = m;
  const thousands = prefix ? PREFIXES.indexOf(prefix) - PREFIXES.indexOf(' ') : 0;
  const unit = binary ? 2 ** (10 * thousands) : Math.exp(Math.log(1000) * thousands);
  return Math.trunc(Number(number) * 2 ** Number(power ?? 0) * unit);
}

function share(name: string, text: string): number {
  const trimmed = text.trim();
  const value = trimmed.endsWith('%') ? Number(trimmed.slice(0, -1)) / 100 : Number(trimmed);
  if (trimmed === '' || !(value >= 0 && value <= 1)) throw refused(name, text, 'a number from 0 to 1, or a percentage');
  return value;
}

function refused(name: string, seen: string, expected: string): UsageError {
  return new UsageError(`compaction option ${name} can't be read`, { seen, expected });
}
