/**
 * A merge of partitions that only looks for those in which something may be deleted or expire, as a WebAssembly kernel, in AssemblyScript. Partitions
 * that have but rows as INSERT writes them, in all SSTables that have them, are counted. Of others the log says where they lie.
 *
 * The layout of the memory is drawn in `../pass-memory.ts`; that of the state and of sources, and copies beyond an end, are those of `plain.as.ts`.
 */
import {
  END,
  IS_FULL,
  IS_OTHER,
  MORE,
  NEEDS_MORE,
  get,
  OTHER,
  S_HASH,
  S_KIND,
  S_NEXT,
  S_OPEN,
  S_POS,
  S_READ,
  set,
  SOURCE_ENDED,
  UNKNOWN,
} from './plain-layout.lib.as';
import { comparePartitions } from './plain-order.lib.as';
import { readWhole } from './plain-read.lib.as';

// ---- fields of the state beside those of `plain-layout.lib.as.ts`, and of a source
const F_SOURCE = 0;
/** In the list of sources: those to be read, then those in order, up to its end. */
const F_UNREAD = 600;
const F_ORDERED = 601;
const F_LIST_END = 602;
const F_PASSED = 603;
const F_LOG = 604;
const F_LOG_END = 605;
const LIST: usize = 4096;
const S_IS_OTHER: usize = S_OPEN;

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
  const members: usize = next - first;
  if (log + HEAD_BYTES + members * MEMBER_BYTES > <usize>get(F_LOG_END)) return false;
  const least = listed(first);
  store<u32>(log, <u32>members);
  store<u64>(log + 8, load<u64>(least + S_HASH));
  store<u64>(log + 16, load<u64>(least + S_HASH + 8));
  let p = log + HEAD_BYTES;
  for (let i = first; i < next; i++) {
    const s = listed(i);
    store<u32>(p, <u32>s);
    store<u32>(p + 4, load<u32>(s + S_POS));
    store<u32>(p + 8, load<u32>(s + S_NEXT));
    p += MEMBER_BYTES;
  }
  set(F_LOG, <i32>p);
  return true;
}
