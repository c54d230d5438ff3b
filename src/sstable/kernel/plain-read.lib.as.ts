/** Rows, markers and partitions as the kernel of plain rows reads them; the format is drawn in `../unfiltered-cursor.ts`. */
import { murmur3 } from '../../bytes/kernel/hash.as';
import {
  END,
  F_CLUSTERING_FIXED,
  F_CLUSTERINGS,
  F_COLUMN_FIXED,
  F_COLUMNS,
  F_NO_COLUMNS,
  F_NO_COLUMNS_LENGTH,
  field,
  get,
  MARKER,
  MAX_LOCAL,
  MORE,
  NO_TIME,
  OTHER,
  ROW,
  S_BOUND,
  S_CELL_BYTES,
  S_CELL_COUNT,
  S_CELLS,
  S_CELLS_END,
  S_CLUSTERING,
  S_CLUSTERING_END,
  S_DELETION_TIME,
  S_END,
  S_ENDS,
  S_FLAGS,
  S_HAS_DELETION,
  S_HAS_LIVENESS,
  S_HASH,
  S_IS_LAST,
  S_KEY,
  S_KEY_LENGTH,
  S_MIN_LOCAL,
  S_MIN_TIME,
  S_NEXT,
  S_OPEN,
  S_OPENS_TIME,
  S_POS,
  S_SIZE,
  S_STARTS,
  S_TIME,
  S_TOKEN,
  S_USES_UINT,
  source,
  UNKNOWN,
} from './plain-layout.lib.as';

// ---- reading; `at` is the next byte and `limit` ends what may be read: `isShort` says that it was not enough

let at: usize = 0;
let limit: usize = 0;
let isShort: bool = false;

// @ts-ignore: decorators of functions are AssemblyScript
@inline
export function uvint(): u64 {
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
export function uvintSize(value: u64): usize {
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
export function readTime(s: usize): i64 {
  return <i64>uvint() + load<i64>(s + S_MIN_TIME);
}

/** Reads a deletion to `to`. Returns whether it is one whose times are nothing odd. */
export function readDeletion(s: usize, to: usize): bool {
  const time = readTime(s);
  const local = <i64>(<i32>uvint()) + load<i64>(s + S_MIN_LOCAL);
  store<i64>(to, time);
  store<i64>(to + 8, local);
  return !isShort && time != NO_TIME && local >= 0 && local <= MAX_LOCAL;
}

/** Reads the row or marker at which source `s` stands. */
export function readUnfiltered(s: usize): u32 {
  at = load<u32>(s + S_POS);
  limit = load<u32>(s + S_END);
  isShort = false;
  const kind = readKnown(s);
  // what is cut short at the end of the file is told by others
  return isShort ? (load<u32>(s + S_IS_LAST) ? UNKNOWN : MORE) : kind;
}

function readKnown(s: usize): u32 {
  const kind = readHead(s);
  if (kind != ROW && kind != MARKER) return kind;
  const known = kind == MARKER ? readMarker(s, limit) : readRow(s, load<u32>(s + S_FLAGS), limit);
  if (!isShort) return known;
  isShort = false; // all of it is at hand: it does not fill its size
  return kind == MARKER ? UNKNOWN : OTHER;
}

/** Reads up to the body, which `limit` then ends. Returns ROW or MARKER, whatever the body has, or END or UNKNOWN. */
function readHead(s: usize): u32 {
  if (at >= limit) {
    isShort = true;
    return UNKNOWN;
  }
  const flags: u32 = load<u8>(at++);
  if (flags & 1) return END;
  if (flags & 0x80) return UNKNOWN;
  store<u32>(s + S_FLAGS, flags);
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
  limit = at + <usize>bodyBytes;
  store<u32>(s + S_NEXT, <u32>limit);
  uvint(); // the size of the one before
  return flags & 2 ? MARKER : ROW;
}

export function readMarker(s: usize, end: usize): u32 {
  if (!readDeletion(s, s + S_DELETION_TIME)) return UNKNOWN;
  const bound = load<u32>(s + S_BOUND);
  if ((bound == 2 || bound == 5) && !readDeletion(s, s + S_OPENS_TIME)) return UNKNOWN;
  return at == end ? MARKER : UNKNOWN;
}

function readRow(s: usize, flags: u32, end: usize): u32 {
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

function readKey(s: usize, key: usize, length: usize): void {
  store<u32>(s + S_KEY, <u32>key);
  store<u32>(s + S_KEY_LENGTH, <u32>length);
  murmur3(key, key + length, s + S_HASH);
  let token = <i64>rotl<u64>(load<u64>(s + S_HASH), 32);
  if (length == 0) token = i64.MIN_VALUE;
  else if (token == i64.MIN_VALUE) token = i64.MAX_VALUE;
  store<i64>(s + S_TOKEN, token);
}

/** Reads the partition at which source `s` stands. */
export function readPartition(s: usize): u32 {
  const from: usize = load<u32>(s + S_POS);
  const end: usize = load<u32>(s + S_END);
  const short: u32 = load<u32>(s + S_IS_LAST) ? UNKNOWN : MORE;
  if (from >= end) return load<u32>(s + S_IS_LAST) ? END : MORE;
  if (end - from < 2) return short;
  const length: usize = (<usize>load<u8>(from) << 8) | <usize>load<u8>(from + 1);
  if (end - from < length + 2 + 13) return short;
  const key = from + 2;
  readKey(s, key, length);
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

// ---- whatever it is

/** Of the partition that readWhole has read: rows and markers; i64, when it was deleted, NO_TIME where it was not. In place of S_OPEN. */
export const S_ROWS: usize = S_OPEN + 4;
export const S_PARTITION_TIME: usize = S_OPEN + 16;

/**
 * Reads the partition at which source `s` stands to its end, which is S_NEXT then. ROW where it has rows as INSERT writes them and nothing else, so
 * that nothing in it is deleted or expires; OTHER for all others; END, MORE, UNKNOWN.
 * @param isOther it is OTHER whatever it has: its columns are not those of the state
 */
export function readWhole(s: usize, isOther: bool): u32 {
  const from: usize = load<u32>(s + S_POS);
  const end: usize = load<u32>(s + S_END);
  const short: u32 = load<u32>(s + S_IS_LAST) ? UNKNOWN : MORE;
  if (from >= end) return load<u32>(s + S_IS_LAST) ? END : MORE;
  if (end - from < 2) return short;
  const length: usize = (<usize>load<u8>(from) << 8) | <usize>load<u8>(from + 1);
  let p = from + 2 + length;
  if (p >= end) return short;
  let deletionBytes: usize = 12;
  if (load<u32>(s + S_USES_UINT) && load<u8>(p) & 0x80) {
    if (load<u8>(p) != 0x80) return UNKNOWN;
    deletionBytes = 1;
  }
  if (end - p < deletionBytes) return short;
  readKey(s, from + 2, length);
  const usesUInt = load<u32>(s + S_USES_UINT) != 0;
  const isDeleted = usesUInt ? deletionBytes > 1 : load<u32>(p) != 0xffffff7f || load<u64>(p + 4) != 0x80;
  store<i64>(s + S_PARTITION_TIME, isDeleted ? <i64>bswap<u64>(load<u64>(usesUInt ? p : p + 4)) : NO_TIME);
  isOther = isOther || isDeleted;
  p += deletionBytes;
  let kind: u32 = ROW;
  let rows: u32 = 0;
  for (; ; rows++) {
    store<u32>(s + S_POS, <u32>p);
    kind = UNKNOWN;
    if (!isOther) {
      kind = readUnfiltered(s);
      isOther = kind == MARKER || kind == OTHER || kind == UNKNOWN || (kind == ROW && !load<u32>(s + S_HAS_LIVENESS));
    }
    if (isOther) kind = skipUnfiltered(s);
    if (kind >= END) break;
    p = load<u32>(s + S_NEXT);
  }
  store<u32>(s + S_POS, <u32>from);
  if (kind != END) return kind;
  store<u32>(s + S_ROWS, rows);
  store<u32>(s + S_NEXT, <u32>(p + 1));
  return isOther ? OTHER : ROW;
}

/** Passes over the row or marker at which source `s` stands, by its sizes: OTHER, and S_NEXT is behind it; or END, MORE, UNKNOWN. */
function skipUnfiltered(s: usize): u32 {
  at = load<u32>(s + S_POS);
  limit = load<u32>(s + S_END);
  isShort = false;
  const kind = skipKnown(s);
  return isShort ? (load<u32>(s + S_IS_LAST) ? UNKNOWN : MORE) : kind;
}

function skipKnown(s: usize): u32 {
  if (limit - at < 2) {
    isShort = at >= limit || !(load<u8>(at) & 1);
    return isShort ? UNKNOWN : END;
  }
  const flags: u32 = load<u8>(at++);
  if (flags & 1) return END;
  let size = get(F_CLUSTERINGS);
  if (flags & 0x80) {
    const extended: u32 = load<u8>(at++);
    if (extended > 3 || (extended & 1 && flags & 2)) return UNKNOWN;
    if (extended & 1) size = 0;
  }
  if (flags & 2) {
    if (limit - at < 3) {
      isShort = true;
      return UNKNOWN;
    }
    const length = (<i32>load<u8>(at + 1) << 8) | <i32>load<u8>(at + 2);
    if (length > size) return UNKNOWN;
    size = length;
    at += 3;
  }
  if (!skipClustering(size)) return UNKNOWN;
  const bodyBytes = uvint();
  if (isShort || bodyBytes > <u64>(limit - at)) {
    isShort = true;
    return UNKNOWN;
  }
  store<u32>(s + S_NEXT, <u32>(at + <usize>bodyBytes));
  return OTHER;
}

function skipClustering(size: i32): bool {
  let absent: u64 = 0;
  for (let i = 0; i < size; i++) {
    if ((i & 31) == 0) absent = uvint();
    const bits = absent & 3;
    absent >>= 2;
    if (bits != 0) continue;
    let length = <u64>get(F_CLUSTERING_FIXED + i);
    if (<i64>length < 0) length = uvint();
    if (isShort || length > <u64>(limit - at)) {
      isShort = true;
      return false;
    }
    at += <usize>length;
  }
  return !isShort;
}

// ---- piece by piece, for whoever wants more of a row than whether it is plain

/** Reads up to the body of the row or marker at which source `s` stands, see readHead; MORE where it is not all at hand. The body is read next. */
export function readFrame(s: usize): u32 {
  at = load<u32>(s + S_POS);
  limit = load<u32>(s + S_END);
  isShort = false;
  const kind = readHead(s);
  return isShort ? (load<u32>(s + S_IS_LAST) ? UNKNOWN : MORE) : kind;
}

/** The address of the next byte. */
// @ts-ignore: decorators of functions are AssemblyScript
@inline
export function here(): usize {
  return at;
}

/** Whether `length` bytes are there: passes over them. */
// @ts-ignore: decorators of functions are AssemblyScript
@inline
export function pass(length: u64): bool {
  if (length > <u64>(limit - at)) return false;
  at += <usize>length;
  return true;
}

/** Whether the body was shorter than what was read of it. */
// @ts-ignore: decorators of functions are AssemblyScript
@inline
export function wasShort(): bool {
  return isShort;
}
