/** Every rule that `lsmctl bloom` judges by: what a finding of it means and what to do. `lsmctl explain` prints these beside those of verify. */
import type { Severity } from '../verify/rules.js';

export type BloomRuleText = {
  readonly severity: Severity;
  readonly title: string;
  /** What it means, how it comes about, what a node makes of it. */
  readonly means: string;
  /** What to do. */
  readonly remedy: string;
};

const REBUILD =
  'Write a new Filter.db from the keys: lsmctl bloom --rebuild, with the node down. On a running node, nodetool scrub or upgradesstables -a rewrites the SSTable.';

export const BLOOM_RULES = {
  'bloom-denies-keys': {
    severity: 'error',
    title: 'the filter denies keys that the SSTable holds',
    means:
      'A read by key asks the filter first and, where it denies, never looks into the SSTable: the rows are there, a scan of the table finds them, a read by their key does not. No checksum covers Filter.db; nodes load it without a warning, and sstableverify passes it.',
    remedy: REBUILD,
  },
  'bloom-bits-missing': {
    severity: 'error',
    title: 'fewer bits are set than so many keys set',
    means:
      'Not all keys were asked, but the share of set bits is too small for their number: the filter was cut, overwritten, or made from other keys. It may deny keys that the SSTable holds.',
    remedy: `Ask every key with lsmctl bloom --prove. ${REBUILD}`,
  },
  'bloom-passes-everything': {
    severity: 'warning',
    title: 'the filter passes (nearly) every key',
    means:
      'Every read of a key that the SSTable does not hold goes on to its index and, often, to the disk. CQLSSTableWriter and bulk loaders built on it write filters of 16 bytes whatever the number of keys; an empty Filter.db is taken for one that passes all.',
    remedy: REBUILD,
  },
  'bloom-overfull': {
    severity: 'warning',
    title: 'the filter errs far more often than it was made to',
    means:
      'It was sized for fewer keys than came: a compaction or a stream that estimated too few. Reads of absent keys cost more disk reads than bloom_filter_fp_chance promises.',
    remedy: REBUILD,
  },
  'bloom-unreadable': {
    severity: 'warning',
    title: 'Filter.db can not be decoded',
    means:
      'Its header contradicts its length. A node that starts makes the filter anew from all keys, which takes time and memory at every start until it is saved.',
    remedy: REBUILD,
  },
  'bloom-missing': {
    severity: 'warning',
    title: 'the SSTable has no filter',
    means:
      'The table wants one. A node makes it from every key when it starts: on large SSTables that delays the start.',
    remedy: REBUILD,
  },
  'bloom-keys-unread': {
    severity: 'error',
    title: 'the keys could not be read to their end',
    means: 'The index is damaged, or shorter than Statistics.db says: the filter is proved only for the keys before.',
    remedy: 'Look at the SSTable itself: lsmctl verify.',
  },
} as const satisfies Readonly<Record<string, BloomRuleText>>;
