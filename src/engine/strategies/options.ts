/**
 * A table's compaction options (`compaction` of system_schema.tables, a map of texts) as values, with the defaults of 5.0. What a node would
 * refuse in a CREATE TABLE is refused, in the order in which it would find it.
 */
import { UnsupportedError, UsageError } from '../../bytes/errors.js';
import { LEVELED_OPTIONS, type LeveledOptions, leveledOptions } from './leveled-options.js';
import { booleanOption, doubleOption, isTrue, longOption, type OptionMap, refusedOption } from './option-values.js';
import { SIZE_TIERED_OPTIONS, type SizeTieredOptions, sizeTieredOptions } from './size-tiered-options.js';
import { TIME_WINDOW_OPTIONS, type TimeWindowOptions, timeWindowOptions } from './time-window-options.js';
import { UNIFIED_OPTIONS, type UnifiedOptions, unifiedOptions } from './unified-options.js';

export type CompactionStrategy =
  | ({ readonly kind: 'SizeTiered' } & SizeTieredOptions)
  /** Of releases before 5.0, its own options unread. */
  | { readonly kind: 'DateTiered' }
  | ({ readonly kind: 'TimeWindow' } & TimeWindowOptions)
  | ({ readonly kind: 'Leveled' } & LeveledOptions)
  | ({ readonly kind: 'Unified' } & UnifiedOptions);

/** How many SSTables at least, and at most, one compaction takes. */
export type Thresholds = { readonly min: number; readonly max: number };

/** When a single SSTable is compacted for the tombstones in it. */
export type TombstoneOptions = {
  /** The estimated share of droppable tombstones must be above; a float. */
  readonly threshold: number;
  /** The SSTable must be as old. */
  readonly intervalSeconds: number;
  /** Compact even where SSTables that overlap are likely to keep the tombstones. */
  readonly isUnchecked: boolean;
  /** Whether any of these three was given and is not the word `false`: without, TimeWindowCompactionStrategy makes no such compactions. */
  readonly isAsked: boolean;
};

export type CompactionParams = {
  readonly strategy: CompactionStrategy;
  /** Whether a node compacts the table of its own accord. */
  readonly isEnabled: boolean;
  readonly thresholds: Thresholds;
  readonly tombstones: TombstoneOptions;
  readonly onlyPurgeRepairedTombstones: boolean;
  /** Whether deletions of SSTables outside the compaction take effect in it: `provide_overlapping_tombstones`. */
  readonly overlappingTombstones: 'none' | 'row' | 'cell';
  readonly logsAll: boolean;
};

export type CompactionParamsOptions = {
  /**
   * The node runs with -Dcassandra.allow_unsafe_aggressive_sstable_expiration=true: without, the option of that name has no effect, and where it is
   * `false` TimeWindowCompactionStrategy refuses the option.
   */
  readonly allowsUnsafeExpiration?: boolean;
};

/** @throws UnsupportedError for a strategy that is not Cassandra's own, UsageError for what Cassandra would refuse */
export function compactionParams(options: OptionMap, settings: CompactionParamsOptions = {}): CompactionParams {
  const kind = kindOf(options.class);
  const overlappingTombstones = overlappingTombstonesOf(options.provide_overlapping_tombstones ?? 'none');
  const tombstones = tombstoneOptions(options);
  const logsAll = booleanOption(options, 'log_all', false);
  const isEnabled = booleanOption(options, 'enabled', true);
  const strategy = strategyOf(kind, options, settings.allowsUnsafeExpiration);
  refuseUnknown(kind, options);
  return {
    strategy,
    isEnabled,
    thresholds: thresholdsOf(options),
    tombstones,
    onlyPurgeRepairedTombstones: isTrue(options.only_purge_repaired_tombstones),
    overlappingTombstones,
    logsAll,
  };
}

type Kind = CompactionStrategy['kind'];

const PACKAGE = 'org.apache.cassandra.db.compaction.';
const KINDS: Readonly<Record<string, Kind>> = {
  SizeTieredCompactionStrategy: 'SizeTiered',
  DateTieredCompactionStrategy: 'DateTiered',
  TimeWindowCompactionStrategy: 'TimeWindow',
  LeveledCompactionStrategy: 'Leveled',
  UnifiedCompactionStrategy: 'Unified',
};

function kindOf(name: string | undefined): Kind {
  if (name === undefined) {
    throw new UsageError('the compaction options have no class', { expected: Object.keys(KINDS).join(', ') });
  }
  const plain = name.startsWith(PACKAGE) ? name.slice(PACKAGE.length) : name;
  if (Object.hasOwn(KINDS, plain)) return KINDS[plain]!;
  throw new UnsupportedError(`compaction class '${name}' is not supported`, {
    seen: name,
    expected: 'SizeTiered-, Leveled-, TimeWindow-, DateTiered- or UnifiedCompactionStrategy',
  });
}

function overlappingTombstonesOf(text: string): CompactionParams['overlappingTombstones'] {
  const value = text.toLowerCase();
  if (value === 'none' || value === 'row' || value === 'cell') return value;
  throw refusedOption('provide_overlapping_tombstones', text, 'none, row or cell');
}

const TOMBSTONES = ['unchecked_tombstone_compaction', 'tombstone_compaction_interval', 'tombstone_threshold'];

function tombstoneOptions(options: OptionMap): TombstoneOptions {
  const threshold = Math.fround(doubleOption(options, 'tombstone_threshold', 0.2));
  if (threshold < 0) throw refusedOption('tombstone_threshold', options.tombstone_threshold!, '0 or more');
  const intervalSeconds = longOption(options, 'tombstone_compaction_interval', 86_400);
  if (intervalSeconds < 0) {
    throw refusedOption('tombstone_compaction_interval', options.tombstone_compaction_interval!, '0 or more seconds');
  }
  return {
    threshold,
    intervalSeconds,
    isUnchecked: booleanOption(options, 'unchecked_tombstone_compaction', false),
    isAsked: TOMBSTONES.some((name) => options[name] !== undefined && options[name] !== 'false'),
  };
}

function strategyOf(kind: Kind, options: OptionMap, allowsUnsafeExpiration: boolean | undefined): CompactionStrategy {
  switch (kind) {
    case 'SizeTiered':
      return { kind, ...sizeTieredOptions(options) };
    case 'DateTiered':
      return { kind };
    case 'TimeWindow':
      return { kind, ...timeWindowOptions(options, allowsUnsafeExpiration) };
    case 'Leveled':
      return { kind, ...leveledOptions(options) };
    case 'Unified':
      return { kind, ...unifiedOptions(options, allowsUnsafeExpiration) };
  }
}

const COMMON = [
  'class',
  'enabled',
  'log_all',
  'only_purge_repaired_tombstones',
  'provide_overlapping_tombstones',
  ...TOMBSTONES,
];
const THRESHOLDS = ['min_threshold', 'max_threshold'];
const OWN: Readonly<Record<Exclude<Kind, 'DateTiered'>, readonly string[]>> = {
  SizeTiered: [...THRESHOLDS, ...SIZE_TIERED_OPTIONS],
  TimeWindow: [...THRESHOLDS, ...TIME_WINDOW_OPTIONS],
  Leveled: [...THRESHOLDS, ...LEVELED_OPTIONS],
  Unified: UNIFIED_OPTIONS,
};

function refuseUnknown(kind: Kind, options: OptionMap): void {
  if (kind === 'DateTiered') return;
  const known = [...COMMON, ...OWN[kind]];
  const unknown = Object.keys(options).filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw new UsageError(`${kind}CompactionStrategy has no such compaction option, and Cassandra would refuse it`, {
    seen: unknown.join(', '),
    expected: known.filter((name) => name !== 'class').join(', '),
  });
}

const MAX_INT = 0x7fffffff;

function thresholdsOf(options: OptionMap): Thresholds {
  const min = threshold(options, 'min_threshold', 4);
  const max = threshold(options, 'max_threshold', 32);
  if (min < 2) throw refusedOption('min_threshold', options.min_threshold!, '2 or more');
  if (max < 1) throw refusedOption('max_threshold', options.max_threshold!, `${min} or more, the min_threshold`);
  if (min > max) {
    const name = options.min_threshold === undefined ? 'max_threshold' : 'min_threshold';
    throw refusedOption(
      name,
      String(name === 'min_threshold' ? min : max),
      `min_threshold up to max_threshold, ${max}`,
    );
  }
  return { min, max };
}

/** Digits alone, without a sign. */
function threshold(options: OptionMap, name: string, fallback: number): number {
  const text = options[name];
  if (text === undefined) return fallback;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= MAX_INT)) throw refusedOption(name, text, 'a whole number of digits alone');
  return value;
}
