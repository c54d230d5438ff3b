/** Rows and their cells as the kernel of sstabledump's text reads and writes them, in one pass: what is not known is found on the way. */
import {
  F_CLUSTERINGS,
  F_COLUMNS,
  get,
  NO_TIME,
  S_DELETION_LOCAL,
  S_DELETION_TIME,
  S_ENDS,
  S_FLAGS,
  S_MIN_LOCAL,
  S_NEXT,
  S_POS,
  S_SIZE,
  S_STARTS,
} from '../../sstable/kernel/plain-layout.lib.as';
import { here, pass, readDeletion, readTime, uvint, wasShort } from '../../sstable/kernel/plain-read.lib.as';
import {
  AFTER_CELLS,
  AFTER_NO_CELLS,
  C_FIXED,
  C_IS_COMPLEX,
  C_KIND,
  C_PATH_KIND,
  C_TEXTS,
  CLUSTERINGS,
  COLUMN_BYTES,
  COLUMNS,
  D_AFTER,
  D_MIN_TTL,
  D_NOW,
  DUMP,
  dump,
  dump64,
  position,
  setDump,
  T_CELL_DELETION,
  T_CELL_TTL,
  T_CELLS,
  T_CLUSTERING,
  T_COMPLEX_DELETION,
  T_END_BROKEN,
  T_END_CLUSTERING,
  T_END_INLINE,
  T_END_PATH,
  T_END_TIME,
  T_END_TIME_AND_CELLS,
  T_EXPIRED,
  T_EXPIRES_AT,
  T_KEY_SEPARATOR,
  T_LIVENESS,
  T_NOT_EXPIRED,
  T_PATH,
  T_QUOTE,
  T_ROW,
  T_ROW_DELETION,
  T_STAR,
  T_TSTAMP,
  T_TSTAMP_BROKEN,
  T_TTL,
  T_VALUE,
  WRITER_BYTES,
} from './dump-layout.lib.as';
import { hasRoom, putDeletion, putMicros, putSeconds, putText, putUnsigned } from './dump-out.lib.as';
import { putValue } from './dump-values.lib.as';

/** Of a complex column whose cells have types of their own. */
const IS_UDT: u32 = 2;
/** Local times beyond it are told by others. */
const MAX_SECONDS: i64 = 0xffffffff;
/** Scratch: the deletion of a complex column. */
const COMPLEX: usize = DUMP + 256;

export function putClustering(s: usize): bool {
  const size: usize = load<u32>(s + S_SIZE);
  const all = <usize>get(F_CLUSTERINGS);
  for (let i: usize = 0; i < all; i++) {
    if (i > 0) putText(T_KEY_SEPARATOR);
    if (i >= size) {
      putText(T_STAR);
      continue;
    }
    const at = s + (i << 2);
    if (!putValue(CLUSTERINGS + i * WRITER_BYTES, load<u32>(at + S_STARTS), load<u32>(at + S_ENDS))) return false;
  }
  putText(T_END_CLUSTERING);
  return true;
}

// ---- of the row in hand
let hasLiveness: bool = false;
let rowTime: i64 = 0;
let rowTtl: i32 = 0;
let rowExpires: i64 = 0;

/** Reads a local time: whether it is not odd for that TTL. */
// @ts-ignore: decorators of functions are AssemblyScript
@inline
function readLocal(s: usize): i64 {
  return <i64>(<i32>uvint()) + load<i64>(s + S_MIN_LOCAL);
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function isOdd(local: i64, ttl: i32): bool {
  return local < <i64>ttl || local > MAX_SECONDS;
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function readTtl(): i32 {
  return <i32>uvint() + dump(D_MIN_TTL);
}

export function putRow(s: usize): bool {
  const flags = load<u32>(s + S_FLAGS);
  putText(T_ROW + dump(D_AFTER));
  putUnsigned(<u64>position(load<u32>(s + S_POS)));
  if (load<u32>(s + S_SIZE) > 0) {
    putText(T_CLUSTERING);
    if (!putClustering(s)) return false;
  }
  hasLiveness = (flags & 4) != 0;
  rowTtl = 0;
  if (hasLiveness) {
    rowTime = readTime(s);
    if (rowTime == NO_TIME) return false;
    putText(T_LIVENESS);
    if (!putMicros(rowTime)) return false;
    if (flags & 8) {
      rowTtl = readTtl();
      rowExpires = readLocal(s);
      if (rowTtl <= 0 || isOdd(rowExpires, rowTtl)) return false;
      putExpiry(T_TTL, rowTtl, rowExpires, rowExpires < dump64(D_NOW));
    }
  }
  if (flags & 0x10) {
    if (hasLiveness && rowTtl == 0) putText(T_END_TIME);
    if (!readDeletion(s, s + S_DELETION_TIME)) return false;
    putText(T_ROW_DELETION);
    if (!putDeletion(load<i64>(s + S_DELETION_TIME), load<i64>(s + S_DELETION_LOCAL))) return false;
    putText(T_CELLS);
  } else {
    putText(hasLiveness && rowTtl == 0 ? T_END_TIME_AND_CELLS : T_CELLS);
  }
  const further = putCells(s, flags);
  if (further < 0 || wasShort() || here() != <usize>load<u32>(s + S_NEXT)) return false;
  // one that holds nothing is left out
  if (further == 0 && (flags & 0x14) == 0) return false;
  setDump(D_AFTER, further > 0 ? AFTER_CELLS : AFTER_NO_CELLS);
  return true;
}

function putExpiry(text: i32, ttl: i32, expires: i64, isExpired: bool): void {
  putText(text);
  putUnsigned(<u64>ttl);
  putText(T_EXPIRES_AT);
  putSeconds(expires);
  putText(isExpired ? T_EXPIRED : T_NOT_EXPIRED);
}

/** Returns 1 where there were cells, 0 where there were none, −1 where one is not known. */
function putCells(s: usize, flags: u32): i32 {
  const columns = get(F_COLUMNS);
  let absent: u64 = 0;
  if (!(flags & 0x20)) {
    absent = uvint();
    if (absent >> <u64>columns != 0) return -1;
  }
  let further = 0;
  for (let i = 0; i < columns; i++) {
    if ((absent >> <u64>i) & 1) continue;
    const column = COLUMNS + <usize>i * COLUMN_BYTES;
    if (load<u32>(column + C_IS_COMPLEX)) {
      further = putComplex(s, column, flags, further);
      if (further < 0) return -1;
    } else {
      if (!putCell(s, column, further)) return -1;
      further = 1;
    }
  }
  return further;
}

// ---- of the cell in hand
let cellTime: i64 = 0;
let cellTtl: i32 = 0;
let cellLocal: i64 = 0;
let isDeleted: bool = false;
let cellFlags: u32 = 0;

/** Reads a cell up to its path or value. Returns whether nothing is odd. */
function readCell(s: usize): bool {
  const at = here();
  if (!pass(1)) return false;
  const flags: u32 = load<u8>(at);
  cellFlags = flags;
  if (flags > 0x1f) return false;
  if (flags & 8) {
    if (!hasLiveness) return false;
    cellTime = rowTime;
  } else {
    cellTime = readTime(s);
    if (cellTime == NO_TIME) return false;
  }
  cellTtl = 0;
  isDeleted = false;
  if (flags & 0x13) {
    if (flags & 0x10) {
      cellTtl = rowTtl;
      cellLocal = rowExpires;
    } else {
      cellLocal = readLocal(s);
      cellTtl = flags & 2 ? readTtl() : 0;
      if (cellTtl < 0 || isOdd(cellLocal, cellTtl)) return false;
      isDeleted = cellTtl == 0;
    }
  }
  return true;
}

/** Reads the length of the cell's value, and passes over that. Returns the length, or −1. */
function readValue(column: usize): i64 {
  if (cellFlags & 4) return 0;
  let length = <i64>load<i32>(column + C_FIXED);
  if (length < 0) length = <i64>uvint();
  return !wasShort() && pass(<u64>length) ? length : -1;
}

function putCell(s: usize, column: usize, further: i32): bool {
  if (!readCell(s)) return false;
  const length = readValue(column);
  if (length < 0 || !hasRoom(<usize>length)) return false;
  const texts = load<i32>(column + C_TEXTS) + further;
  if (isDeleted) {
    putText(texts);
    return putDeleted();
  }
  putText(texts + 2);
  return putValue(column + C_KIND, here() - <usize>length, here()) && putCellTimes();
}

function putComplex(s: usize, column: usize, flags: u32, further: i32): i32 {
  if (load<u32>(column + C_IS_COMPLEX) == IS_UDT) return -1;
  store<u32>(COMPLEX, 0);
  if (flags & 0x40 && !readComplexDeletion(s)) return -1;
  const texts = load<i32>(column + C_TEXTS);
  let more = further;
  if (load<u32>(COMPLEX)) {
    if (!hasRoom(0)) return -1;
    putText(texts + more);
    putText(T_COMPLEX_DELETION);
    if (!putDeletion(load<i64>(COMPLEX + 8), load<i64>(COMPLEX + 16))) return -1;
    putText(T_END_INLINE);
    more = 1;
  }
  const count = uvint();
  // a cell takes a byte at least
  if (wasShort() || count > 0x7fffffff) return -1;
  for (let i: u64 = 0; i < count; i++) {
    if (!readCell(s)) return -1;
    const pathLength = uvint();
    if (wasShort() || !pass(pathLength)) return -1;
    const pathEnd = here();
    const length = readValue(column);
    if (length < 0 || !hasRoom(<usize>pathLength + <usize>length)) return -1;
    if (load<u32>(COMPLEX) && cellTime < load<i64>(COMPLEX + 8)) continue;
    putText(texts + more);
    putText(T_PATH);
    if (!putValue(column + C_PATH_KIND, pathEnd - <usize>pathLength, pathEnd)) return -1;
    putText(T_END_PATH);
    more = 1;
    if (isDeleted) {
      if (!putDeleted()) return -1;
      continue;
    }
    putText(T_VALUE);
    if (!putValue(column + C_KIND, here() - <usize>length, here()) || !putCellTimes()) return -1;
  }
  return more;
}

/** Reads a column's deletion to COMPLEX: u32 is set, –, i64 timestamp, i64 local deletion time. Returns whether it is not odd. */
function readComplexDeletion(s: usize): bool {
  const time = readTime(s);
  const local = readLocal(s);
  if (wasShort()) return false;
  if (time == NO_TIME) return true;
  if (local < 0 || local > MAX_SECONDS - 2) return false;
  store<u32>(COMPLEX, 1);
  store<i64>(COMPLEX + 8, time);
  store<i64>(COMPLEX + 16, local);
  return true;
}

/** After the name (and path) of a tombstone: the fields after `deletion_info` each break the line. */
function putDeleted(): bool {
  putText(T_CELL_DELETION);
  putSeconds(cellLocal);
  putText(T_END_TIME);
  if (!hasLiveness || cellTime != rowTime) {
    putText(T_TSTAMP_BROKEN);
    if (!putMicros(cellTime)) return false;
    putText(T_QUOTE);
  }
  putText(T_END_BROKEN);
  return true;
}

function putCellTimes(): bool {
  const differs = !hasLiveness || cellTime != rowTime;
  if (differs) {
    putText(T_TSTAMP);
    if (!putMicros(cellTime)) return false;
  }
  if (cellTtl == 0 || (hasLiveness && cellTtl == rowTtl)) putText(differs ? T_END_TIME : T_END_INLINE);
  else putExpiry(differs ? T_TTL : T_CELL_TTL, cellTtl, cellLocal, dump64(D_NOW) >= cellLocal);
  return true;
}
