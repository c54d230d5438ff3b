/** The order of what sources stand on, as Cassandra has it. */
import {
  F_CLUSTERING_ORDER,
  get,
  MARKER,
  S_BOUND,
  S_ENDS,
  S_KEY,
  S_KEY_LENGTH,
  S_KIND,
  S_SIZE,
  S_STARTS,
  S_TOKEN,
} from './plain-layout.lib.as';

function compareBytes(a: usize, aEnd: usize, b: usize, bEnd: usize): i32 {
  const length = min(aEnd - a, bEnd - b);
  let i: usize = 0;
  for (; i + 8 <= length; i += 8) {
    const x = load<u64>(a + i);
    const y = load<u64>(b + i);
    if (x != y) return bswap<u64>(x) < bswap<u64>(y) ? -1 : 1;
  }
  for (; i < length; i++) {
    const d = <i32>load<u8>(a + i) - <i32>load<u8>(b + i);
    if (d != 0) return d;
  }
  return <i32>(aEnd - a) - <i32>(bEnd - b);
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function order(a: u64, b: u64): i32 {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The time of a UUID of version 1, with its version on top. */
// @ts-ignore: decorators of functions are AssemblyScript
@inline
function uuidTime(id: usize): u64 {
  const word = bswap<u64>(load<u64>(id));
  return (word << 48) | ((word & 0xffff0000) << 16) | (word >> 32);
}

/** `how`: 0 bytes, 1 signed, 2 timeuuid, 3 uuid; see `../plain-memory.ts`. No value is empty. */
function compareValues(how: i32, a: usize, aEnd: usize, b: usize, bEnd: usize): i32 {
  if (how == 1) {
    const x = <i32>load<i8>(a);
    const y = <i32>load<i8>(b);
    if (x != y) return x - y;
  } else if (how >= 2) {
    const isTime = how == 2 || load<u8>(a + 6) >> 4 == 1;
    if (how == 3) {
      const d = <i32>(load<u8>(a + 6) >> 4) - <i32>(load<u8>(b + 6) >> 4);
      if (d != 0) return d;
    }
    if (isTime) {
      const d = order(uuidTime(a), uuidTime(b));
      if (d != 0) return d;
      const flip: u64 = how == 2 ? 0x8080808080808080 : 0;
      return order(bswap<u64>(load<u64>(a + 8)) ^ flip, bswap<u64>(load<u64>(b + 8)) ^ flip);
    }
  }
  return compareBytes(a, aEnd, b, bEnd);
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function sideOf(s: usize): i32 {
  if (load<u32>(s + S_KIND) != MARKER) return 0;
  return load<u32>(s + S_BOUND) <= 2 ? -1 : 1;
}

export function compareUnfiltered(a: usize, b: usize): i32 {
  const aSize = <i32>load<u32>(a + S_SIZE);
  const bSize = <i32>load<u32>(b + S_SIZE);
  const size = min(aSize, bSize);
  for (let i = 0; i < size; i++) {
    const o = <usize>i << 2;
    const how = get(F_CLUSTERING_ORDER + i);
    const d = compareValues(
      how & 15,
      load<u32>(a + S_STARTS + o),
      load<u32>(a + S_ENDS + o),
      load<u32>(b + S_STARTS + o),
      load<u32>(b + S_ENDS + o),
    );
    if (d != 0) return how & 16 ? -d : d;
  }
  if (aSize == bSize) return sideOf(a) - sideOf(b);
  return aSize < bSize ? sideOf(a) : -sideOf(b);
}

export function comparePartitions(a: usize, b: usize): i32 {
  const x = load<i64>(a + S_TOKEN);
  const y = load<i64>(b + S_TOKEN);
  if (x != y) return x < y ? -1 : 1;
  const aKey: usize = load<u32>(a + S_KEY);
  const bKey: usize = load<u32>(b + S_KEY);
  return compareBytes(aKey, aKey + load<u32>(a + S_KEY_LENGTH), bKey, bKey + load<u32>(b + S_KEY_LENGTH));
}
