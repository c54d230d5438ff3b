/**
 * Partitions of one row at most: what is deleted and what has expired in each SSTable that has one, and what a read meets of all of them. The rules are
 * those of `engine/merge/row-merge.ts`, `purge.ts` and `engine/tombstones/read-counter.ts`; whatever is odd is left to these.
 *
 *   item     i32 kind, i32 seconds, i64 timestamp                     kinds as in `purge.ts`
 *   result   i32 × 8: whether a read meets anything, whether the partition is deleted, deleted cells, expired cells, kind of a row without these or −1,
 *            whether the row lives, the least and the greatest of the seconds of all that
 */
import {
  F_COLUMN_FIXED,
  F_COLUMNS,
  field,
  get,
  MAX_LOCAL,
  NO_TIME,
  ROW,
  S_DELETION_LOCAL,
  S_DELETION_TIME,
  S_FLAGS,
  S_KEY_LENGTH,
  S_MIN_LOCAL,
  S_NEXT,
  S_POS,
  S_USES_UINT,
} from './plain-layout.lib.as';
import { here, pass, readDeletion, readFrame, readTime, S_PARTITION_TIME, S_ROWS, uvint, wasShort } from './plain-read.lib.as';

/** Two f64 of the state: the time that decides what has expired, and the one from which on reads meet deletions. */
const F_NOW = 608;
const F_KEEP_FROM = 610;
/** Of the state: for each column the cell that wins: i64 timestamp, i32 when it ends or {@link NEVER}, i32 TTL. */
const F_CELLS = 300;
const CELL_BYTES: usize = 16;
/** i32 of a source. */
const S_MIN_TTL: usize = 252;

const NEVER: i32 = -1;
const EXPIRED_LIVENESS_TTL: i64 = 0x7fffffff;

const PARTITION_DELETION: i32 = 0;
const ROW_DELETION: i32 = 2;
const CELL_DELETION: i32 = 4;
const EXPIRED_CELL: i32 = 5;
const EXPIRED_ROW: i32 = 6;

export const ITEM_BYTES: usize = 16;
export const RESULT_BYTES: usize = 32;
/** Of one partition: its own deletion, liveness and deletion of the row, and cells. */
export const MOST_ITEMS: usize = 3 + 63;

/** Where the next item is written. */
let item: usize = 0;

// ---- what wins
let partitionTime: i64 = NO_TIME;
let partitionLocal: i32 = 0;
let liveTime: i64 = NO_TIME;
let liveLocal: i32 = NEVER;
let rowTime: i64 = NO_TIME;
let rowLocal: i32 = 0;

// ---- the expiry read last
let local: i32 = NEVER;
let ttl: i32 = 0;

/** Nothing is merged yet. */
export function startMerged(): void {
  partitionTime = NO_TIME;
  liveTime = NO_TIME;
  rowTime = NO_TIME;
  const columns = get(F_COLUMNS);
  for (let i = 0; i < columns; i++) store<i64>(cellOf(i), NO_TIME);
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function cellOf(column: i32): usize {
  return field(F_CELLS) + <usize>column * CELL_BYTES;
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function isOver(seconds: i32): bool {
  return <f64>seconds <= load<f64>(field(F_NOW));
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function isKept(seconds: i32): bool {
  return <f64>seconds >= load<f64>(field(F_KEEP_FROM));
}

function put(kind: i32, time: i64, seconds: i32): void {
  store<i32>(item, kind);
  store<i32>(item + 4, seconds);
  store<i64>(item + 8, time);
  item += ITEM_BYTES;
}

/**
 * Reads the partition at which source `s` stands, read before by readWhole.
 * @param items where what is deleted and what has expired in it goes
 * @param merges whether it is merged, too
 * @returns where the items end; 0 where it is none that is known here
 */
export function readOne(s: usize, items: usize, merges: bool): usize {
  item = items;
  const from: usize = load<u32>(s + S_POS);
  const next = load<u32>(s + S_NEXT);
  const p = from + 2 + load<u32>(s + S_KEY_LENGTH);
  const isKnown = readHeadOf(s, p, merges) && readRowOf(s, merges);
  store<u32>(s + S_POS, <u32>from);
  store<u32>(s + S_NEXT, next);
  return isKnown ? item : 0;
}

/** Reads the partition's deletion at `p`: S_POS is behind it then. */
function readHeadOf(s: usize, p: usize, merges: bool): bool {
  const usesUInt = load<u32>(s + S_USES_UINT) != 0;
  const time = load<i64>(s + S_PARTITION_TIME);
  if (time == NO_TIME) {
    if (!usesUInt && load<u32>(p) != 0xffffff7f) return false;
    store<u32>(s + S_POS, <u32>(p + (usesUInt ? 1 : 12)));
    return true;
  }
  const seconds = bswap<u32>(load<u32>(usesUInt ? p + 8 : p));
  if (seconds > <u32>MAX_LOCAL) return false;
  put(PARTITION_DELETION, time, <i32>seconds);
  if (merges && (time > partitionTime || (time == partitionTime && <i32>seconds > partitionLocal))) {
    partitionTime = time;
    partitionLocal = <i32>seconds;
  }
  store<u32>(s + S_POS, <u32>(p + 12));
  return true;
}

// ---- of the row that is read
let ownTime: i64 = NO_TIME;
let ownLocal: i32 = NEVER;
let ownTtl: i32 = 0;
let ownDeletion: i64 = NO_TIME;

function readRowOf(s: usize, merges: bool): bool {
  const rows = load<u32>(s + S_ROWS);
  if (rows != 1) return rows == 0;
  if (readFrame(s) != ROW) return false;
  const flags = load<u32>(s + S_FLAGS);
  if (flags & 0x42) return false;
  ownTime = NO_TIME;
  ownLocal = NEVER;
  ownTtl = 0;
  ownDeletion = NO_TIME;
  if (flags & 4) {
    ownTime = readTime(s);
    if (ownTime == NO_TIME) return false;
    if (flags & 8) {
      const seconds = readTtl(s);
      if (!readLocal(s) || !takeTtl(seconds)) return false;
      ownLocal = local;
      ownTtl = ttl;
    }
  } else if (flags & 8) return false;
  if (flags & 0x10) {
    if (!readDeletion(s, s + S_DELETION_TIME)) return false;
    ownDeletion = load<i64>(s + S_DELETION_TIME);
    const seconds = <i32>load<i64>(s + S_DELETION_LOCAL);
    put(ROW_DELETION, ownDeletion, seconds);
    if (merges && (ownDeletion > rowTime || (ownDeletion == rowTime && seconds > rowLocal))) {
      rowTime = ownDeletion;
      rowLocal = seconds;
    }
  }
  if (ownTime > ownDeletion) {
    if (ownLocal != NEVER && isOver(ownLocal)) put(EXPIRED_ROW, ownTime, ownLocal);
    if (merges) mergeLiveness(ownTime, ownLocal);
  }
  return readCells(s, flags, merges);
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function readTtl(s: usize): i64 {
  return <i64>(<i32>uvint()) + <i64>load<i32>(s + S_MIN_TTL);
}

/** Reads to `local`. Returns whether it is nothing odd. */
function readLocal(s: usize): bool {
  const seconds = <i64>(<i32>uvint()) + load<i64>(s + S_MIN_LOCAL);
  local = <i32>seconds;
  return seconds >= 0 && seconds <= MAX_LOCAL;
}

/** Takes what goes with `local`. Returns whether it is nothing odd. */
function takeTtl(seconds: i64): bool {
  ttl = <i32>seconds;
  return seconds > 0 && seconds < EXPIRED_LIVENESS_TTL && seconds <= <i64>local;
}

function readCells(s: usize, flags: u32, merges: bool): bool {
  const columns = get(F_COLUMNS);
  const absent: u64 = flags & 0x20 ? 0 : uvint();
  if (absent >> <u64>columns != 0) return false;
  for (let i = 0; i < columns; i++) {
    if ((absent >> <u64>i) & 1) continue;
    const fixed = get(F_COLUMN_FIXED + i);
    const cell: u32 = load<u8>(here());
    if (fixed == -2 || cell > 0x1f || !pass(1)) return false;
    if (cell & 8 && ownTime == NO_TIME) return false;
    const time = cell & 8 ? ownTime : readTime(s);
    if (time == NO_TIME || !readExpiry(s, cell)) return false;
    if (!(cell & 4) && !pass(fixed < 0 ? uvint() : <u64>fixed)) return false;
    if (time <= ownDeletion) continue;
    if (local != NEVER && (ttl == 0 || isOver(local))) put(ttl == 0 ? CELL_DELETION : EXPIRED_CELL, time, local - ttl);
    if (merges && !mergeCell(cellOf(i), time)) return false;
  }
  return !wasShort() && here() == <usize>load<u32>(s + S_NEXT);
}

/** Reads when a cell with these flags ends, to `local` and `ttl`. Returns whether that is nothing odd. */
function readExpiry(s: usize, cell: u32): bool {
  local = NEVER;
  ttl = 0;
  if (cell & 0x10) {
    local = ownLocal;
    ttl = ownTtl;
    return ownTtl > 0 && !(cell & 1);
  }
  if (cell & 1) return !(cell & 2) && readLocal(s);
  return !(cell & 2) || (readLocal(s) && takeTtl(readTtl(s)));
}

// ---- merging

/** Later, then what expires, then what expires later. */
function mergeLiveness(time: i64, expires: i32): void {
  if (time < liveTime || (time == liveTime && expires <= liveLocal)) return;
  liveTime = time;
  liveLocal = expires;
}

/**
 * The cell read last against the one that wins so far. Returns whether that is told by their times: of two that were written at once and expire at once
 * it may take their values.
 */
function mergeCell(winner: usize, time: i64): bool {
  const before = load<i64>(winner);
  if (time < before) return true;
  if (time == before) {
    const otherLocal = load<i32>(winner + 8);
    const otherTtl = load<i32>(winner + 12);
    if (local == otherLocal && ttl == otherTtl) return true;
    const isDeleted = local != NEVER && ttl == 0;
    const isOtherDeleted = otherLocal != NEVER && otherTtl == 0;
    if (isDeleted == isOtherDeleted && local == otherLocal) return false;
    if (isDeleted != isOtherDeleted ? isOtherDeleted : local < otherLocal) return true;
  }
  store<i64>(winner, time);
  store<i32>(winner + 8, local);
  store<i32>(winner + 12, ttl);
  return true;
}

/** Writes what a read meets of what was merged, of `n` SSTables. */
export function putResult(to: usize, n: i32): void {
  let least: i32 = i32.MAX_VALUE;
  let most: i32 = -1;
  const isDeleted = partitionTime != NO_TIME;
  let covered: i64 = NO_TIME;
  if (n > 1) {
    const isRowLater = rowTime > partitionTime || (rowTime == partitionTime && rowLocal > partitionLocal);
    if (rowTime == NO_TIME || (isDeleted && !isRowLater)) {
      covered = partitionTime;
      rowTime = NO_TIME;
    } else covered = rowTime;
  }
  const meetsPartition = isDeleted && isKept(partitionLocal);
  if (meetsPartition) {
    least = partitionLocal;
    most = partitionLocal;
  }
  const hasRowDeletion = rowTime != NO_TIME && isKept(rowLocal);
  if (hasRowDeletion) {
    least = min(least, rowLocal);
    most = max(most, rowLocal);
  }
  let isLive = false;
  let hasExpired = false;
  if (liveTime > covered) {
    isLive = liveLocal == NEVER || !isOver(liveLocal);
    hasExpired = !isLive && isKept(liveLocal);
    if (hasExpired) {
      least = min(least, liveLocal);
      most = max(most, liveLocal);
    }
  }
  let deletedCells = 0;
  let expiredCells = 0;
  const columns = get(F_COLUMNS);
  for (let i = 0; i < columns; i++) {
    const cell = cellOf(i);
    if (load<i64>(cell) <= covered) continue;
    const cellLocal = load<i32>(cell + 8);
    const cellTtl = load<i32>(cell + 12);
    if (cellLocal == NEVER || (cellTtl != 0 && !isOver(cellLocal))) {
      isLive = true;
      continue;
    }
    const seconds = cellLocal - cellTtl;
    if (!isKept(seconds)) continue;
    if (cellTtl == 0) deletedCells++;
    else expiredCells++;
    least = min(least, seconds);
    most = max(most, seconds);
  }
  const isBare = !isLive && deletedCells + expiredCells == 0;
  const kind = !isBare ? -1 : hasRowDeletion ? ROW_DELETION : hasExpired ? EXPIRED_ROW : -1;
  store<i32>(to, meetsPartition || deletedCells + expiredCells > 0 || kind >= 0 ? 1 : 0);
  store<i32>(to + 4, meetsPartition ? 1 : 0);
  store<i32>(to + 8, deletedCells);
  store<i32>(to + 12, expiredCells);
  store<i32>(to + 16, kind);
  store<i32>(to + 20, isLive ? 1 : 0);
  store<i32>(to + 24, least);
  store<i32>(to + 28, most);
}
