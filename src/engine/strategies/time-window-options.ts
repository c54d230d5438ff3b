/** Options of TimeWindowCompactionStrategy. */
import { booleanOption, intOption, longOption, type OptionMap, refusedOption } from './option-values.js';
import { SIZE_TIERED_OPTIONS, type SizeTieredOptions, sizeTieredOptions } from './size-tiered-options.js';

export type TimeWindowOptions = {
  readonly windowUnit: 'MINUTES' | 'HOURS' | 'DAYS';
  readonly windowSize: number;
  /** What the timestamps of writes count. */
  readonly timestampResolution: 'SECONDS' | 'MILLISECONDS' | 'MICROSECONDS' | 'NANOSECONDS';
  /** A running node looks for expired SSTables no oftener. */
  readonly expiredCheckSeconds: number;
  /** Expired SSTables go even where they may hide older data elsewhere. */
  readonly ignoresOverlaps: boolean;
  /** Of the newest window. */
  readonly sizeTiered: SizeTieredOptions;
};

export const TIME_WINDOW_OPTIONS: readonly string[] = [
  'timestamp_resolution',
  'compaction_window_unit',
  'compaction_window_size',
  'expired_sstable_check_frequency_seconds',
  'unsafe_aggressive_sstable_expiration',
  ...SIZE_TIERED_OPTIONS,
];

const RESOLUTIONS = ['SECONDS', 'MILLISECONDS', 'MICROSECONDS', 'NANOSECONDS'] as const;
const WINDOW_UNITS = ['MINUTES', 'HOURS', 'DAYS'] as const;

/**
 * @param allowsUnsafeExpiration whether the node is started with leave for `unsafe_aggressive_sstable_expiration`; `undefined`: nobody has said, and
 * as in a node that finds it in its schema and has no leave the option is without effect
 * @throws UsageError
 */
export function timeWindowOptions(options: OptionMap, allowsUnsafeExpiration?: boolean): TimeWindowOptions {
  const timestampResolution = oneOf(options, 'timestamp_resolution', RESOLUTIONS, 'MICROSECONDS');
  const windowUnit = oneOf(options, 'compaction_window_unit', WINDOW_UNITS, 'DAYS');
  const windowSize = intOption(options, 'compaction_window_size', 1);
  if (windowSize < 1) throw refusedOption('compaction_window_size', options.compaction_window_size!, '1 or more');
  const expiredCheckSeconds = longOption(options, EXPIRED_CHECK, 600);
  if (expiredCheckSeconds < 0) throw refusedOption(EXPIRED_CHECK, options[EXPIRED_CHECK]!, '0 or more');
  const isUnsafe = booleanOption(options, UNSAFE, false);
  if (isUnsafe && allowsUnsafeExpiration === false) {
    throw refusedOption(
      UNSAFE,
      'true',
      'false, or a node with -Dcassandra.allow_unsafe_aggressive_sstable_expiration=true',
    );
  }
  return {
    windowUnit,
    windowSize,
    timestampResolution,
    expiredCheckSeconds,
    ignoresOverlaps: isUnsafe && allowsUnsafeExpiration === true,
    sizeTiered: sizeTieredOptions(options),
  };
}

const EXPIRED_CHECK = 'expired_sstable_check_frequency_seconds';
const UNSAFE = 'unsafe_aggressive_sstable_expiration';

function oneOf<T extends string>(options: OptionMap, name: string, values: readonly T[], fallback: T): T {
  const text = options[name];
  if (text === undefined) return fallback;
  const value = values.find((each) => each === text);
  if (value === undefined) throw refusedOption(name, text, values.join(', '));
  return value;
}
