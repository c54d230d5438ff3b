/**
 * One SSTable's Bloom filter: what it is, whether it denies keys that the SSTable holds, and how often it lets others pass. By itself this reads
 * Filter.db, Statistics.db and a few keys that come for nothing; all keys are asked where that is cheap or wanted.
 */
import { CorruptError, LsmctlError } from '../../bytes/errors.js';
import { type Hash128, murmur3 } from '../../bytes/murmur3.js';
import type { Storage } from '../../bytes/source.js';
import { COMPONENT, componentPath, type Descriptor } from '../../sstable/descriptor.js';
import { type BloomFilter, bitsSet, isHashPresent, readFilter } from '../../sstable/filter.js';
import { FilterBits } from '../../sstable/filter-bits.js';
import { type KeyRange, readKeyRange } from '../../sstable/key-range.js';
import { histogramCount } from '../../sstable/metadata/estimated-histogram.js';
import { readStatistics, type Statistics } from '../../sstable/statistics.js';
import { falsePositiveRate } from './filter-arithmetic.js';
import { fewKeys, walkBytes, walkKeys } from './key-walk.js';
import { KeyLengths, type MeasuredRate, measureRate } from './measure.js';

export type FilterFacts = {
  readonly bits: number;
  readonly hashCount: number;
  readonly bitsSet: number;
  /** Memory that a node holds for it: the bits, without the file's header. */
  readonly memoryBytes: number;
  /** Share of absent keys that pass, 0–1, as the bits have it. */
  readonly rate: number;
};

/** Which keys of the SSTable were held against its filter. */
export type FilterProof = {
  /** `all`: every key of the index, which are as many as Statistics.db counts, so that none is denied but those listed. */
  readonly kind: 'all' | 'index' | 'few' | 'none';
  readonly asked: number;
  readonly denied: number;
  /** The first of them. */
  readonly deniedKeys: readonly Uint8Array[];
  /** Components that the keys were taken from. */
  readonly from: readonly string[];
  /** Why the keys could not be read to their end. */
  readonly problem?: LsmctlError;
};

export type FilterInspection = {
  readonly descriptor: Descriptor;
  readonly statistics: Statistics;
  /** Partitions that Statistics.db counts; `undefined` where its histogram overflowed. */
  readonly keys: number | undefined;
  readonly keyRange: KeyRange | undefined;
  /** bloom_filter_fp_chance of the table when the SSTable was written. */
  readonly madeWith: number;
  /**
   * `none`: there is no file; `empty`: the file has no bytes, which a node of 5.0 takes for a filter that passes everything; `unreadable`: a node
   * makes a new one when it starts.
   */
  readonly state: 'loaded' | 'none' | 'empty' | 'unreadable';
  readonly filter?: FilterFacts;
  readonly problem?: LsmctlError;
  readonly proof: FilterProof;
  readonly measured?: MeasuredRate;
};

export type InspectOptions = {
  /** Ask for every key, whatever it costs. */
  readonly isProof: boolean;
  /** Also measure with so many absent keys; implies the proof, since it must know which keys there are. */
  readonly measure?: { readonly draws: number; readonly seed: number };
};

/** An index of no more bytes is walked without being asked to. */
const CHEAP_WALK_BYTES = 1 << 17;
const MAX_DENIED_KEYS = 8;

/** @throws CorruptError, UsageError (Statistics.db); what is wrong with filter and index is told in the result */
export async function inspectFilter(
  storage: Storage,
  descriptor: Descriptor,
  options: InspectOptions,
): Promise<FilterInspection> {
  const statistics = readStatistics(storage, descriptor);
  const { estimatedPartitionSize } = statistics.stats;
  const keys = estimatedPartitionSize.overflow > 0 ? undefined : histogramCount(estimatedPartitionSize);
  const common = {
    descriptor,
    statistics,
    keys,
    keyRange: tolerate(() => readKeyRange(storage, descriptor, statistics)),
    madeWith: statistics.validation.bloomFilterFpChance,
  };
  const size = storage.stat(componentPath(descriptor, COMPONENT.filter))?.size;
  if (size === undefined || size === 0) {
    return { ...common, state: size === undefined ? 'none' : 'empty', proof: NO_PROOF };
  }
  try {
    const filter = readFilter(storage, descriptor)!;
    const lengths = new KeyLengths();
    const proof = await prove(storage, descriptor, filter, keys, options, lengths);
    const measured = options.measure && proof.kind === 'all' && measure(filter, lengths, options.measure);
    return { ...common, state: 'loaded', filter: factsOf(filter), proof, ...(measured && { measured }) };
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error;
    return { ...common, state: 'unreadable', problem: error, proof: NO_PROOF };
  }
}

const NO_PROOF: FilterProof = { kind: 'none', asked: 0, denied: 0, deniedKeys: [], from: [] };

/** From so many bytes on the kernel counts in less time, with the copy that it takes. */
const KERNEL_BYTES = 1 << 16;

function countOf(filter: BloomFilter): number {
  if (filter.bits.length < KERNEL_BYTES) return bitsSet(filter);
  const copy = FilterBits.of(filter);
  const count = copy.count();
  copy.release();
  return count;
}

export function factsOf(filter: BloomFilter): FilterFacts {
  const bits = filter.bits.length * 8;
  const set = countOf(filter);
  const { hashCount } = filter;
  return {
    bits,
    hashCount,
    bitsSet: set,
    memoryBytes: filter.bits.length,
    rate: falsePositiveRate(set, bits, hashCount),
  };
}

function measure(filter: BloomFilter, lengths: KeyLengths, { draws, seed }: { draws: number; seed: number }) {
  const keyBytes = lengths.unused();
  return keyBytes === undefined ? undefined : measureRate(filter, keyBytes, draws, seed);
}

/** Holds the SSTable's keys against `filter`: all or a few. */
async function prove(
  storage: Storage,
  descriptor: Descriptor,
  filter: BloomFilter,
  keys: number | undefined,
  { isProof, measure: measured }: InspectOptions,
  lengths: KeyLengths,
): Promise<FilterProof> {
  const isAll = isProof || measured !== undefined || walkBytes(storage, descriptor) <= CHEAP_WALK_BYTES;
  const hash: Hash128 = new Int32Array(4);
  const deniedKeys: Uint8Array[] = [];
  let asked = 0;
  let denied = 0;
  const visit = (bytes: Uint8Array, start: number, end: number) => {
    asked++;
    lengths.add(end - start);
    if (isHashPresent(filter, murmur3(bytes, start, end, hash))) return;
    if (denied++ < MAX_DENIED_KEYS) deniedKeys.push(bytes.slice(start, end));
  };
  try {
    const walked = isAll ? await walkKeys(storage, descriptor, visit) : fewKeys(storage, descriptor, visit);
    const kind = !isAll ? (asked > 0 ? 'few' : 'none') : keys === undefined || keys === asked ? 'all' : 'index';
    return { kind, asked, denied, deniedKeys, from: walked.from };
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    return { kind: asked > 0 ? 'few' : 'none', asked, denied, deniedKeys, from: [], problem: error };
  }
}

function tolerate<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    return undefined;
  }
}
