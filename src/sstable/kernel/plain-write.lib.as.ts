/** Rows, markers and partitions as the kernel of plain rows writes them, and what it tallies of them; as `../unfiltered-writer.ts`. */
import {
  copyDeletion,
  DELETION_CAPACITY,
  DELETION_LOG,
  F_COLUMNS_SET,
  F_DELETIONS,
  F_HAS_TIMES,
  F_INDEX,
  F_LAST,
  F_LIVE_ROWS,
  F_MARKER_LOG,
  F_MARKERS,
  F_MAX_TIME,
  F_MIN_TIME,
  F_NO_COLUMNS,
  F_NO_COLUMNS_LENGTH,
  F_OPEN,
  F_OUT_END,
  F_OUT_FULL,
  F_OUT_MIN_LOCAL,
  F_OUT_MIN_TIME,
  F_ROWS,
  F_USES_UINT,
  field,
  get,
  get64,
  MARKER_CAPACITY,
  MARKER_LOG,
  MARKER_RECORD,
  S_CELL_COUNT,
  S_CELLS,
  S_CELLS_END,
  S_CLUSTERING,
  S_CLUSTERING_END,
  S_ENDS,
  S_FLAGS,
  S_NEXT,
  S_POS,
  S_SIZE,
  S_STARTS,
  S_TIME,
  set,
  set64,
  source,
} from './plain-layout.lib.as';
import { uvintSize } from './plain-read.lib.as';

let out: usize = 0;

/** Where the next byte goes. */
// @ts-ignore: decorators of functions are AssemblyScript
@inline
export function place(): usize {
  return out;
}

/** The next byte goes there. */
// @ts-ignore: decorators of functions are AssemblyScript
@inline
export function goTo(at: usize): void {
  out = at;
}

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
export function putRow(s: usize, winner: usize, deletion: usize, previous: u64): void {
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
export function putPlace(to: usize, s: usize, from: usize): void {
  const shift: usize = from - <usize>load<u32>(s + S_CLUSTERING);
  const size = load<u32>(s + S_SIZE);
  for (let i: usize = 0; i < size; i++) {
    store<u32>(to + (i << 2), <u32>(<usize>load<u32>(s + S_STARTS + (i << 2)) + shift));
    store<u32>(to + 32 + (i << 2), <u32>(<usize>load<u32>(s + S_ENDS + (i << 2)) + shift));
  }
}

/** Writes a marker of this kind at the place of source `s`; the deletions at `first`, and of boundaries at `second`. */
export function putMarker(s: usize, kind: u32, first: usize, second: usize, previous: u64): void {
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

/** Whether the buffer has no room for what source `s` may become, or a log for what it tells. */
export function isFull(s: usize): bool {
  const bytes = load<u32>(s + S_NEXT) - load<u32>(s + S_POS);
  return (
    out >= <usize>get(F_OUT_FULL) ||
    out + bytes + 128 > <usize>get(F_OUT_END) ||
    get(F_DELETIONS) + 2 > DELETION_CAPACITY ||
    get(F_MARKER_LOG) >= MARKER_CAPACITY
  );
}

/** An entry of Index.db, without a promoted index. */
export function putIndexEntry(key: usize, length: usize, position: u64): void {
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
export function countIn(offsets: usize, counts: usize, fields: i32, value: u32): void {
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

/** Key and deletion of a partition that has none. Returns their bytes. */
export function putHeader(key: usize, length: usize): usize {
  const from = out;
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
  return out - from;
}

/** The end of a partition. */
export function putEnd(): void {
  store<u8>(out++, 1);
}
