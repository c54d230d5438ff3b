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
import { murmur2 } from '../../bytes/kernel/hash.as';
import {
  BLOCK_ENDED,
  CELL_COUNTS,
  CELL_OFFSETS,
  copyDeletion,
  END,
  F_ALONE,
  F_BLOCK_BYTES,
  F_BLOCK_START,
  F_CELL_BUCKETS,
  F_CURRENT,
  F_DATA_ORIGIN,
  F_DELETED,
  F_FIRST,
  F_GC_BEFORE,
  F_INDEX,
  F_INDEX_END,
  F_LAST,
  F_LAST_ROW,
  F_MERGED,
  F_OPEN,
  F_OPEN_AT_START,
  F_ORIGIN,
  F_OUT,
  F_OVERWRITTEN,
  F_PARTITION,
  F_PARTITION_LOG,
  F_PREVIOUS,
  F_SIZE_BUCKETS,
  F_SOURCE,
  field,
  get,
  get64,
  HASH_LOG,
  IS_FULL,
  IS_OTHER,
  isSame,
  MARKER,
  MORE,
  NEEDS_MORE,
  NO_TIME,
  PARTITION_CAPACITY,
  PARTITION_LOG,
  PARTITION_RECORD,
  ROW,
  S_BOUND,
  S_CELL_BYTES,
  S_CELL_COUNT,
  S_DELETION_LOCAL,
  S_DELETION_TIME,
  S_FLAGS,
  S_HAS_LIVENESS,
  S_HASH,
  S_KEY,
  S_KEY_LENGTH,
  S_KIND,
  S_NEXT,
  S_OPEN,
  S_OPENS_LOCAL,
  S_OPENS_TIME,
  S_POS,
  S_READ,
  S_SIZE,
  S_TIME,
  set,
  set64,
  setDeletion,
  SIZE_COUNTS,
  SIZE_OFFSETS,
  source,
  SOURCE_ENDED,
  STATE,
  supersedes,
  UNKNOWN,
  UNREAD,
} from './plain-layout.lib.as';
import { comparePartitions, compareUnfiltered } from './plain-order.lib.as';
import { readPartition, readUnfiltered } from './plain-read.lib.as';
import {
  countIn,
  goTo,
  isFull,
  place,
  putEnd,
  putHeader,
  putIndexEntry,
  putMarker,
  putPlace,
  putRow,
} from './plain-write.lib.as';

// ---- rows and markers of a partition

/** Sources of the step at hand, a bit each. */
let group: u32 = 0;

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
  goTo(<usize>get(F_OUT));
  const reason = stepRows(n);
  set(F_OUT, <i32>place());
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
    const before = place();
    const isBlockNew = get64(F_BLOCK_START) < 0;
    if (isBlockNew) copyDeletion(field(F_OPEN_AT_START), field(F_OPEN));
    let reason = load<u32>(least + S_KIND) == MARKER ? stepMarkers(n, least) : stepVersions(n, least);
    if (reason >= 0) return reason;
    for (let i = 0; i < n; i++) {
      if (!((group >> i) & 1)) continue;
      const s = source(i);
      store<u32>(s + S_POS, load<u32>(s + S_NEXT));
      store<u32>(s + S_KIND, UNREAD);
      store<u32>(s + S_READ, load<u32>(s + S_READ) + 1);
    }
    if (place() == before) continue;
    const begun = get64(F_ORIGIN) + <i64>before;
    set64(F_PREVIOUS, begun);
    if (isBlockNew) {
      set64(F_BLOCK_START, begun);
      memory.copy(field(F_FIRST), field(F_LAST), 72);
    }
    if (get64(F_ORIGIN) + <i64>place() - get64(F_BLOCK_START) >= <i64>get(F_BLOCK_BYTES)) return BLOCK_ENDED;
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
  const previous = <u64>(get64(F_ORIGIN) + <i64>place() - get64(F_PREVIOUS));
  const begins = place() + 1;
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
  const previous = <u64>(get64(F_ORIGIN) + <i64>place() - get64(F_PREVIOUS));
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

/** Goes on with the partitions at which the first `n` sources stand, each at S_POS, as long as they have one plain row each; as `runRows`. */
export function runPartitions(n: i32): i32 {
  goTo(<usize>get(F_OUT));
  const reason = stepPartitions(n);
  set(F_OUT, <i32>place());
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
  const from = place();
  const key: usize = load<u32>(latest + S_KEY);
  const length: usize = load<u32>(latest + S_KEY_LENGTH);
  const header = putHeader(key, length);
  putRow(latest, latest, 0, <u64>header);
  putEnd();
  const record = PARTITION_LOG + <usize>count * PARTITION_RECORD;
  store<u32>(record, <u32>from);
  store<u32>(record + 4, <u32>length);
  store<u32>(record + 8, <u32>(place() - from));
  store<u32>(record + 12, <u32>header);
  store<u32>(record + 16, load<u32>(latest + S_CELL_COUNT));
  store<i32>(record + 20, get(F_INDEX));
  murmur2(key, key + length, record + 24);
  const hash = HASH_LOG + (<usize>count << 4);
  store<u64>(hash, load<u64>(latest + S_HASH));
  store<u64>(hash + 8, load<u64>(latest + S_HASH + 8));
  putIndexEntry(key, length, <u64>(get64(F_DATA_ORIGIN) + <i64>from));
  countIn(SIZE_OFFSETS, SIZE_COUNTS, F_SIZE_BUCKETS, <u32>(place() - from));
  countIn(CELL_OFFSETS, CELL_COUNTS, F_CELL_BUCKETS, load<u32>(latest + S_CELL_COUNT));
  set(F_PARTITION_LOG, count + 1);
  const merged = field(F_MERGED) + ((<usize>sources - 1) << 2);
  store<u32>(merged, load<u32>(merged) + 1);
  return -1;
}
