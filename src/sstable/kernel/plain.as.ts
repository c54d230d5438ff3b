/**
 * The merge of plain rows as a WebAssembly kernel, in AssemblyScript: rows as INSERT and DELETE write them, and range tombstone markers, of several
 * SSTables, read where the windows of their cursors hold them, and written into the buffer of an SSTable's writer. It gives what RowMerger,
 * MarkerMerger and UnfilteredWriter give, or stops before whatever it does not know; those then do the step.
 *
 *   INSERT row   flags 0x24, or 0x04 with a set of absent columns; a timestamp; cells of that time, none complex or empty-handed (0x08, 0x0c)
 *   DELETE row   flags 0x10, no columns
 *   marker       flags 0x02
 *
 * The layout of the memory is drawn in `../plain-memory.ts`; numbers of fields here and there are the same. Copies by words read and write up to
 * 7 bytes beyond an end: that many bytes after each area must be nobody's. Every length is checked against what is at hand before it is followed.
 */
import { murmur2, murmur3 } from '../../bytes/kernel/hash.as';

// ---- what a call ends with
const SOURCE_ENDED: i32 = 0; // all sources have ended
const NEEDS_MORE: i32 = 1; // a source has less at hand than its next row takes
const IS_FULL: i32 = 2; // the buffer or a log
const IS_OTHER: i32 = 3; // the next is none of the kernel's
const BLOCK_ENDED: i32 = 4; // a block of the partition's index is complete

// ---- fields of the state, in int32
const STATE: usize = 1024;
const F_SOURCE = 0;
const F_OUT = 1;
const F_OUT_FULL = 2;
const F_OUT_END = 3;
const F_ORIGIN = 4;
const F_PREVIOUS = 6;
const F_BLOCK_START = 8;
const F_BLOCK_BYTES = 10;
const F_ALONE = 11;
const F_OPEN = 12; // deletions: is set, –, i64 timestamp, i64 local deletion time
const F_CURRENT = 18;
const F_PARTITION = 24;
const F_GC_BEFORE = 30;
const F_ROWS = 32;
const F_MARKERS = 33;
const F_COLUMNS_SET = 34;
const F_UNFILTEREDS = 35;
const F_HAS_TIMES = 36;
const F_MIN_TIME = 38;
const F_MAX_TIME = 40;
const F_LIVE_ROWS = 42;
const F_OVERWRITTEN = 44;
const F_DELETED = 46;
const F_DELETIONS = 48;
const F_MARKER_LOG = 49;
const F_PARTITION_LOG = 50;
const F_LAST = 51; // kind or −1, size, 8 starts, 8 ends
const F_LAST_ROW = 69; // whether there is one, 8 starts, 8 ends
const F_DATA_ORIGIN = 86;
const F_INDEX = 88;
const F_INDEX_END = 89;
const F_OUT_MIN_TIME = 90;
const F_OUT_MIN_LOCAL = 92;
const F_CLUSTERINGS = 94;
const F_COLUMNS = 95;
const F_NO_COLUMNS_LENGTH = 96;
const F_USES_UINT = 98;
const F_CLUSTERING_FIXED = 100;
const F_CLUSTERING_ORDER = 108;
const F_NO_COLUMNS = 116; // bytes
const F_COLUMN_FIXED = 120; // up to 63
const F_MERGED = 184; // partitions by number of sources, from 1, up to 32
const F_SIZE_BUCKETS = 216; // how many, and the last that was counted
const F_CELL_BUCKETS = 218;

// ---- logs
const MARKER_LOG: usize = 4096;
const MARKER_RECORD: usize = 80;
const MARKER_CAPACITY: i32 = 256;
const DELETION_LOG: usize = MARKER_LOG + MARKER_RECORD * 256;
const DELETION_CAPACITY: i32 = 2048;
const PARTITION_LOG: usize = DELETION_LOG + 4 * 2048;
const PARTITION_RECORD: usize = 32;
const PARTITION_CAPACITY: i32 = 2048;
const HASH_LOG: usize = PARTITION_LOG + 32 * 2048;
const SOURCES: usize = HASH_LOG + 16 * 2048;
const SIZE_OFFSETS: usize = SOURCES + 256 * 32;
const SIZE_COUNTS: usize = SIZE_OFFSETS + 4 * 160;
const CELL_OFFSETS: usize = SIZE_COUNTS + 4 * 160;
const CELL_COUNTS: usize = CELL_OFFSETS + 4 * 120;

// ---- a source, in bytes
const SOURCE_BYTES: usize = 256;
const S_POS: usize = 0;
const S_END: usize = 4;
const S_IS_LAST: usize = 8;
const S_KIND: usize = 12;
const S_MIN_TIME: usize = 16;
const S_MIN_LOCAL: usize = 24;
const S_USES_UINT: usize = 32;
const S_HAS_LIVENESS: usize = 36;
const S_TIME: usize = 40;
const S_HAS_DELETION: usize = 48;
const S_FLAGS: usize = 52;
const S_DELETION_TIME: usize = 56;
const S_DELETION_LOCAL: usize = 64;
const S_OPENS_TIME: usize = 72;
const S_OPENS_LOCAL: usize = 80;
const S_CELLS: usize = 88;
const S_CELLS_END: usize = 92;
const S_CELL_COUNT: usize = 96;
const S_CELL_BYTES: usize = 100;
const S_BOUND: usize = 104;
const S_NEXT: usize = 108;
const S_SIZE: usize = 112;
const S_CLUSTERING: usize = 116;
const S_CLUSTERING_END: usize = 120;
const S_STARTS: usize = 124;
const S_ENDS: usize = 156;
const S_OPEN: usize = 192; // the range that is open in it: u32 is set, –, i64, i64
const S_KEY: usize = 216;
const S_KEY_LENGTH: usize = 220;
const S_TOKEN: usize = 224;
const S_HASH: usize = 232;
const S_READ: usize = 248; // partitions or unfiltereds read

// ---- what a source stands on
const UNREAD: u32 = 0;
const ROW: u32 = 1;
const MARKER: u32 = 2;
const OTHER: u32 = 3; // with a known place
const END: u32 = 4;
const MORE: u32 = 5;
const UNKNOWN: u32 = 6;

const MAX_LOCAL: i64 = 2147483645;
const NO_TIME: i64 = i64.MIN_VALUE;

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function get(field: i32): i32 {
  return load<i32>(STATE + (<usize>field << 2));
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function set(field: i32, value: i32): void {
  store<i32>(STATE + (<usize>field << 2), value);
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function get64(field: i32): i64 {
  return load<i64>(STATE + (<usize>field << 2));
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function set64(field: i32, value: i64): void {
  store<i64>(STATE + (<usize>field << 2), value);
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function source(i: i32): usize {
  return SOURCES + <usize>i * SOURCE_BYTES;
}

// ---- reading; `at` is the next byte and `limit` ends what may be read: `isShort` says that it was not enough

let at: usize = 0;
let limit: usize = 0;
let isShort: bool = false;

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function uvint(): u64 {
  if (at < limit) {
    const first = load<u8>(at);
    if (first < 0x80) {
      at++;
      return first;
    }
  }
  return longVint();
}

function longVint(): u64 {
  if (at >= limit) {
    isShort = true;
    return 0;
  }
  const first: u32 = load<u8>(at);
  const extra: usize = <usize>clz<u32>(~(first << 24));
  if (limit - at <= extra) {
    isShort = true;
    return 0;
  }
  const following = bswap<u64>(load<u64>(at + 1));
  at += 1 + extra;
  if (extra == 8) return following;
  const top = <u64>(first & (0xff >> <u32>extra));
  return (top << (<u64>extra << 3)) | (following >> (64 - (<u64>extra << 3)));
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function uvintSize(value: u64): usize {
  const bits = 64 - clz<u64>(value | 1);
  return bits <= 7 ? 1 : bits > 56 ? 9 : <usize>((bits + 6) / 7);
}

/** Reads `size` clustering values of source `s`. Returns whether they are such as are copied as they stand: neither null nor empty. */
function readClustering(s: usize, size: i32): bool {
  store<u32>(s + S_SIZE, <u32>size);
  store<u32>(s + S_CLUSTERING, <u32>at);
  if (size > 0) {
    if (uvint() != 0 || isShort) return false;
    for (let i = 0; i < size; i++) {
      let length = <i64>get(F_CLUSTERING_FIXED + i);
      if (length < 0) {
        const from = at;
        length = <i64>uvint();
        if (isShort || length <= 0 || uvintSize(<u64>length) != at - from) return false;
      }
      if (length > <i64>(limit - at)) {
        isShort = true;
        return false;
      }
      store<u32>(s + S_STARTS + (<usize>i << 2), <u32>at);
      at += <usize>length;
      store<u32>(s + S_ENDS + (<usize>i << 2), <u32>at);
    }
  }
  store<u32>(s + S_CLUSTERING_END, <u32>at);
  return true;
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function readTime(s: usize): i64 {
  return <i64>uvint() + load<i64>(s + S_MIN_TIME);
}

/** Reads a deletion to `to`. Returns whether it is one whose times are nothing odd. */
function readDeletion(s: usize, to: usize): bool {
  const time = readTime(s);
  const local = <i64>(<i32>uvint()) + load<i64>(s + S_MIN_LOCAL);
  store<i64>(to, time);
  store<i64>(to + 8, local);
  return !isShort && time != NO_TIME && local >= 0 && local <= MAX_LOCAL;
}

/** Reads the row or marker at which source `s` stands. */
function readUnfiltered(s: usize): u32 {
  at = load<u32>(s + S_POS);
  limit = load<u32>(s + S_END);
  isShort = false;
  const kind = readKnown(s);
  // what is cut short at the end of the file is told by others
  return isShort ? (load<u32>(s + S_IS_LAST) ? UNKNOWN : MORE) : kind;
}

function readKnown(s: usize): u32 {
  if (at >= limit) {
    isShort = true;
    return UNKNOWN;
  }
  const flags: u32 = load<u8>(at++);
  if (flags & 1) return END;
  if (flags & 0x80) return UNKNOWN;
  let size = get(F_CLUSTERINGS);
  if (flags & 2) {
    if (limit - at < 3) {
      isShort = true;
      return UNKNOWN;
    }
    const bound: u32 = load<u8>(at);
    const length = (<i32>load<u8>(at + 1) << 8) | <i32>load<u8>(at + 2);
    if (flags != 2 || bound > 7 || bound == 3 || bound == 4 || length > size) return UNKNOWN;
    size = length;
    at += 3;
    store<u32>(s + S_BOUND, bound);
  }
  if (!readClustering(s, size)) return UNKNOWN;
  const bodyBytes = uvint();
  if (isShort || bodyBytes > <u64>(limit - at)) {
    isShort = true;
    return UNKNOWN;
  }
  const end = at + <usize>bodyBytes;
  limit = end;
  store<u32>(s + S_NEXT, <u32>end);
  uvint(); // the size of the one before
  const kind = flags & 2 ? readMarker(s, end) : readRow(s, flags, end);
  if (!isShort) return kind;
  isShort = false; // all of it is at hand: it does not fill its size
  return flags & 2 ? UNKNOWN : OTHER;
}

function readMarker(s: usize, end: usize): u32 {
  if (!readDeletion(s, s + S_DELETION_TIME)) return UNKNOWN;
  const bound = load<u32>(s + S_BOUND);
  if ((bound == 2 || bound == 5) && !readDeletion(s, s + S_OPENS_TIME)) return UNKNOWN;
  return at == end ? MARKER : UNKNOWN;
}

function readRow(s: usize, flags: u32, end: usize): u32 {
  store<u32>(s + S_FLAGS, flags);
  if (flags == 0x10) {
    store<u32>(s + S_HAS_LIVENESS, 0);
    store<u32>(s + S_HAS_DELETION, 1);
    if (!readDeletion(s, s + S_DELETION_TIME)) return OTHER;
    const length = <usize>get(F_NO_COLUMNS_LENGTH);
    if (end - at != length) return OTHER;
    for (let i: usize = 0; i < length; i++) {
      if (load<u8>(at + i) != load<u8>(field(F_NO_COLUMNS) + i)) return OTHER;
    }
    return ROW;
  }
  if ((flags | 0x20) != 0x24) return OTHER;
  const time = readTime(s);
  if (isShort || time == NO_TIME) return OTHER;
  store<u32>(s + S_HAS_LIVENESS, 1);
  store<u32>(s + S_HAS_DELETION, 0);
  store<i64>(s + S_TIME, time);
  const columns = get(F_COLUMNS);
  store<u32>(s + S_CELLS, <u32>at);
  let absent: u64 = 0;
  let count = columns;
  if (flags == 4) {
    const from = at;
    absent = uvint();
    if (isShort || absent == 0 || absent >> <u64>columns != 0 || uvintSize(absent) != at - from) return OTHER;
    count -= <i32>popcnt<u64>(absent);
  }
  const cells = at;
  for (let i = 0; i < columns; i++) {
    if ((absent >> <u64>i) & 1) continue;
    if (at >= end) return OTHER;
    const cell: u32 = load<u8>(at++);
    if (cell == 8) {
      let length = <i64>get(F_COLUMN_FIXED + i);
      if (length == -2) return OTHER;
      if (length < 0) {
        const from = at;
        length = <i64>uvint();
        if (isShort || length < 0 || uvintSize(<u64>length) != at - from) return OTHER;
      }
      if (length == 0 || length > <i64>(end - at)) return OTHER;
      at += <usize>length;
    } else if (cell != 12 || get(F_COLUMN_FIXED + i) == -2) {
      return OTHER;
    }
  }
  if (at != end) return OTHER;
  store<u32>(s + S_CELLS_END, <u32>end);
  store<u32>(s + S_CELL_COUNT, <u32>count);
  store<u32>(s + S_CELL_BYTES, <u32>(end - cells));
  return ROW;
}

// ---- order

function compareBytes(a: usize, aEnd: usize, b: usize, bEnd: usize): i32 {
  const length = min(aEnd - a, bEnd - b);
  let i: usize = 0;
  for (; i + 8 <= length; i += 8) {
    const x = load<u64>(a + i);
    const y = load<u64>(b + i);
    if (x != y) return bswap<u64>(x) < bswap<u64>(y) ? -1 : 1;
  }
  for (; i < length; i++) {
    const d = <i32>load<u8>(a + i) - <i32>load<u8>(b + i);
    if (d != 0) return d;
  }
  return <i32>(aEnd - a) - <i32>(bEnd - b);
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function order(a: u64, b: u64): i32 {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The time of a UUID of version 1, with its version on top. */
// @ts-ignore: decorators of functions are AssemblyScript
@inline
function uuidTime(id: usize): u64 {
  const word = bswap<u64>(load<u64>(id));
  return (word << 48) | ((word & 0xffff0000) << 16) | (word >> 32);
}

/** `how`: 0 bytes, 1 signed, 2 timeuuid, 3 uuid; see `../plain-memory.ts`. No value is empty. */
function compareValues(how: i32, a: usize, aEnd: usize, b: usize, bEnd: usize): i32 {
  if (how == 1) {
    const x = <i32>load<i8>(a);
    const y = <i32>load<i8>(b);
    if (x != y) return x - y;
  } else if (how >= 2) {
    const isTime = how == 2 || load<u8>(a + 6) >> 4 == 1;
    if (how == 3) {
      const d = <i32>(load<u8>(a + 6) >> 4) - <i32>(load<u8>(b + 6) >> 4);
      if (d != 0) return d;
    }
    if (isTime) {
      const d = order(uuidTime(a), uuidTime(b));
      if (d != 0) return d;
      const flip: u64 = how == 2 ? 0x8080808080808080 : 0;
      return order(bswap<u64>(load<u64>(a + 8)) ^ flip, bswap<u64>(load<u64>(b + 8)) ^ flip);
    }
  }
  return compareBytes(a, aEnd, b, bEnd);
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function sideOf(s: usize): i32 {
  if (load<u32>(s + S_KIND) != MARKER) return 0;
  return load<u32>(s + S_BOUND) <= 2 ? -1 : 1;
}

function compareUnfiltered(a: usize, b: usize): i32 {
  const aSize = <i32>load<u32>(a + S_SIZE);
  const bSize = <i32>load<u32>(b + S_SIZE);
  const size = min(aSize, bSize);
  for (let i = 0; i < size; i++) {
    const o = <usize>i << 2;
    const how = get(F_CLUSTERING_ORDER + i);
    const d = compareValues(
      how & 15,
      load<u32>(a + S_STARTS + o),
      load<u32>(a + S_ENDS + o),
      load<u32>(b + S_STARTS + o),
      load<u32>(b + S_ENDS + o),
    );
    if (d != 0) return how & 16 ? -d : d;
  }
  if (aSize == bSize) return sideOf(a) - sideOf(b);
  return aSize < bSize ? sideOf(a) : -sideOf(b);
}

// ---- deletions at an address: u32 is set, –, i64 timestamp, i64 local deletion time

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function setDeletion(to: usize, time: i64, local: i64): void {
  store<u32>(to, 1);
  store<i64>(to + 8, time);
  store<i64>(to + 16, local);
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function copyDeletion(to: usize, from: usize): void {
  store<u64>(to, load<u64>(from));
  store<u64>(to + 8, load<u64>(from + 8));
  store<u64>(to + 16, load<u64>(from + 16));
}

function supersedes(a: usize, b: usize): bool {
  if (!load<u32>(a)) return false;
  if (!load<u32>(b)) return true;
  const x = load<i64>(a + 8);
  const y = load<i64>(b + 8);
  return x > y || (x == y && load<i64>(a + 16) > load<i64>(b + 16));
}

function isSame(a: usize, b: usize): bool {
  if (!load<u32>(a) || !load<u32>(b)) return load<u32>(a) == load<u32>(b);
  return load<i64>(a + 8) == load<i64>(b + 8) && load<i64>(a + 16) == load<i64>(b + 16);
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function field(number: i32): usize {
  return STATE + (<usize>number << 2);
}

// ---- writing

let out: usize = 0;

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function putUvint(value: u64): void {
  if (value < 0x80) store<u8>(out++, <u8>value);
  else putLongVint(value);
}

function putLongVint(value: u64): void {
  const size = uvintSize(value);
  if (size == 9) {
    store<u8>(out, 0xff);
    store<u64>(out + 1, bswap<u64>(value));
  } else {
    const lead = <u64>(~(0xff >> (<u32>size - 1)) & 0xff);
    store<u64>(out, bswap<u64>((value << (64 - (<u64>size << 3))) | (lead << 56)));
  }
  out += size;
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function putBytes(from: usize, length: usize): void {
  if (length > 512) memory.copy(out, from, length);
  else for (let i: usize = 0; i < length; i += 8) store<u64>(out + i, load<u64>(from + i));
  out += length;
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function timeDelta(time: i64): u64 {
  return <u64>(time - get64(F_OUT_MIN_TIME));
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function localDelta(local: i64): u64 {
  return <u64>(<i64>(<i32>local - <i32>get64(F_OUT_MIN_LOCAL)));
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function deletionSize(time: i64, local: i64): usize {
  return uvintSize(timeDelta(time)) + uvintSize(localDelta(local));
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function putDeletion(time: i64, local: i64): void {
  putUvint(timeDelta(time));
  putUvint(localDelta(local));
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function meetTime(time: i64): void {
  if (!get(F_HAS_TIMES)) {
    set(F_HAS_TIMES, 1);
    set64(F_MIN_TIME, time);
    set64(F_MAX_TIME, time);
    return;
  }
  if (time < get64(F_MIN_TIME)) set64(F_MIN_TIME, time);
  if (time > get64(F_MAX_TIME)) set64(F_MAX_TIME, time);
}

function meetDeletion(time: i64, local: i64): void {
  meetTime(time);
  const n = get(F_DELETIONS);
  store<u32>(DELETION_LOG + (<usize>n << 2), <u32>local);
  set(F_DELETIONS, n + 1);
}

/**
 * Writes a row at the place of source `s`: the liveness and cells of `winner`, 0 for none, and the deletion at `deletion`, 0 for none.
 * `previous`: bytes from the unfiltered before.
 */
function putRow(s: usize, winner: usize, deletion: usize, previous: u64): void {
  let flags: u32 = deletion ? 0x10 : 0;
  if (winner) flags |= load<u32>(winner + S_FLAGS);
  const cells: usize = winner ? <usize>load<u32>(winner + S_CELLS) : field(F_NO_COLUMNS);
  const cellsLength: usize = winner ? <usize>load<u32>(winner + S_CELLS_END) - cells : <usize>get(F_NO_COLUMNS_LENGTH);
  let body = uvintSize(previous) + cellsLength;
  const time = winner ? load<i64>(winner + S_TIME) : 0;
  if (winner) body += uvintSize(timeDelta(time));
  if (deletion) body += deletionSize(load<i64>(deletion + 8), load<i64>(deletion + 16));
  store<u8>(out++, <u8>flags);
  const clustering: usize = load<u32>(s + S_CLUSTERING);
  putBytes(clustering, <usize>load<u32>(s + S_CLUSTERING_END) - clustering);
  putUvint(<u64>body);
  putUvint(previous);
  if (winner) {
    putUvint(timeDelta(time));
    meetTime(time);
    set(F_LIVE_ROWS, get(F_LIVE_ROWS) + 1);
    set(F_COLUMNS_SET, get(F_COLUMNS_SET) + load<u32>(winner + S_CELL_COUNT));
  }
  if (deletion) {
    putDeletion(load<i64>(deletion + 8), load<i64>(deletion + 16));
    meetDeletion(load<i64>(deletion + 8), load<i64>(deletion + 16));
  }
  putBytes(cells, cellsLength);
  set(F_ROWS, get(F_ROWS) + 1);
}

/** Where the values of `s` lie in what has just been written from `from` on: starts at `to`, ends 32 bytes behind. */
function putPlace(to: usize, s: usize, from: usize): void {
  const shift: usize = from - <usize>load<u32>(s + S_CLUSTERING);
  const size = load<u32>(s + S_SIZE);
  for (let i: usize = 0; i < size; i++) {
    store<u32>(to + (i << 2), <u32>(<usize>load<u32>(s + S_STARTS + (i << 2)) + shift));
    store<u32>(to + 32 + (i << 2), <u32>(<usize>load<u32>(s + S_ENDS + (i << 2)) + shift));
  }
}

/** Writes a marker of this kind at the place of source `s`; the deletions at `first`, and of boundaries at `second`. */
function putMarker(s: usize, kind: u32, first: usize, second: usize, previous: u64): void {
  const isBoundary = kind == 2 || kind == 5;
  const size = load<u32>(s + S_SIZE);
  let body = uvintSize(previous) + deletionSize(load<i64>(first + 8), load<i64>(first + 16));
  if (isBoundary) body += deletionSize(load<i64>(second + 8), load<i64>(second + 16));
  store<u8>(out, 2);
  store<u8>(out + 1, <u8>kind);
  store<u8>(out + 2, <u8>(size >> 8));
  store<u8>(out + 3, <u8>size);
  out += 4;
  const clustering: usize = load<u32>(s + S_CLUSTERING);
  const n = get(F_MARKER_LOG);
  const record = MARKER_LOG + <usize>n * MARKER_RECORD;
  store<u32>(record, kind);
  store<u32>(record + 4, size);
  putPlace(record + 8, s, out);
  set(F_MARKER_LOG, n + 1);
  set(F_LAST, <i32>kind);
  set(F_LAST + 1, <i32>size);
  putPlace(field(F_LAST + 2), s, out);
  putBytes(clustering, <usize>load<u32>(s + S_CLUSTERING_END) - clustering);
  putUvint(<u64>body);
  putUvint(previous);
  putDeletion(load<i64>(first + 8), load<i64>(first + 16));
  meetDeletion(load<i64>(first + 8), load<i64>(first + 16));
  if (isBoundary) {
    putDeletion(load<i64>(second + 8), load<i64>(second + 16));
    meetDeletion(load<i64>(second + 8), load<i64>(second + 16));
    copyDeletion(field(F_OPEN), second);
  } else if (kind == 1 || kind == 7) {
    copyDeletion(field(F_OPEN), first);
  } else {
    set(F_OPEN, 0);
  }
  set(F_MARKERS, get(F_MARKERS) + 1);
}

// ---- rows and markers of a partition

/** Sources of the step at hand, a bit each. */
let group: u32 = 0;

/** Whether the buffer has no room for what source `s` may become, or a log for what it tells. */
function isFull(s: usize): bool {
  const bytes = load<u32>(s + S_NEXT) - load<u32>(s + S_POS);
  return (
    out >= <usize>get(F_OUT_FULL) ||
    out + bytes + 128 > <usize>get(F_OUT_END) ||
    get(F_DELETIONS) + 2 > DELETION_CAPACITY ||
    get(F_MARKER_LOG) >= MARKER_CAPACITY
  );
}

/** Scratch: the winning deletion of a row; a marker's deletions before they are merged. */
const ROW_DELETION: usize = STATE + 2000;
const CURRENT: usize = STATE + 2024;
const CLOSES: usize = STATE + 2048;
const OPENS: usize = STATE + 2072;

/**
 * Goes on with the partition on whose rows the first `n` sources stand, each at S_POS.
 * Where it stops, S_POS is where each goes on; F_SOURCE is the one that needs more.
 */
export function runRows(n: i32): i32 {
  out = <usize>get(F_OUT);
  const reason = stepRows(n);
  set(F_OUT, <i32>out);
  return reason;
}

function stepRows(n: i32): i32 {
  while (true) {
    let least: usize = 0;
    group = 0;
    for (let i = 0; i < n; i++) {
      const s = source(i);
      let kind = load<u32>(s + S_KIND);
      if (kind == UNREAD) {
        kind = readUnfiltered(s);
        if (kind == MORE) {
          set(F_SOURCE, i);
          return NEEDS_MORE;
        }
        if (kind == UNKNOWN) return IS_OTHER;
        store<u32>(s + S_KIND, kind);
      }
      if (kind == END) continue;
      const d = least ? compareUnfiltered(s, least) : -1;
      if (d < 0) {
        least = s;
        group = 1 << i;
      } else if (d == 0) {
        group |= 1 << i;
      }
    }
    if (!least) return SOURCE_ENDED;
    const before = out;
    let reason = load<u32>(least + S_KIND) == MARKER ? stepMarkers(n, least) : stepVersions(n, least);
    if (reason >= 0) return reason;
    for (let i = 0; i < n; i++) {
      if (!((group >> i) & 1)) continue;
      const s = source(i);
      store<u32>(s + S_POS, load<u32>(s + S_NEXT));
      store<u32>(s + S_KIND, UNREAD);
      store<u32>(s + S_READ, load<u32>(s + S_READ) + 1);
    }
    if (out == before) continue;
    const begun = get64(F_ORIGIN) + <i64>before;
    set64(F_PREVIOUS, begun);
    if (get64(F_ORIGIN) + <i64>out - get64(F_BLOCK_START) >= <i64>get(F_BLOCK_BYTES)) return BLOCK_ENDED;
  }
}

/** The row of which the group has versions: written, or gone. Returns −1, or why it is not to be done here. */
function stepVersions(n: i32, least: usize): i32 {
  let latest: usize = 0;
  let isTie = false;
  store<u32>(ROW_DELETION, 0);
  for (let i = 0; i < n; i++) {
    if (!((group >> i) & 1)) continue;
    const s = source(i);
    if (load<u32>(s + S_KIND) != ROW) return IS_OTHER;
    if (isFull(s)) return IS_FULL;
    if (load<u32>(s + S_HAS_LIVENESS)) {
      const time = load<i64>(s + S_TIME);
      const best = latest ? load<i64>(latest + S_TIME) : NO_TIME;
      if (time > best) {
        latest = s;
        isTie = false;
      } else if (time == best) isTie = true;
    } else {
      store<u32>(s + S_DELETION_TIME - 8, 1);
      if (supersedes(s + S_DELETION_TIME - 8, ROW_DELETION)) copyDeletion(ROW_DELETION, s + S_DELETION_TIME - 8);
    }
  }
  if (isTie) return IS_OTHER;
  const isAlone = get(F_ALONE) != 0;
  const range = get(F_CURRENT) ? field(F_CURRENT) : field(F_PARTITION);
  let active: i64 = NO_TIME;
  if (!isAlone && load<u32>(range)) active = load<i64>(range + 8);
  let deletion: usize = load<u32>(ROW_DELETION) ? ROW_DELETION : 0;
  if (deletion && !isAlone && !supersedes(deletion, range)) deletion = 0;
  if (deletion) {
    active = load<i64>(deletion + 8);
    if (load<i64>(deletion + 16) < get64(F_GC_BEFORE)) return IS_OTHER;
  }
  const survives = latest != 0 && load<i64>(latest + S_TIME) > active;
  let alive = 0;
  let deleted: i64 = 0;
  let overwritten: i64 = 0;
  for (let i = 0; i < n; i++) {
    const s = source(i);
    if (!((group >> i) & 1) || !load<u32>(s + S_HAS_LIVENESS)) continue;
    const bytes = <i64>load<u32>(s + S_CELL_BYTES);
    if (load<i64>(s + S_TIME) <= active) deleted += bytes;
    else if (s != latest) overwritten += bytes;
    if (load<i64>(s + S_TIME) > active) alive++;
  }
  if (alive > 1 && !(load<u32>(latest + S_FLAGS) & 0x20)) return IS_OTHER;
  set64(F_DELETED, get64(F_DELETED) + deleted);
  set64(F_OVERWRITTEN, get64(F_OVERWRITTEN) + overwritten);
  if (!survives && !deletion) return -1;
  const previous = <u64>(get64(F_ORIGIN) + <i64>out - get64(F_PREVIOUS));
  const begins = out + 1;
  putRow(least, survives ? latest : 0, deletion, previous);
  set(F_LAST, 4);
  set(F_LAST + 1, <i32>load<u32>(least + S_SIZE));
  putPlace(field(F_LAST + 2), least, begins);
  set(F_LAST_ROW, 1);
  putPlace(field(F_LAST_ROW + 1), least, begins);
  return -1;
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function mayGo(deletion: usize): bool {
  return load<i64>(deletion + 16) < get64(F_GC_BEFORE);
}

/** The markers of the group at one bound, see MarkerMerger. Returns −1, or why it is not to be done here. */
function stepMarkers(n: i32, least: usize): i32 {
  for (let i = 0; i < n; i++) {
    if (!((group >> i) & 1)) continue;
    if (load<u32>(source(i) + S_KIND) != MARKER) return IS_OTHER;
  }
  if (isFull(least)) return IS_FULL;
  const previous = <u64>(get64(F_ORIGIN) + <i64>out - get64(F_PREVIOUS));
  const bound = load<u32>(least + S_BOUND);
  if (get(F_ALONE)) {
    setDeletion(CLOSES, load<i64>(least + S_DELETION_TIME), load<i64>(least + S_DELETION_LOCAL));
    if (mayGo(CLOSES)) return IS_OTHER;
    if (bound == 2 || bound == 5) {
      setDeletion(OPENS, load<i64>(least + S_OPENS_TIME), load<i64>(least + S_OPENS_LOCAL));
      if (mayGo(OPENS)) return IS_OTHER;
    }
    putMarker(least, bound, CLOSES, OPENS, previous);
    return -1;
  }
  // what is open after it, before anything changes
  store<u32>(CURRENT, 0);
  for (let i = 0; i < n; i++) {
    const s = source(i);
    const isIn = ((group >> i) & 1) != 0;
    if (isIn) {
      const own = load<u32>(s + S_BOUND);
      if (own == 0 || own == 6) continue; // it closes
      const from = s + (own == 2 || own == 5 ? S_OPENS_TIME : S_DELETION_TIME);
      setDeletion(OPENS, load<i64>(from), load<i64>(from + 8));
      if (supersedes(OPENS, CURRENT)) copyDeletion(CURRENT, OPENS);
    } else if (supersedes(s + S_OPEN, CURRENT)) {
      copyDeletion(CURRENT, s + S_OPEN);
    }
  }
  if (!supersedes(CURRENT, field(F_PARTITION))) store<u32>(CURRENT, 0);
  const former = field(F_CURRENT);
  const isChanged = !isSame(former, CURRENT);
  if (isChanged) {
    if (load<u32>(former) && mayGo(former)) return IS_OTHER;
    if (load<u32>(CURRENT) && mayGo(CURRENT)) return IS_OTHER;
  }
  for (let i = 0; i < n; i++) {
    if (!((group >> i) & 1)) continue;
    const s = source(i);
    const own = load<u32>(s + S_BOUND);
    if (own == 0 || own == 6) {
      store<u32>(s + S_OPEN, 0);
      continue;
    }
    const from = s + (own == 2 || own == 5 ? S_OPENS_TIME : S_DELETION_TIME);
    setDeletion(s + S_OPEN, load<i64>(from), load<i64>(from + 8));
  }
  if (!isChanged) return -1;
  const isBefore = bound <= 2;
  if (!load<u32>(former)) putMarker(least, isBefore ? 1 : 7, CURRENT, 0, previous);
  else if (!load<u32>(CURRENT)) putMarker(least, isBefore ? 0 : 6, former, 0, previous);
  else putMarker(least, isBefore ? 2 : 5, former, CURRENT, previous);
  copyDeletion(former, CURRENT);
  return -1;
}

// ---- whole partitions of one row

/** Reads the partition at which source `s` stands. */
function readPartition(s: usize): u32 {
  const from: usize = load<u32>(s + S_POS);
  const end: usize = load<u32>(s + S_END);
  const short: u32 = load<u32>(s + S_IS_LAST) ? UNKNOWN : MORE;
  if (from >= end) return load<u32>(s + S_IS_LAST) ? END : MORE;
  if (end - from < 2) return short;
  const length: usize = (<usize>load<u8>(from) << 8) | <usize>load<u8>(from + 1);
  if (end - from < length + 2 + 13) return short;
  const key = from + 2;
  store<u32>(s + S_KEY, <u32>key);
  store<u32>(s + S_KEY_LENGTH, <u32>length);
  murmur3(key, key + length, s + S_HASH);
  let token = <i64>rotl<u64>(load<u64>(s + S_HASH), 32);
  if (length == 0) token = i64.MIN_VALUE;
  else if (token == i64.MIN_VALUE) token = i64.MAX_VALUE;
  store<i64>(s + S_TOKEN, token);
  let p = key + length;
  if (load<u32>(s + S_USES_UINT)) {
    if (load<u8>(p++) != 0x80) return OTHER;
  } else {
    if (load<u32>(p) != 0xffffff7f || load<u64>(p + 4) != 0x80) return OTHER;
    p += 12;
  }
  store<u32>(s + S_POS, <u32>p);
  const kind = readUnfiltered(s);
  store<u32>(s + S_POS, <u32>from);
  if (kind == MORE) return MORE;
  if (kind != ROW || !load<u32>(s + S_HAS_LIVENESS)) return OTHER;
  const next: usize = load<u32>(s + S_NEXT);
  if (next >= end) return short;
  if (!(load<u8>(next) & 1)) return OTHER;
  store<u32>(s + S_NEXT, <u32>(next + 1));
  return ROW;
}

function comparePartitions(a: usize, b: usize): i32 {
  const x = load<i64>(a + S_TOKEN);
  const y = load<i64>(b + S_TOKEN);
  if (x != y) return x < y ? -1 : 1;
  const aKey: usize = load<u32>(a + S_KEY);
  const bKey: usize = load<u32>(b + S_KEY);
  return compareBytes(aKey, aKey + load<u32>(a + S_KEY_LENGTH), bKey, bKey + load<u32>(b + S_KEY_LENGTH));
}

/** Goes on with the partitions at which the first `n` sources stand, each at S_POS, as long as they have one plain row each; as `runRows`. */
export function runPartitions(n: i32): i32 {
  out = <usize>get(F_OUT);
  const reason = stepPartitions(n);
  set(F_OUT, <i32>out);
  return reason;
}

function stepPartitions(n: i32): i32 {
  while (true) {
    let least: usize = 0;
    group = 0;
    for (let i = 0; i < n; i++) {
      const s = source(i);
      let kind = load<u32>(s + S_KIND);
      if (kind == UNREAD) {
        kind = readPartition(s);
        if (kind == MORE) {
          set(F_SOURCE, i);
          return NEEDS_MORE;
        }
        if (kind == UNKNOWN) return IS_OTHER;
        store<u32>(s + S_KIND, kind);
      }
      if (kind == END) continue;
      const d = least ? comparePartitions(s, least) : -1;
      if (d < 0) {
        least = s;
        group = 1 << i;
      } else if (d == 0) {
        group |= 1 << i;
      }
    }
    if (!least) return SOURCE_ENDED;
    const reason = putPartition(n, least);
    if (reason >= 0) return reason;
    for (let i = 0; i < n; i++) {
      if (!((group >> i) & 1)) continue;
      const s = source(i);
      store<u32>(s + S_POS, load<u32>(s + S_NEXT));
      store<u32>(s + S_KIND, UNREAD);
      store<u32>(s + S_READ, load<u32>(s + S_READ) + 1);
    }
  }
}

/** An entry of Index.db, without a promoted index. */
function putIndexEntry(key: usize, length: usize, position: u64): void {
  const data = out;
  out = <usize>get(F_INDEX);
  store<u8>(out, <u8>(length >> 8));
  store<u8>(out + 1, <u8>length);
  out += 2;
  putBytes(key, length);
  putUvint(position);
  store<u8>(out++, 0);
  set(F_INDEX, <i32>out);
  out = data;
}

/** Counts a value in its bucket of a histogram: the first whose offset is not below it, or the one behind them all. */
function countIn(offsets: usize, counts: usize, fields: i32, value: u32): void {
  let bucket = <usize>get(fields + 1);
  const buckets = <usize>get(fields);
  if (
    bucket >= buckets ||
    load<u32>(offsets + (bucket << 2)) < value ||
    (bucket > 0 && load<u32>(offsets + (bucket << 2) - 4) >= value)
  ) {
    bucket = 0;
    while (bucket < buckets && load<u32>(offsets + (bucket << 2)) < value) bucket++;
    set(fields + 1, <i32>bucket);
  }
  store<u32>(counts + (bucket << 2), load<u32>(counts + (bucket << 2)) + 1);
}

function putPartition(n: i32, least: usize): i32 {
  let latest: usize = 0;
  let isTie = false;
  let bytes: i64 = 0;
  for (let i = 0; i < n; i++) {
    if (!((group >> i) & 1)) continue;
    const s = source(i);
    if (load<u32>(s + S_KIND) != ROW) return IS_OTHER;
    bytes += <i64>load<u32>(s + S_CELL_BYTES);
    const d = latest ? load<i64>(s + S_TIME) > load<i64>(latest + S_TIME) : true;
    if (d) {
      latest = s;
      isTie = false;
    } else if (load<i64>(s + S_TIME) == load<i64>(latest + S_TIME)) isTie = true;
  }
  const sources = popcnt<u32>(group);
  if (isTie || (sources > 1 && !(load<u32>(latest + S_FLAGS) & 0x20))) return IS_OTHER;
  if (load<u32>(latest + S_NEXT) - load<u32>(latest + S_POS) + 64 > <u32>get(F_BLOCK_BYTES)) return IS_OTHER;
  const count = get(F_PARTITION_LOG);
  if (isFull(latest) || count >= PARTITION_CAPACITY) return IS_FULL;
  if (<usize>get(F_INDEX) + load<u32>(latest + S_KEY_LENGTH) + 24 > <usize>get(F_INDEX_END)) return IS_FULL;
  set64(F_OVERWRITTEN, get64(F_OVERWRITTEN) + bytes - <i64>load<u32>(latest + S_CELL_BYTES));
  const from = out;
  const key: usize = load<u32>(latest + S_KEY);
  const length: usize = load<u32>(latest + S_KEY_LENGTH);
  store<u8>(out, <u8>(length >> 8));
  store<u8>(out + 1, <u8>length);
  out += 2;
  putBytes(key, length);
  if (get(F_USES_UINT)) {
    store<u8>(out++, 0x80);
  } else {
    store<u32>(out, 0xffffff7f);
    store<u64>(out + 4, 0x80);
    out += 12;
  }
  const header = out - from;
  putRow(latest, latest, 0, <u64>header);
  store<u8>(out++, 1);
  const record = PARTITION_LOG + <usize>count * PARTITION_RECORD;
  store<u32>(record, <u32>from);
  store<u32>(record + 4, <u32>length);
  store<u32>(record + 8, <u32>(out - from));
  store<u32>(record + 12, <u32>header);
  store<u32>(record + 16, load<u32>(latest + S_CELL_COUNT));
  store<i32>(record + 20, get(F_INDEX));
  murmur2(key, key + length, record + 24);
  const hash = HASH_LOG + (<usize>count << 4);
  store<u64>(hash, load<u64>(latest + S_HASH));
  store<u64>(hash + 8, load<u64>(latest + S_HASH + 8));
  putIndexEntry(key, length, <u64>(get64(F_DATA_ORIGIN) + <i64>from));
  countIn(SIZE_OFFSETS, SIZE_COUNTS, F_SIZE_BUCKETS, <u32>(out - from));
  countIn(CELL_OFFSETS, CELL_COUNTS, F_CELL_BUCKETS, load<u32>(latest + S_CELL_COUNT));
  set(F_PARTITION_LOG, count + 1);
  const merged = field(F_MERGED) + ((<usize>sources - 1) << 2);
  store<u32>(merged, load<u32>(merged) + 1);
  return -1;
}
