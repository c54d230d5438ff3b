/**
 * Partitions of one row as INSERT writes it, held to their entries of Index.db, to the order of tokens and to the types of their values, and counted
 * for Statistics.db, many at a call, as a WebAssembly kernel in AssemblyScript:
 *
 *   entry   u16 length, key | vint position | vint 0: no index within the partition
 *
 * It goes on as long as all is as it should be, and stops before whatever is not, or is not known here. The memory is that of `sstable/plain-memory.ts`:
 * source 0 is Data.db, what is written there is the index, which the caller has read; and {@link F_INDEX_AT} and the following, see `../row-lane.ts`.
 */
import { murmur2 } from '../../../bytes/kernel/hash.as';
import {
  CELL_COUNTS,
  CELL_OFFSETS,
  F_CELL_BUCKETS,
  F_COLUMN_FIXED,
  F_COLUMNS,
  F_COLUMNS_SET,
  F_HAS_TIMES,
  F_LIVE_ROWS,
  F_MAX_TIME,
  F_MIN_TIME,
  F_PARTITION_LOG,
  F_ROWS,
  F_SIZE_BUCKETS,
  get,
  get64,
  HASH_LOG,
  IS_FULL,
  IS_OTHER,
  MORE,
  NEEDS_MORE,
  PARTITION_CAPACITY,
  PARTITION_LOG,
  PARTITION_RECORD,
  ROW,
  S_CELL_COUNT,
  S_CELLS,
  S_FLAGS,
  S_HASH,
  S_KEY,
  S_KEY_LENGTH,
  S_NEXT,
  S_POS,
  S_TIME,
  S_TOKEN,
  set,
  set64,
  SIZE_COUNTS,
  SIZE_OFFSETS,
  source,
} from '../../../sstable/kernel/plain-layout.lib.as';
import { readPartition } from '../../../sstable/kernel/plain-read.lib.as';
import { countIn } from '../../../sstable/kernel/plain-write.lib.as';
import { extraOf, isSame, NUMBERS_BYTES, vint } from './index-entry.lib.as';

const AT_LIMIT: i32 = 5;
const NO_INDEX: i32 = 6;

/** Where the next entry of the index is, and the end of what is at hand. */
const F_INDEX_AT = 600;
const F_INDEX_END = 601;
/** No entry from this address on, and no partition from this number in the log on. */
const F_STOP = 602;
const F_LIMIT = 603;
/** Of the last partition: address and length of its key, bytes of all. */
const F_KEY = 604;
const F_KEY_LENGTH = 605;
const F_SIZE = 606;
/** Of all. */
const F_CELLS = 607;
/** i64: what is to be added to an address to give the position in the plain Data.db; the first position that is somebody else's. */
const F_ORIGIN = 608;
const F_END = 610;
/** i64: the token of the last key; the latest timestamp that is none of the future. */
const F_TOKEN = 612;
const F_FUTURE = 614;
/** What keys are: −1 any bytes, −2 text, else of so many bytes. */
const F_KEY_TEST = 616;
/** For each column what its values are held to, and 16 where no bytes at all are a value. */
const F_COLUMN_TESTS = 620;

const TEXT = 1;
const DECIMAL = 2;
const ASCII = 3;
const EMPTY = 16;

function isAscii(at: usize, end: usize): bool {
  for (; at + 8 <= end; at += 8) if (load<u64>(at) & 0x8080808080808080) return false;
  for (; at < end; at++) if (load<u8>(at) & 0x80) return false;
  return true;
}

/** Whether it is UTF-8 in its shortest form, without surrogates. */
function isText(from: usize, end: usize): bool {
  let at = from;
  while (at < end) {
    if (at + 8 <= end && !(load<u64>(at) & 0x8080808080808080)) {
      at += 8;
      continue;
    }
    const first: u32 = load<u8>(at);
    if (first < 0x80) {
      at++;
      continue;
    }
    if (first < 0xc2 || first > 0xf4) return false;
    const next = at + (first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4);
    if (next > end) return false;
    const second: u32 = load<u8>(at + 1);
    const low: u32 = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const high: u32 = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (second < low || second > high) return false;
    for (let i = at + 2; i < next; i++) if ((load<u8>(i) & 0xc0) != 0x80) return false;
    at = next;
  }
  return true;
}

function isKey(key: usize, length: usize): bool {
  const test = get(F_KEY_TEST);
  if (test >= 0) return length == <usize>test;
  return test == -1 || isText(key, key + length);
}

/** Whether the values of the row that has been read are of their types. */
function areValues(s: usize): bool {
  let at: usize = load<u32>(s + S_CELLS);
  let absent: u64 = 0;
  if (load<u32>(s + S_FLAGS) == 4) {
    const extra = extraOf(at);
    absent = vint(at, extra);
    at += extra + 1;
  }
  const columns = get(F_COLUMNS);
  for (let i = 0; i < columns; i++) {
    if ((absent >> <u64>i) & 1) continue;
    const test = get(F_COLUMN_TESTS + i);
    const flags: u32 = load<u8>(at++);
    if (flags == 12) {
      if (!(test & EMPTY)) return false;
      continue;
    }
    const fixed = get(F_COLUMN_FIXED + i);
    let length = <usize>fixed;
    if (fixed < 0) {
      const extra = extraOf(at);
      length = <usize>vint(at, extra);
      at += extra + 1;
    }
    const kind = test & 15;
    if (kind == TEXT && !isText(at, at + length)) return false;
    if (kind == DECIMAL && length <= 4) return false;
    if (kind == ASCII && !isAscii(at, at + length)) return false;
    at += length;
  }
  return true;
}

/** Whether the entry of the index that comes next is that of the partition which has been read. Returns −1, or why it is not. */
function entryOf(s: usize): i32 {
  const entry = <usize>get(F_INDEX_AT);
  const length = <usize>load<u32>(s + S_KEY_LENGTH);
  const key = <usize>load<u32>(s + S_KEY);
  if (entry >= <usize>get(F_STOP)) return AT_LIMIT;
  if (entry + 2 + length + NUMBERS_BYTES > <usize>get(F_INDEX_END)) return NO_INDEX;
  if (load<u16>(entry) != load<u16>(key - 2) || !isSame(entry + 2, key, length)) return IS_OTHER;
  let p = entry + 2 + length;
  const extra = extraOf(p);
  const position = <i64>vint(p, extra);
  p += extra + 1;
  if (position != <i64>load<u32>(s + S_POS) + get64(F_ORIGIN) || position >= get64(F_END) || load<u8>(p) != 0) {
    return IS_OTHER;
  }
  set(F_INDEX_AT, <i32>(p + 1));
  return -1;
}

/** Goes on with the partitions at which source 0 stands, at S_POS. */
export function walkRows(): i32 {
  const s = source(0);
  while (true) {
    const count = get(F_PARTITION_LOG);
    if (count >= PARTITION_CAPACITY) return IS_FULL;
    if (count >= get(F_LIMIT)) return AT_LIMIT;
    const kind = readPartition(s);
    if (kind == MORE) return NEEDS_MORE;
    if (kind != ROW) return IS_OTHER;
    const key = <usize>load<u32>(s + S_KEY);
    const length = <usize>load<u32>(s + S_KEY_LENGTH);
    const token = load<i64>(s + S_TOKEN);
    const time = load<i64>(s + S_TIME);
    if (length == 0 || token <= get64(F_TOKEN) || time > get64(F_FUTURE)) return IS_OTHER;
    if (!isKey(key, length) || !areValues(s)) return IS_OTHER;
    const entry = entryOf(s);
    if (entry >= 0) return entry;
    take(s, count, key, length);
    set64(F_TOKEN, token);
    times(time);
    const next = load<u32>(s + S_NEXT);
    const bytes = next - load<u32>(s + S_POS);
    const cells = load<u32>(s + S_CELL_COUNT);
    countIn(SIZE_OFFSETS, SIZE_COUNTS, F_SIZE_BUCKETS, bytes);
    countIn(CELL_OFFSETS, CELL_COUNTS, F_CELL_BUCKETS, cells);
    set(F_KEY, <i32>key);
    set(F_KEY_LENGTH, <i32>length);
    set(F_SIZE, <i32>bytes);
    set(F_CELLS, get(F_CELLS) + <i32>cells);
    set(F_COLUMNS_SET, get(F_COLUMNS_SET) + <i32>cells);
    set(F_ROWS, get(F_ROWS) + 1);
    set(F_LIVE_ROWS, get(F_LIVE_ROWS) + 1);
    set(F_PARTITION_LOG, count + 1);
    store<u32>(s + S_POS, next);
  }
}

/** The hashes of a key: for the filter, and for the estimate of how many there are. */
// @ts-ignore: decorators of functions are AssemblyScript
@inline
function take(s: usize, count: i32, key: usize, length: usize): void {
  murmur2(key, key + length, PARTITION_LOG + <usize>count * PARTITION_RECORD + 24);
  const hash = HASH_LOG + (<usize>count << 4);
  store<u64>(hash, load<u64>(s + S_HASH));
  store<u64>(hash + 8, load<u64>(s + S_HASH + 8));
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function times(time: i64): void {
  if (!get(F_HAS_TIMES)) {
    set(F_HAS_TIMES, 1);
    set64(F_MIN_TIME, time);
    set64(F_MAX_TIME, time);
  } else if (time < get64(F_MIN_TIME)) set64(F_MIN_TIME, time);
  else if (time > get64(F_MAX_TIME)) set64(F_MAX_TIME, time);
}
