/** What the kernel of plain rows finds where in its memory, which is drawn in `../plain-memory.ts`. */
// ---- what a call ends with
export const SOURCE_ENDED: i32 = 0; // all sources have ended
export const NEEDS_MORE: i32 = 1; // a source has less at hand than its next row takes
export const IS_FULL: i32 = 2; // the buffer or a log
export const IS_OTHER: i32 = 3; // the next is none of the kernel's
export const BLOCK_ENDED: i32 = 4; // a block of the partition's index is complete

// ---- fields of the state, in int32
export const STATE: usize = 1024;
export const F_SOURCE = 0;
export const F_OUT = 1;
export const F_OUT_FULL = 2;
export const F_OUT_END = 3;
export const F_ORIGIN = 4;
export const F_PREVIOUS = 6;
export const F_BLOCK_START = 8;
export const F_BLOCK_BYTES = 10;
export const F_ALONE = 11;
export const F_OPEN = 12; // deletions: is set, –, i64 timestamp, i64 local deletion time
export const F_CURRENT = 18;
export const F_PARTITION = 24;
export const F_GC_BEFORE = 30;
export const F_ROWS = 32;
export const F_MARKERS = 33;
export const F_COLUMNS_SET = 34;
export const F_UNFILTEREDS = 35;
export const F_HAS_TIMES = 36;
export const F_MIN_TIME = 38;
export const F_MAX_TIME = 40;
export const F_LIVE_ROWS = 42;
export const F_OVERWRITTEN = 44;
export const F_DELETED = 46;
export const F_DELETIONS = 48;
export const F_MARKER_LOG = 49;
export const F_PARTITION_LOG = 50;
export const F_LAST = 51; // kind or −1, size, 8 starts, 8 ends
export const F_LAST_ROW = 69; // whether there is one, 8 starts, 8 ends
export const F_DATA_ORIGIN = 86;
export const F_INDEX = 88;
export const F_INDEX_END = 89;
export const F_OUT_MIN_TIME = 90;
export const F_OUT_MIN_LOCAL = 92;
export const F_CLUSTERINGS = 94;
export const F_COLUMNS = 95;
export const F_NO_COLUMNS_LENGTH = 96;
export const F_USES_UINT = 98;
export const F_CLUSTERING_FIXED = 100;
export const F_CLUSTERING_ORDER = 108;
export const F_NO_COLUMNS = 116; // bytes
export const F_COLUMN_FIXED = 120; // up to 63
export const F_MERGED = 184; // partitions by number of sources, from 1, up to 32
export const F_SIZE_BUCKETS = 216; // how many, and the last that was counted
export const F_CELL_BUCKETS = 218;
export const F_FIRST = 220; // of the block that begins: as F_LAST
export const F_OPEN_AT_START = 238; // of that block: a deletion

// ---- logs
export const MARKER_LOG: usize = 4096;
export const MARKER_RECORD: usize = 80;
export const MARKER_CAPACITY: i32 = 256;
export const DELETION_LOG: usize = MARKER_LOG + MARKER_RECORD * 256;
export const DELETION_CAPACITY: i32 = 2048;
export const PARTITION_LOG: usize = DELETION_LOG + 4 * 2048;
export const PARTITION_RECORD: usize = 32;
export const PARTITION_CAPACITY: i32 = 2048;
export const HASH_LOG: usize = PARTITION_LOG + 32 * 2048;
export const SOURCES: usize = HASH_LOG + 16 * 2048;
export const SIZE_OFFSETS: usize = SOURCES + 256 * 32;
export const SIZE_COUNTS: usize = SIZE_OFFSETS + 4 * 160;
export const CELL_OFFSETS: usize = SIZE_COUNTS + 4 * 160;
export const CELL_COUNTS: usize = CELL_OFFSETS + 4 * 120;

// ---- a source, in bytes
export const SOURCE_BYTES: usize = 256;
export const S_POS: usize = 0;
export const S_END: usize = 4;
export const S_IS_LAST: usize = 8;
export const S_KIND: usize = 12;
export const S_MIN_TIME: usize = 16;
export const S_MIN_LOCAL: usize = 24;
export const S_USES_UINT: usize = 32;
export const S_HAS_LIVENESS: usize = 36;
export const S_TIME: usize = 40;
export const S_HAS_DELETION: usize = 48;
export const S_FLAGS: usize = 52;
export const S_DELETION_TIME: usize = 56;
export const S_DELETION_LOCAL: usize = 64;
export const S_OPENS_TIME: usize = 72;
export const S_OPENS_LOCAL: usize = 80;
export const S_CELLS: usize = 88;
export const S_CELLS_END: usize = 92;
export const S_CELL_COUNT: usize = 96;
export const S_CELL_BYTES: usize = 100;
export const S_BOUND: usize = 104;
export const S_NEXT: usize = 108;
export const S_SIZE: usize = 112;
export const S_CLUSTERING: usize = 116;
export const S_CLUSTERING_END: usize = 120;
export const S_STARTS: usize = 124;
export const S_ENDS: usize = 156;
export const S_OPEN: usize = 192; // the range that is open in it: u32 is set, –, i64, i64
export const S_KEY: usize = 216;
export const S_KEY_LENGTH: usize = 220;
export const S_TOKEN: usize = 224;
export const S_HASH: usize = 232;
export const S_READ: usize = 248; // partitions or unfiltereds read

// ---- what a source stands on
export const UNREAD: u32 = 0;
export const ROW: u32 = 1;
export const MARKER: u32 = 2;
export const OTHER: u32 = 3; // with a known place
export const END: u32 = 4;
export const MORE: u32 = 5;
export const UNKNOWN: u32 = 6;

export const MAX_LOCAL: i64 = 2147483645;
export const NO_TIME: i64 = i64.MIN_VALUE;

// @ts-ignore: decorators of functions are AssemblyScript
@inline
export function get(field: i32): i32 {
  return load<i32>(STATE + (<usize>field << 2));
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
export function set(field: i32, value: i32): void {
  store<i32>(STATE + (<usize>field << 2), value);
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
export function get64(field: i32): i64 {
  return load<i64>(STATE + (<usize>field << 2));
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
export function set64(field: i32, value: i64): void {
  store<i64>(STATE + (<usize>field << 2), value);
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
export function source(i: i32): usize {
  return SOURCES + <usize>i * SOURCE_BYTES;
}

// ---- deletions at an address: u32 is set, –, i64 timestamp, i64 local deletion time

// @ts-ignore: decorators of functions are AssemblyScript
@inline
export function setDeletion(to: usize, time: i64, local: i64): void {
  store<u32>(to, 1);
  store<i64>(to + 8, time);
  store<i64>(to + 16, local);
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
export function copyDeletion(to: usize, from: usize): void {
  store<u64>(to, load<u64>(from));
  store<u64>(to + 8, load<u64>(from + 8));
  store<u64>(to + 16, load<u64>(from + 16));
}

export function supersedes(a: usize, b: usize): bool {
  if (!load<u32>(a)) return false;
  if (!load<u32>(b)) return true;
  const x = load<i64>(a + 8);
  const y = load<i64>(b + 8);
  return x > y || (x == y && load<i64>(a + 16) > load<i64>(b + 16));
}

export function isSame(a: usize, b: usize): bool {
  if (!load<u32>(a) || !load<u32>(b)) return load<u32>(a) == load<u32>(b);
  return load<i64>(a + 8) == load<i64>(b + 8) && load<i64>(a + 16) == load<i64>(b + 16);
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
export function field(number: i32): usize {
  return STATE + (<usize>number << 2);
}
