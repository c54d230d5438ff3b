/** What is wrong with a Bloom filter, from what its inspection saw. */
import { COMPONENT, componentPath } from '../../sstable/descriptor.js';
import type { BLOOM_RULES } from './bloom-rules.js';
import { expectedBitsSet } from './filter-arithmetic.js';
import type { FilterInspection } from './filter-inspection.js';

export type BloomRule = keyof typeof BLOOM_RULES;

export type BloomFinding = {
  readonly rule: BloomRule;
  /** `error`: reads give wrong answers, or the SSTable is damaged; `warning`: reads cost more than they should. */
  readonly severity: 'error' | 'warning';
  readonly file: string;
  readonly message: string;
  /** What to do. */
  readonly next: string;
};

/** From here on a filter is of no use. */
const PASSES_EVERYTHING = 0.9;
/** The smallest filter. */
const WORD_BITS = 64;
/** A filter that errs so much more often than it was made to. */
const OVERFULL = 2;
/** Filters of fewer keys are a few words: chance decides their rate, and nobody pays for it. */
const MIN_KEYS = 64;
/** Standard deviations by which bits may be missing; the bits of a key are not as independent as the formula has it. */
const DEVIATIONS = 12;

/** @param tableChance bloom_filter_fp_chance of the table's schema, where it is known */
export function bloomFindings(inspection: FilterInspection, tableChance: number | undefined): BloomFinding[] {
  const chance = tableChance ?? inspection.madeWith;
  // a node loads no filter of such a table
  if (chance === 1 && inspection.state !== 'loaded') return [];
  const file = componentPath(inspection.descriptor, COMPONENT.filter);
  const rebuild = `lsmctl bloom --rebuild ${componentPath(inspection.descriptor, COMPONENT.data)}`;
  const of = (rule: BloomRule, severity: BloomFinding['severity'], message: string, next = rebuild): BloomFinding => ({
    rule,
    severity,
    file,
    message,
    next,
  });
  switch (inspection.state) {
    case 'none':
      return [of('bloom-missing', 'warning', 'is not there: a node makes it when it starts, from every key')];
    case 'empty':
      return [of('bloom-passes-everything', 'warning', 'has no bytes: a node takes it for one that passes every key')];
    case 'unreadable': {
      const { problem } = inspection;
      return [of('bloom-unreadable', 'warning', `${problem?.message}: a node that starts makes it anew`)];
    }
    case 'loaded':
      return [...denied(inspection, of), ...missingBits(inspection, of), ...useless(inspection, of), ...unread(inspection, of)]; // biome-ignore format: one line
  }
}

type Make = (rule: BloomRule, severity: BloomFinding['severity'], message: string, next?: string) => BloomFinding;

function denied({ proof }: FilterInspection, of: Make): BloomFinding[] {
  if (proof.denied === 0) return [];
  return [
    of(
      'bloom-denies-keys',
      'error',
      `denies ${proof.denied} of the ${proof.asked} keys asked, which the SSTable holds: reads by key do not find them here`,
    ),
  ];
}

/** Keys that are denied leave bits clear: so many that it shows without asking them. */
function missingBits({ filter, keys, proof }: FilterInspection, of: Make): BloomFinding[] {
  if (!filter || keys === undefined || proof.kind === 'all' || proof.denied > 0) return [];
  const { mean, deviation } = expectedBitsSet(keys, filter.bits, filter.hashCount);
  if (filter.bitsSet >= mean - DEVIATIONS * deviation - mean * 0.001) return [];
  return [
    of(
      'bloom-bits-missing',
      'error',
      `has ${filter.bitsSet} bits set where ${keys} keys set about ${Math.round(mean)}: it may deny some that the SSTable holds`,
    ),
  ];
}

function useless({ filter, keys, madeWith }: FilterInspection, of: Make): BloomFinding[] {
  if (!filter || (keys !== undefined && keys < MIN_KEYS)) return [];
  const size = `${filter.bits} bits${keys === undefined ? '' : ` for ${keys} keys`}`;
  if (filter.rate >= PASSES_EVERYTHING) {
    const how = filter.rate === 1 ? 'every' : 'nearly every';
    const maker = filter.bits === WORD_BITS ? ', as CQLSSTableWriter makes them for any number of keys' : '';
    return [of('bloom-passes-everything', 'warning', `passes ${how} key (${size}${maker}): it saves no read`)];
  }
  if (madeWith >= 1 || filter.rate <= madeWith * OVERFULL) return [];
  const wanted = `${(filter.rate / madeWith).toPrecision(2)} times as often as it was made to`;
  return [of('bloom-overfull', 'warning', `passes absent keys ${wanted} (${size})`)];
}

function unread({ proof, keys, descriptor }: FilterInspection, of: Make): BloomFinding[] {
  const verify = `lsmctl verify ${componentPath(descriptor, COMPONENT.data)}`;
  if (proof.problem) {
    const { file, component } = proof.problem.facts;
    const where = component ?? file ?? 'index';
    return [
      of(
        'bloom-keys-unread',
        'error',
        `keys could not be read to their end: ${where}: ${proof.problem.message}`,
        verify,
      ),
    ];
  }
  if (proof.kind !== 'index') return [];
  const message = `the index has ${proof.asked} keys, Statistics.db counts ${keys}: nothing is proved of the others`;
  return [of('bloom-keys-unread', 'error', message, verify)];
}
