/**
 * Entries of Index.db held to the partitions that they lead to and to the samples of Summary.db, many at a call, as a WebAssembly kernel in
 * AssemblyScript:
 *
 *   entry       u16 length, key | vint position | vint n, n bytes of row index
 *   partition   u16 length, key | …
 *   samples     n + 1 × i32 offset of a sample | n × (key, i64 position of the key's entry)    as Summary.db has them, little-endian
 *
 * It goes on as long as all is as it should be: the position lies behind the one before, the partition there has the entry's key, its token comes
 * after the one before; it is that which the next sample stands for, or the next one lies behind it, and where each n-th is sampled it is none of
 * those. What is otherwise, or not at hand, is left to the caller, with all state as it was before that entry. Addresses are in
 * the memory of the filter that is made of the keys on the way.
 *
 * State, which the caller lays out (`../index-lane.ts`):
 */
import { murmur3, setBitsOf } from '../../../bytes/kernel/hash.as';
import { extraOf, isSame, NUMBERS_BYTES, vint } from './index-entry.lib.as';

const INDEX_AT: usize = 0;
const INDEX_END: usize = 4;
const DATA_START: usize = 8;
const DATA_END: usize = 12;
const SAMPLES: usize = 16;
const BITS: usize = 20;
const WORDS: usize = 24;
const HASH_COUNT: usize = 28;
const OFFSETS: usize = 32;
const COUNTS: usize = 36;
const BUCKETS: usize = 40;
const KEY_AT: usize = 44;
const KEY_LENGTH: usize = 48;
const REASON: usize = 52;
const NEEDED: usize = 56;
const SAMPLE: usize = 60;
const HASHES: usize = 64;
const SMALL: usize = 68;
const TOKEN: usize = 80;
const DATA_BASE: usize = 88;
const PREVIOUS: usize = 96;
const DATA_LENGTH: usize = 104;
const REST: usize = 112;
const WANTED: usize = 120;
const INDEX_BASE: usize = 128;
const INDEX_START: usize = 136;
const SAMPLE_COUNT: usize = 140;
const SAMPLE_BASE: usize = 144;
const HAS_MORE: usize = 148;
const INTERVAL: usize = 152;
const DUE: usize = 156;

const NO_INDEX: u32 = 1;
const NO_DATA: u32 = 2;
const ODD: u32 = 3;
const NO_SAMPLES: u32 = 4;

const MAX_EXACT: u64 = 1 << 53;

/** Sizes whose buckets are at SMALL, u16 each; hashes that HASHES has room for; words of a filter that is looked at as a whole. */
const SMALL_SIZES: f64 = 4096;
const MOST_HASHES: i32 = 256;
const FEW_WORDS: u32 = 16;
/** Of a sample. */
const POSITION_BYTES: usize = 8;
const NOWHERE: usize = usize.MAX_VALUE;

/** Sets the bits of hashes. Filters of writers without a node are of a few words whatever the keys are, and soon full: no key changes them then. */
function setMany(bits: usize, words: u32, hashCount: i32, hashes: usize, count: i32): void {
  if (words <= FEW_WORDS) {
    let all: u64 = u64.MAX_VALUE;
    for (let i: u32 = 0; i < words; i++) all &= load<u64>(bits + (<usize>i << 3));
    if (all == u64.MAX_VALUE) return;
  }
  setBitsOf(bits, words, hashCount, hashes, count);
}

/** Counts `size` in the first bucket whose offset is not below it, else in the one behind the last. */
// @ts-ignore: decorators of functions are AssemblyScript
@inline
function count(offsets: usize, counts: usize, buckets: u32, small: usize, size: f64): void {
  let low: u32 = 0;
  if (size < SMALL_SIZES) {
    low = load<u16>(small + (<usize>(<u32>size) << 1));
  } else {
    let high = buckets;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (load<f64>(offsets + (<usize>middle << 3)) < size) low = middle + 1;
      else high = middle;
    }
  }
  const at = counts + (<usize>low << 2);
  store<u32>(at, load<u32>(at) + 1);
}

/** Where the entry lies that sample `i` stands for; NOWHERE where it is behind the window, or no sample is left; 0 where it is before. */
// @ts-ignore: decorators of functions are AssemblyScript
@inline
function placeOf(state: usize, i: u32, base: i64, start: usize, end: usize): usize {
  if (i >= load<u32>(state + SAMPLE_COUNT)) return NOWHERE;
  const after = load<u32>(<usize>load<u32>(state + SAMPLES) + (<usize>i << 2), 4);
  const within = load<i64>(<usize>(load<u32>(state + SAMPLE_BASE) + after) - POSITION_BYTES) - base;
  if (within < 0) return 0;
  return within >= <i64>(end - start) ? NOWHERE : start + <usize>within;
}

/** Whether sample `i` has that key. */
// @ts-ignore: decorators of functions are AssemblyScript
@inline
function isSample(state: usize, i: u32, key: usize, length: usize): bool {
  const offset = <usize>load<u32>(state + SAMPLES) + (<usize>i << 2);
  const from = load<u32>(offset);
  const base = load<u32>(state + SAMPLE_BASE);
  return load<u32>(offset, 4) - from - <u32>POSITION_BYTES == <u32>length && isSame(key, <usize>(base + from), length);
}

/**
 * As many entries as go. Returns how many. REASON says why no more; where it is NO_DATA, NEEDED bytes at WANTED were. Samples from SAMPLE on are still
 * to come, after DUE entries where each INTERVAL-th is one; HAS_MORE says whether there are more than SAMPLE_COUNT.
 */
export function walk(state: usize): u32 {
  const indexEnd = <usize>load<u32>(state + INDEX_END);
  const dataStart = <usize>load<u32>(state + DATA_START);
  const dataEnd = <usize>load<u32>(state + DATA_END);
  const indexStart = <usize>load<u32>(state + INDEX_START);
  const indexBase = <i64>load<f64>(state + INDEX_BASE);
  const sampleCount = load<u32>(state + SAMPLE_COUNT);
  const hasMore = load<u32>(state + HAS_MORE) != 0;
  const interval = load<u32>(state + INTERVAL);
  const bits = <usize>load<u32>(state + BITS);
  const words = load<u32>(state + WORDS);
  const hashCount = load<i32>(state + HASH_COUNT);
  const offsets = <usize>load<u32>(state + OFFSETS);
  const counts = <usize>load<u32>(state + COUNTS);
  const buckets = load<u32>(state + BUCKETS);
  const dataBase = load<f64>(state + DATA_BASE);
  const dataLength = load<f64>(state + DATA_LENGTH);
  const atHand = <f64>(dataEnd - dataStart);
  const rest = load<f64>(state + REST);
  const hashes = <usize>load<u32>(state + HASHES);
  const small = <usize>load<u32>(state + SMALL);
  let held: i32 = 0;
  let indexAt = <usize>load<u32>(state + INDEX_AT);
  let previous = load<f64>(state + PREVIOUS);
  let token = load<i64>(state + TOKEN);
  let done: u32 = 0;
  let reason = ODD;
  let due = load<u32>(state + DUE);
  let sample = load<u32>(state + SAMPLE);
  let sampled = placeOf(state, sample, indexBase, indexStart, indexEnd);
  while (true) {
    if (sample == sampleCount && hasMore) {
      reason = NO_SAMPLES;
      break;
    }
    if (indexAt + 2 > indexEnd) {
      reason = NO_INDEX;
      break;
    }
    const length = (<usize>load<u8>(indexAt) << 8) | <usize>load<u8>(indexAt + 1);
    if (indexAt + 2 + length + NUMBERS_BYTES > indexEnd) {
      reason = NO_INDEX;
      break;
    }
    const key = indexAt + 2;
    let p = key + length;
    const positionExtra = extraOf(p);
    const exact = vint(p, positionExtra);
    p += positionExtra + 1;
    const rowIndexExtra = extraOf(p);
    const rowIndex = vint(p, rowIndexExtra);
    p += rowIndexExtra + 1;
    const position = <f64>exact;
    if (length == 0 || exact > MAX_EXACT || position <= previous || position >= dataLength || rowIndex > 0x7fffffff || <f64>rowIndex > <f64>(indexEnd - p) + rest) {
      reason = ODD;
      break;
    }
    const within = position - dataBase;
    if (within < 0 || within + <f64>(length + 2) > atHand) {
      store<u32>(state + NEEDED, <u32>(length + 2));
      store<f64>(state + WANTED, position);
      reason = NO_DATA;
      break;
    }
    const partition = dataStart + <usize>within;
    if (load<u16>(partition) != load<u16>(indexAt) || !isSame(key, partition + 2, length)) {
      reason = ODD;
      break;
    }
    const hash = hashes + (<usize>held << 4);
    murmur3(key, key + length, hash);
    const h1 = <i64>rotl<u64>(load<u64>(hash), 32);
    const own = h1 == i64.MIN_VALUE ? i64.MAX_VALUE : h1;
    if (own <= token) {
      reason = ODD;
      break;
    }
    if (indexAt == sampled) {
      if ((interval != 0 && due != 0) || !isSample(state, sample, key, length)) {
        reason = ODD;
        break;
      }
      sample++;
      sampled = placeOf(state, sample, indexBase, indexStart, indexEnd);
      due = interval;
    } else if (indexAt > sampled || (interval != 0 && due == 0 && sample < sampleCount)) {
      reason = ODD;
      break;
    }
    if (due > 0) due--;
    token = own;
    if (++held == MOST_HASHES) {
      setMany(bits, words, hashCount, hashes, held);
      held = 0;
    }
    count(offsets, counts, buckets, small, position - previous);
    previous = position;
    store<u32>(state + KEY_AT, <u32>key);
    store<u32>(state + KEY_LENGTH, <u32>length);
    indexAt = p + <usize>rowIndex;
    done++;
  }
  if (held > 0) setMany(bits, words, hashCount, hashes, held);
  store<u32>(state + INDEX_AT, <u32>indexAt);
  store<u32>(state + SAMPLE, sample);
  store<u32>(state + DUE, due);
  store<f64>(state + PREVIOUS, previous);
  store<i64>(state + TOKEN, token);
  store<u32>(state + REASON, reason);
  return done;
}
