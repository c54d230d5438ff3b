/**
 * sstabledump's text as a WebAssembly kernel, in AssemblyScript: partitions, rows and range tombstone markers, read where the window of a cursor
 * holds them, and written as SSTableDumpWriter (`../sstabledump.ts`) writes them, from that one's own fixed texts. It stops before whatever it does
 * not know, with nothing of that written: static rows, deleted partitions, null and empty clustering values, non-frozen UDTs, times before 1970 and
 * after 2262, values that are none of their type, whatever is damaged or not at hand as a whole. That one then does it.
 *
 * The layout of the memory is drawn in `../dump-memory.ts`. Copies by words read and write up to 16 bytes beyond an end: that many bytes after each
 * area must be nobody's. Every length is checked against what is at hand before it is followed.
 */
import {
  END,
  IS_FULL,
  IS_OTHER,
  MARKER,
  MORE,
  NEEDS_MORE,
  ROW,
  S_BOUND,
  S_CLUSTERING,
  S_DELETION_TIME,
  S_END,
  S_IS_LAST,
  S_NEXT,
  S_OPENS_TIME,
  S_POS,
  S_SIZE,
  S_USES_UINT,
  source,
} from '../../sstable/kernel/plain-layout.lib.as';
import { here, readFrame, readMarker, wasShort } from '../../sstable/kernel/plain-read.lib.as';
import {
  AFTER_MARKER,
  AFTER_NOTHING,
  D_AFTER,
  D_BEGUN,
  D_IS_WHOLE,
  D_KEY_PARTS,
  D_OUT,
  D_OUT_FULL,
  D_PARTITIONS,
  D_STEPS,
  D_STOP,
  D_WITHIN,
  dump,
  dump64,
  IS_DONE,
  KEYS,
  position,
  setDump,
  T_BOUND,
  T_BOUND_CLUSTERING,
  T_BOUND_DELETION,
  T_BOUNDARY,
  T_END,
  T_END_BOUND,
  T_END_ROWS,
  T_EXCLUSIVE,
  T_INCLUSIVE,
  T_KEY_SEPARATOR,
  T_NEXT_PARTITION,
  T_PARTITION,
  T_POSITION,
  T_ROWS,
  T_START,
  WRITER_BYTES,
} from './dump-layout.lib.as';
import { goTo, hasRoom, place, preparePairs, putDeletion, putText, putUnsigned } from './dump-out.lib.as';
import { putClustering, putRow } from './dump-rows.lib.as';
import { putValue } from './dump-values.lib.as';

/** Before all else. Returns the address of the source. */
export function prepare(): usize {
  preparePairs();
  return source(0);
}

/** Goes on from S_POS. Where it stops, S_POS is where it would go on. */
export function run(): i32 {
  goTo(<usize>dump(D_OUT));
  setDump(D_STEPS, 0);
  setDump(D_BEGUN, 0);
  const reason = goOn();
  setDump(D_OUT, <i32>place());
  return reason;
}

function goOn(): i32 {
  const s = source(0);
  while (true) {
    let reason: i32;
    if (!dump(D_WITHIN)) {
      if (!dump(D_IS_WHOLE) || position(load<u32>(s + S_POS)) >= dump64(D_STOP)) return IS_DONE;
      if (isFull()) return IS_FULL;
      const before = place();
      reason = putPartition(s);
      if (reason >= 0) {
        goTo(before);
        return reason;
      }
    }
    reason = putUnfiltereds(s);
    if (reason >= 0) return reason;
  }
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function isFull(): bool {
  return place() >= <usize>dump(D_OUT_FULL);
}

// ---- partitions

/** The head of the partition at which the source stands. Returns −1, or why it is not done here. */
function putPartition(s: usize): i32 {
  const from: usize = load<u32>(s + S_POS);
  const end: usize = load<u32>(s + S_END);
  const short = load<u32>(s + S_IS_LAST) ? IS_OTHER : NEEDS_MORE;
  if (end - from < 2) return short;
  const key = from + 2;
  const length: usize = (<usize>load<u8>(from) << 8) | <usize>load<u8>(from + 1);
  if (end - from < length + 2 + 13) return short;
  let p = key + length;
  if (load<u32>(s + S_USES_UINT)) {
    if (load<u8>(p++) != 0x80) return IS_OTHER;
  } else {
    if (load<u32>(p) != 0xffffff7f || load<u64>(p + 4) != 0x80) return IS_OTHER;
    p += 12;
  }
  if (!hasRoom(length)) return IS_OTHER;
  const partitions = dump(D_PARTITIONS);
  putText(partitions > 0 ? T_NEXT_PARTITION : T_PARTITION);
  if (!putKey(key, length)) return IS_OTHER;
  putText(T_POSITION);
  putUnsigned(<u64>position(p));
  putText(T_ROWS);
  setDump(D_PARTITIONS, partitions + 1);
  setDump(D_BEGUN, <i32>from);
  setDump(D_AFTER, AFTER_NOTHING);
  setDump(D_WITHIN, 1);
  setDump(D_STEPS, dump(D_STEPS) + 1);
  store<u32>(s + S_POS, <u32>p);
  return -1;
}

/** The inside of a key's array: components have u16 length, value, u8 end-of-component. */
function putKey(key: usize, length: usize): bool {
  const parts = dump(D_KEY_PARTS);
  if (parts == 0) return putValue(KEYS, key, key + length);
  let p = key;
  const end = key + length;
  for (let i = 0; i < parts; i++) {
    if (end - p < 3) return false;
    const size: usize = (<usize>load<u8>(p) << 8) | <usize>load<u8>(p + 1);
    if (size > end - p - 3 || load<u8>(p + 2 + size) != 0) return false;
    if (i > 0) putText(T_KEY_SEPARATOR);
    if (!putValue(KEYS + <usize>i * WRITER_BYTES, p + 2, p + 2 + size)) return false;
    p += 3 + size;
  }
  return p == end;
}

// ---- rows and markers

/** What is left of the partition in which the source stands. Returns −1 at its end, or why it is not done here. */
function putUnfiltereds(s: usize): i32 {
  while (true) {
    if (isFull()) return IS_FULL;
    const kind = readFrame(s);
    if (kind == MORE) return NEEDS_MORE;
    const before = place();
    if (kind == END) {
      if (!hasRoom(0)) return IS_OTHER;
      putText(T_END_ROWS + dump(D_AFTER));
      store<u32>(s + S_POS, load<u32>(s + S_POS) + 1);
      setDump(D_WITHIN, 0);
      return -1;
    }
    if (kind != ROW && kind != MARKER) return IS_OTHER;
    const isKnown = hasRoom(here() - <usize>load<u32>(s + S_CLUSTERING)) && (kind == ROW ? putRow(s) : putMarker(s));
    if (!isKnown) {
      goTo(before);
      return IS_OTHER;
    }
    store<u32>(s + S_POS, load<u32>(s + S_NEXT));
    setDump(D_STEPS, dump(D_STEPS) + 1);
  }
}

function putMarker(s: usize): bool {
  if (readMarker(s, load<u32>(s + S_NEXT)) != MARKER || wasShort()) return false;
  const kind = load<u32>(s + S_BOUND);
  const after = dump(D_AFTER);
  if (kind == 2 || kind == 5) {
    putText(T_BOUNDARY + after);
    if (!putBound(s, true, kind == 2, s + S_OPENS_TIME) || !putBound(s, false, kind == 5, s + S_DELETION_TIME)) return false;
  } else {
    putText(T_BOUND + after);
    if (!putBound(s, kind == 1 || kind == 7, kind == 1 || kind == 6, s + S_DELETION_TIME)) return false;
  }
  setDump(D_AFTER, AFTER_MARKER);
  return true;
}

function putBound(s: usize, isStart: bool, isInclusive: bool, deletion: usize): bool {
  if (!hasRoom(here() - <usize>load<u32>(s + S_CLUSTERING))) return false;
  putText(isStart ? T_START : T_END);
  putText(isInclusive ? T_INCLUSIVE : T_EXCLUSIVE);
  if (load<u32>(s + S_SIZE) > 0) {
    putText(T_BOUND_CLUSTERING);
    if (!putClustering(s)) return false;
  }
  putText(T_BOUND_DELETION);
  if (!putDeletion(load<i64>(deletion), load<i64>(deletion + 8))) return false;
  putText(T_END_BOUND);
  return true;
}
