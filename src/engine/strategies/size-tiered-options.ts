/** How SSTables of like size are put together: options of SizeTieredCompactionStrategy, and within the others for their newest SSTables. */
import { doubleOption, longOption, type OptionMap, refusedOption } from './option-values.js';

export type SizeTieredOptions = {
  /** SSTables below it are all of like size. */
  readonly minSSTableBytes: number;
  /** Of the average size of a bucket: from above this share … */
  readonly bucketLow: number;
  /** … to below this one an SSTable belongs into it. */
  readonly bucketHigh: number;
};

export const SIZE_TIERED_OPTIONS: readonly string[] = ['min_sstable_size', 'bucket_low', 'bucket_high'];

const MIB = 1_048_576;

/** @throws UsageError */
export function sizeTieredOptions(options: OptionMap): SizeTieredOptions {
  const minSSTableBytes = longOption(options, 'min_sstable_size', 50 * MIB);
  if (minSSTableBytes < 0) throw refusedOption('min_sstable_size', options.min_sstable_size!, '0 or more bytes');
  const bucketLow = doubleOption(options, 'bucket_low', 0.5);
  const bucketHigh = doubleOption(options, 'bucket_high', 1.5);
  if (bucketHigh <= bucketLow) {
    throw refusedOption('bucket_high', String(bucketHigh), `more than bucket_low, ${bucketLow}`);
  }
  return { minSSTableBytes, bucketLow, bucketHigh };
}
