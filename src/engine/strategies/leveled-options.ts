/** Options of LeveledCompactionStrategy. */
import { intOption, isTrue, type OptionMap, refusedOption } from './option-values.js';
import { SIZE_TIERED_OPTIONS, type SizeTieredOptions, sizeTieredOptions } from './size-tiered-options.js';

export type LeveledOptions = {
  /** Of SSTables of level 1 and above. */
  readonly maxSSTableBytes: number;
  /** How many times as much each level holds as the one below. */
  readonly fanoutSize: number;
  /** A lone SSTable gets its next level without being rewritten. */
  readonly singleSSTableUplevel: boolean;
  /** Of level 0, where it has fallen behind. */
  readonly sizeTiered: SizeTieredOptions;
};

export const LEVELED_OPTIONS: readonly string[] = [
  'sstable_size_in_mb',
  'fanout_size',
  'single_sstable_uplevel',
  ...SIZE_TIERED_OPTIONS,
];

const MIB = 1_048_576;
const LEVELS = 8;

/** @throws UsageError */
export function leveledOptions(options: OptionMap): LeveledOptions {
  const maxSSTableBytes = positive(options, 'sstable_size_in_mb', 160) * MIB;
  const fanoutSize = positive(options, 'fanout_size', 10);
  if (maxSSTableBytes * fanoutSize ** LEVELS >= 2 ** 63) {
    const seen = `${fanoutSize}, with SSTables of ${maxSSTableBytes / MIB} MiB`;
    throw refusedOption('fanout_size', seen, `so little that level ${LEVELS} has less than 2^63 bytes`);
  }
  return {
    maxSSTableBytes,
    fanoutSize,
    singleSSTableUplevel: isTrue(options.single_sstable_uplevel),
    sizeTiered: sizeTieredOptions(options),
  };
}

function positive(options: OptionMap, name: string, fallback: number): number {
  const value = intOption(options, name, fallback);
  if (value < 1) throw refusedOption(name, options[name]!, '1 or more');
  return value;
}
