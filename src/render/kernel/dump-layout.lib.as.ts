/** What the kernel of sstabledump's text finds where in its memory, which is drawn in `../dump-memory.ts`. */

// ---- what a call ends with, beside what `plain-layout.lib.as.ts` has
export const IS_DONE: i32 = 0; // the stop is reached, or the partition's end where only that was asked for

// ---- fields, in int32
export const DUMP: usize = 4096;
export const D_OUT = 0;
export const D_OUT_FULL = 1;
export const D_OUT_END = 2;
export const D_WITHIN = 3; // whether it stands within a partition
export const D_AFTER = 4;
export const D_PARTITIONS = 5;
export const D_STEPS = 6;
export const D_BEGUN = 7; // address of the last partition that it began, or 0
export const D_RAW_TIMES = 9;
export const D_BASE = 10; // i64: what addresses are to be added to give positions
export const D_STOP = 12; // i64: partitions at this position and behind it are not begun
export const D_NOW = 14; // i64
export const D_MIN_TTL = 16;
export const D_KEY_PARTS = 17; // of a composite key, or 0
export const D_ROOM = 18; // what the fixed texts of a row's head or of a cell take at most
export const D_IS_WHOLE = 19; // whether partitions are the kernel's: it can't begin those with static rows

// ---- writers: u32 kind, u32 number of the caller's
export const COLUMNS: usize = 4608;
export const COLUMN_BYTES: usize = 32;
export const C_KIND: usize = 0;
export const C_CALLER: usize = 4;
export const C_FIXED: usize = 8; // width of values, or −1
export const C_IS_COMPLEX: usize = 12;
export const C_PATH_KIND: usize = 16;
export const C_PATH_CALLER: usize = 20;
export const C_TEXTS: usize = 24; // number of the first of its four texts
export const CLUSTERINGS: usize = 6656;
export const KEYS: usize = 6784;
export const WRITER_BYTES: usize = 8;

// ---- texts: u32 address, u32 length
export const TEXTS: usize = 8192;
export const DAYS: usize = 16384; // u32 day + 1, its date, by the lower bits of the day
export const DAY_MASK: u32 = 511;
export const PAIRS: usize = 24576; // the digits of 00 to 99

// ---- kinds of values; 0 is for the caller
export const K_TEXT: u32 = 1;
export const K_ASCII: u32 = 2;
export const K_BLOB: u32 = 3;
export const K_HEX: u32 = 4;
export const K_BOOLEAN: u32 = 5;
export const K_UUID: u32 = 6;
export const K_TIMEUUID: u32 = 7;
export const K_TIMESTAMP: u32 = 8;
export const K_TIMESTAMP_T: u32 = 9;
export const K_DATE: u32 = 10;
export const K_DECIMAL: u32 = 11;
export const K_VARINT: u32 = 12;
export const K_COUNTER: u32 = 13;
export const K_EMPTY: u32 = 14;
export const K_INTEGER: u32 = 16; // with its width added: 17, 18, 20, 24
export const K_QUOTED_INTEGER: u32 = 32;

// ---- numbers of fixed texts
export const T_PARTITION: i32 = 0;
export const T_NEXT_PARTITION: i32 = 1;
export const T_KEY_SEPARATOR: i32 = 2;
export const T_POSITION: i32 = 3;
export const T_ROWS: i32 = 4;
export const T_CLUSTERING: i32 = 5;
export const T_END_CLUSTERING: i32 = 6;
export const T_LIVENESS: i32 = 7;
export const T_TTL: i32 = 8;
export const T_EXPIRES_AT: i32 = 9;
export const T_EXPIRED: i32 = 10;
export const T_NOT_EXPIRED: i32 = 11;
export const T_END_TIME: i32 = 12;
export const T_END_INLINE: i32 = 13;
export const T_ROW_DELETION: i32 = 14;
export const T_CELLS: i32 = 15;
export const T_END_TIME_AND_CELLS: i32 = 16;
export const T_MARKED_DELETED: i32 = 17;
export const T_LOCAL_DELETE_TIME: i32 = 18;
export const T_CELL_DELETION: i32 = 19;
export const T_COMPLEX_DELETION: i32 = 20;
export const T_TSTAMP: i32 = 21;
export const T_QUOTE: i32 = 22;
export const T_CELL_TTL: i32 = 23;
export const T_TSTAMP_BROKEN: i32 = 24;
export const T_END_BROKEN: i32 = 25;
export const T_PATH: i32 = 26;
export const T_END_PATH: i32 = 27;
export const T_VALUE: i32 = 28;
export const T_START: i32 = 29;
export const T_END: i32 = 30;
export const T_INCLUSIVE: i32 = 31;
export const T_EXCLUSIVE: i32 = 32;
export const T_BOUND_CLUSTERING: i32 = 33;
export const T_BOUND_DELETION: i32 = 34;
export const T_END_BOUND: i32 = 35;
export const T_STAR: i32 = 36;
// by what they come after
export const T_ROW: i32 = 40;
export const T_END_ROWS: i32 = 44;
export const T_BOUND: i32 = 48;
export const T_BOUNDARY: i32 = 52;

// ---- what a text comes after
export const AFTER_NOTHING: i32 = 0;
export const AFTER_CELLS: i32 = 1;
export const AFTER_NO_CELLS: i32 = 2;
export const AFTER_MARKER: i32 = 3;

// @ts-ignore: decorators of functions are AssemblyScript
@inline
export function dump(field: i32): i32 {
  return load<i32>(DUMP + (<usize>field << 2));
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
export function setDump(field: i32, value: i32): void {
  store<i32>(DUMP + (<usize>field << 2), value);
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
export function dump64(field: i32): i64 {
  return load<i64>(DUMP + (<usize>field << 2));
}

/** In Data.db. */
// @ts-ignore: decorators of functions are AssemblyScript
@inline
export function position(address: usize): i64 {
  return dump64(D_BASE) + <i64>address;
}
