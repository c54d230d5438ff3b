/**
 * Cassandra's MurmurHash as a WebAssembly kernel, in AssemblyScript: hash3_x64_128 and hash2_64, both with seed 0, and both with the last bytes
 * taken as signed, so that the results differ from everybody else's where one of them is 0x80 or above. And the bits of a Bloom filter that belong
 * to a hash. Arguments are addresses in the kernel's own memory.
 */
const C1: u64 = 0x87c37b91114253d5;
const C2: u64 = 0x4cf5ad432745937f;
const M: u64 = 0xc6a4a7935bd1e995;

/** XOR of `count` bytes, below 8, each sign-extended to 64 bits and then shifted to its place. */
// @ts-ignore: decorators of functions are AssemblyScript
@inline
function tail(at: usize, count: usize): u64 {
  let word: u64 = 0;
  for (let i: usize = 0; i < count; i++) word ^= <u64>(<i64>load<i8>(at + i)) << (<u64>i << 3);
  return word;
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function mix1(k: u64): u64 {
  return rotl<u64>(k * C1, 31) * C2;
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function mix2(k: u64): u64 {
  return rotl<u64>(k * C2, 33) * C1;
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function finalMix(k: u64): u64 {
  k = (k ^ (k >> 33)) * 0xff51afd7ed558ccd;
  k = (k ^ (k >> 33)) * 0xc4ceb9fe1a85ec53;
  return k ^ (k >> 33);
}

/** The 128 bits of `[start, end)`: h1 at `out`, h2 at `out` + 8, each with its high half first. */
export function murmur3(start: usize, end: usize, out: usize): void {
  const length = end - start;
  const blocksEnd = start + (length & ~15);
  let h1: u64 = 0;
  let h2: u64 = 0;
  let p = start;
  for (; p < blocksEnd; p += 16) {
    h1 = (rotl<u64>(h1 ^ mix1(load<u64>(p)), 27) + h2) * 5 + 0x52dce729;
    h2 = (rotl<u64>(h2 ^ mix2(load<u64>(p + 8)), 31) + h1) * 5 + 0x38495ab5;
  }
  const rest = end - p;
  if (rest > 8) h2 ^= mix2(tail(p + 8, rest - 8));
  if (rest > 0) h1 ^= mix1(rest >= 8 ? signedWord(p) : tail(p, rest));
  h1 ^= <u64>length;
  h2 ^= <u64>length;
  h1 += h2;
  h2 += h1;
  h1 = finalMix(h1);
  h2 = finalMix(h2);
  h1 += h2;
  h2 += h1;
  store<u64>(out, rotl<u64>(h1, 32));
  store<u64>(out + 8, rotl<u64>(h2, 32));
}

/** {@link tail} of 8 bytes. */
function signedWord(at: usize): u64 {
  return tail(at, 8);
}

/** The 64 bits of `[start, end)` at `out`, high half first. */
export function murmur2(start: usize, end: usize, out: usize): void {
  const length = end - start;
  const blocksEnd = start + (length & ~7);
  let h: u64 = <u64>length * M;
  let p = start;
  for (; p < blocksEnd; p += 8) {
    let k = load<u64>(p) * M;
    k = (k ^ (k >> 47)) * M;
    h = (h ^ k) * M;
  }
  if (p < end) h = (h ^ tail(p, end - p)) * M;
  h = (h ^ (h >> 47)) * M;
  store<u64>(out, rotl<u64>(h ^ (h >> 47), 32));
}

// The bits of a hash at `hash`, as murmur3 leaves it, in a filter of `words` × 64 bits at `bits`: |(h2 + k · h1) % capacity|, in wrapping int64.

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function bitOf(sum: i64, capacity: i64): u64 {
  const rest = sum % capacity;
  return <u64>(rest < 0 ? -rest : rest);
}

/** Sets the bits. */
export function setBits(bits: usize, words: u32, hashCount: i32, hash: usize): void {
  const capacity = <i64>words << 6;
  const step = <i64>rotl<u64>(load<u64>(hash), 32);
  let sum = <i64>rotl<u64>(load<u64>(hash + 8), 32);
  for (let k = 0; k < hashCount; k++) {
    const bit = bitOf(sum, capacity);
    const at = bits + <usize>(bit >> 3);
    store<u8>(at, load<u8>(at) | (1 << (<u8>bit & 7)));
    sum += step;
  }
}

/** What is left of a division, from 0 on whatever the signs. */
// @ts-ignore: decorators of functions are AssemblyScript
@inline
function modulo(value: i64, by: i64): i64 {
  const rest = value % by;
  return rest < 0 ? rest + by : rest;
}

/**
 * Sets the bits of `count` hashes, one after the other. Divisions cost more than all else: of each hash h1 and h2 are divided, and the rests are added
 * up, with what a sum loses that goes beyond 2^63.
 */
export function setBitsOf(bits: usize, words: u32, hashCount: i32, hashes: usize, count: i32): void {
  const capacity = <i64>words << 6;
  const wrapped = <i64>((u64.MAX_VALUE % <u64>capacity) + 1) % capacity;
  for (let i = 0; i < count; i++) {
    const hash = hashes + (<usize>i << 4);
    const step = <i64>rotl<u64>(load<u64>(hash), 32);
    let sum = <i64>rotl<u64>(load<u64>(hash + 8), 32);
    const stepRest = modulo(step, capacity);
    let rest = modulo(sum, capacity);
    for (let k = 0; k < hashCount; k++) {
      const bit = <u64>(sum >= 0 || rest == 0 ? rest : capacity - rest);
      const at = bits + <usize>(bit >> 3);
      store<u8>(at, load<u8>(at) | (1 << (<u8>bit & 7)));
      const next = sum + step;
      rest += stepRest;
      if (rest >= capacity) rest -= capacity;
      if (((sum ^ next) & (step ^ next)) < 0) {
        rest += sum < 0 ? wrapped : -wrapped;
        if (rest >= capacity) rest -= capacity;
        else if (rest < 0) rest += capacity;
      }
      sum = next;
    }
  }
}

/** Whether all of the bits are set. */
export function hasBits(bits: usize, words: u32, hashCount: i32, hash: usize): bool {
  const capacity = <i64>words << 6;
  const step = <i64>rotl<u64>(load<u64>(hash), 32);
  let sum = <i64>rotl<u64>(load<u64>(hash + 8), 32);
  for (let k = 0; k < hashCount; k++) {
    const bit = bitOf(sum, capacity);
    if (!(load<u8>(bits + <usize>(bit >> 3)) & (1 << (<u8>bit & 7)))) return false;
    sum += step;
  }
  return true;
}

/** How many bits are set in the words of 64 bits of `[start, end)`. */
export function countBits(start: usize, end: usize): u32 {
  let count: u64 = 0;
  for (let at = start; at < end; at += 8) count += popcnt<u64>(load<u64>(at));
  return <u32>count;
}
