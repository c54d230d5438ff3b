/**
 * What an entry of Index.db is made of, and keys held to each other.
 *
 *   entry       u16 length, key | vint position | vint n, n bytes of row index
 */

/** Of the two numbers of an entry, each at most 9 bytes. */
export const NUMBERS_BYTES: usize = 18;

/** Bytes beyond the first of the vint at `at`. */
// @ts-ignore: decorators of functions are AssemblyScript
@inline
export function extraOf(at: usize): usize {
  return <usize>clz<u32>(~(<u32>load<u8>(at) << 24));
}

/** Its value; `extra` as extraOf says. */
// @ts-ignore: decorators of functions are AssemblyScript
@inline
export function vint(at: usize, extra: usize): u64 {
  let value: u64 = extra >= 7 ? 0 : <u64>(load<u8>(at) & (0xff >> <u8>(extra + 1)));
  for (let i: usize = 1; i <= extra; i++) value = (value << 8) | load<u8>(at + i);
  return value;
}

/** Whether two times `length` bytes are the same. */
// @ts-ignore: decorators of functions are AssemblyScript
@inline
export function isSame(a: usize, b: usize, length: usize): bool {
  let i: usize = 0;
  for (; i + 8 <= length; i += 8) if (load<u64>(a + i) != load<u64>(b + i)) return false;
  for (; i < length; i++) if (load<u8>(a + i) != load<u8>(b + i)) return false;
  return true;
}
