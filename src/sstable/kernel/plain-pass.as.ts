/**
 * A merge of partitions that only looks for those in which something may be deleted or expire, as a WebAssembly kernel, in AssemblyScript. Partitions
 * that have but rows as INSERT writes them, in all SSTables that have them, are counted. Of others the log says where they lie.
 *
 * The layout of the memory is drawn in `../pass-memory.ts`; that of the state and of sources, and copies beyond an end, are those of `plain.as.ts`.
 */
import {
  END,
  get,
  IS_FULL,
  IS_OTHER,
  MORE,
  NEEDS_MORE,
  NO_TIME,
  OTHER,
  S_FLAGS,
  S_HASH,
  S_KIND,
  S_NEXT,
  S_OPEN,
  S_POS,
  S_READ,
  S_TIME,
  set,
  SOURCE_ENDED,
  UNKNOWN,
} from './plain-layout.lib.as';
import { ITEM_BYTES, MOST_ITEMS, putResult, readOne, RESULT_BYTES, startMerged } from './one-row.lib.as';
import { comparePartitions } from './plain-order.lib.as';
import { readWhole, S_PARTITION_TIME, S_ROWS } from './plain-read.lib.as';

// ---- fields of the state beside those of `plain-layout.lib.as.ts`, and of a source
const F_SOURCE = 0;
/** In the list of sources: those to be read, then those in order, up to its end. */
const F_UNREAD = 600;
const F_ORDERED = 601;
const F_LIST_END = 602;
const F_PASSED = 603;
const F_LOG = 604;
const F_LOG_END = 605;
/** Whether partitions have one row at most, of columns that are all known: then a later one of them may hide all others, see {@link hidden}. */
const F_HAS_ONE_ROW = 606;
/** Whether what is deleted and has expired in partitions of one row at most is told here, see `one-row.lib.as.ts`. */
const F_TELLS = 607;
const LIST: usize = 4096;
const S_IS_OTHER: usize = S_OPEN;
/** i64: nothing in the SSTable is later. */
const S_MAX_TIME: usize = S_OPEN + 8;

/** Flags of a row with all columns. */
const ALL_COLUMNS: u32 = 0x24;

/** What is to be done with the partitions that the log tells. */
const MERGE: i32 = 0;
/** Nothing of the merge is theirs: what is deleted in each of them is asked for alone. */
const PASS_OVER: i32 = 1;
/** The same, but for the first, which is all that the merge gives. */
const FIRST_ALONE: i32 = 2;
/** Nothing: a result and items follow. */
const NOTHING: i32 = 3;

/** SSTables of which so many items fit into the log. */
const MOST_TOLD: i32 = 16;

const HEAD_BYTES: usize = 24;
const MEMBER_BYTES: usize = 12;

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function listed(i: i32): usize {
  return load<u32>(LIST + (<usize>i << 2));
}

/** Goes on with the partitions of all sources. Where it stops for one of them, F_SOURCE is its address. */
export function pass(): i32 {
  while (true) {
    const stopped = readAll();
    if (stopped >= 0) return stopped;
    const first = get(F_ORDERED);
    const end = get(F_LIST_END);
    if (first == end) return SOURCE_ENDED;
    const least = listed(first);
    let isPlain = load<u32>(least + S_KIND) != OTHER;
    let next = first + 1;
    for (; next < end; next++) {
      const s = listed(next);
      if (comparePartitions(s, least) != 0) break;
      if (load<u32>(s + S_KIND) == OTHER) isPlain = false;
    }
    if (isPlain) set(F_PASSED, get(F_PASSED) + 1);
    else if (!note(first, next)) return IS_FULL;
    for (let i = first; i < next; i++) {
      const s = listed(i);
      store<u32>(s + S_POS, load<u32>(s + S_NEXT));
      store<u32>(s + S_READ, load<u32>(s + S_READ) + 1);
    }
    set(F_ORDERED, next);
  }
}

/** Reads the partitions of the sources that are to be read, and puts these in order. Returns −1, or why one can't be. */
function readAll(): i32 {
  let first = get(F_ORDERED);
  const end = get(F_LIST_END);
  let unread = get(F_UNREAD);
  while (first > unread) {
    const s = listed(first - 1);
    const kind = readWhole(s, load<u32>(s + S_IS_OTHER) != 0);
    if (kind == MORE || kind == UNKNOWN) {
      set(F_UNREAD, unread);
      set(F_ORDERED, first);
      set(F_SOURCE, <i32>s);
      return kind == MORE ? NEEDS_MORE : IS_OTHER;
    }
    if (kind == END) {
      store<u32>(LIST + (<usize>(first - 1) << 2), <u32>listed(unread));
      store<u32>(LIST + (<usize>unread << 2), <u32>s);
      unread++;
      continue;
    }
    store<u32>(s + S_KIND, kind);
    let from = first;
    let to = end;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (comparePartitions(listed(middle), s) < 0) from = middle + 1;
      else to = middle;
    }
    const place = LIST + (<usize>(first - 1) << 2);
    memory.copy(place, place + 4, <usize>(from - first) << 2);
    store<u32>(LIST + (<usize>(from - 1) << 2), <u32>s);
    first--;
  }
  set(F_UNREAD, unread);
  set(F_ORDERED, first);
  return -1;
}

/** Writes where the sources of the list from `first` to `next` have their partition. Returns whether there was room. */
function note(first: i32, next: i32): bool {
  const log: usize = get(F_LOG);
  if (log + HEAD_BYTES + <usize>(next - first) * MEMBER_BYTES > <usize>get(F_LOG_END)) return false;
  const least = listed(first);
  store<u64>(log + 8, load<u64>(least + S_HASH));
  store<u64>(log + 16, load<u64>(least + S_HASH + 8));
  const alone = get(F_HAS_ONE_ROW) && next - first > 1 ? latestDeletion(first, next) : 0;
  const action = alone ? FIRST_ALONE : get(F_HAS_ONE_ROW) && hasLatestRow(first, next) ? PASS_OVER : MERGE;
  if (get(F_TELLS) && get(F_HAS_ONE_ROW) && next - first <= MOST_TOLD) {
    const most = RESULT_BYTES + <usize>(next - first) * (MEMBER_BYTES + MOST_ITEMS * ITEM_BYTES);
    if (log + HEAD_BYTES + most > <usize>get(F_LOG_END)) return false;
    if (tell(log, first, next, action, alone)) return true;
  }
  let members: u32 = 0;
  let p = log + HEAD_BYTES;
  if (alone) {
    putMember(p, alone);
    members++;
  }
  for (let i = first; i < next; i++) {
    const s = listed(i);
    if (s == alone || (action != MERGE && load<u32>(s + S_KIND) != OTHER)) continue;
    putMember(p + members * MEMBER_BYTES, s);
    members++;
  }
  store<u32>(log, members);
  store<i32>(log + 4, action);
  set(F_LOG, <i32>(p + members * MEMBER_BYTES));
  return true;
}

/** Writes what a read meets of the partition, and the items of each SSTable that has any. Returns whether all of it is known. */
function tell(log: usize, first: i32, next: i32, action: i32, alone: usize): bool {
  startMerged();
  let members: u32 = 0;
  let p = log + HEAD_BYTES + RESULT_BYTES;
  for (let i = first; i < next; i++) {
    const s = listed(i);
    if (load<u32>(s + S_IS_OTHER)) return false;
    const items = p + MEMBER_BYTES;
    const end = readOne(s, items, action == MERGE || s == alone);
    if (end == 0) return false;
    if (end == items) continue;
    putMember(p, s);
    store<u32>(p + 8, <u32>((end - items) / ITEM_BYTES));
    members++;
    p = end;
  }
  store<u32>(log, members);
  store<i32>(log + 4, NOTHING);
  putResult(log + HEAD_BYTES, action == MERGE ? next - first : 1);
  set(F_LOG, <i32>p);
  return true;
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function putMember(to: usize, s: usize): void {
  store<u32>(to, <u32>s);
  store<u32>(to + 4, load<u32>(s + S_POS));
  store<u32>(to + 8, load<u32>(s + S_NEXT));
}

// ---- partitions of one row at most

/**
 * Whether a row with all columns is later than all in those partitions that have anything else than such a row, and none of these is deleted as a whole:
 * then it alone is what a read meets.
 */
function hasLatestRow(first: i32, next: i32): bool {
  let row: i64 = NO_TIME;
  let others: i64 = NO_TIME;
  for (let i = first; i < next; i++) {
    const s = listed(i);
    if (load<u32>(s + S_KIND) == OTHER) {
      if (load<i64>(s + S_PARTITION_TIME) != NO_TIME) return false;
      others = max(others, load<i64>(s + S_MAX_TIME));
    } else {
      if (load<u32>(s + S_ROWS) != 1) return false;
      if (load<u32>(s + S_FLAGS) == ALL_COLUMNS) row = max(row, load<i64>(s + S_TIME));
    }
  }
  return row > others;
}

/** The source that has nothing but a deletion of the partition, later than all that others have of it; 0 where there is none. */
function latestDeletion(first: i32, next: i32): usize {
  let found: usize = 0;
  for (let i = first; i < next; i++) {
    const s = listed(i);
    const time = load<i64>(s + S_PARTITION_TIME);
    if (time == NO_TIME || load<u32>(s + S_ROWS) > 0) continue;
    if (!found || time > load<i64>(found + S_PARTITION_TIME)) found = s;
  }
  if (!found) return 0;
  const deleted = load<i64>(found + S_PARTITION_TIME);
  for (let i = first; i < next; i++) {
    const s = listed(i);
    if (s == found) continue;
    const isOther = load<u32>(s + S_KIND) == OTHER;
    if (!isOther && load<u32>(s + S_ROWS) != 1) return 0;
    if (load<i64>(s + (isOther ? S_MAX_TIME : S_TIME)) >= deleted) return 0;
  }
  return found;
}
