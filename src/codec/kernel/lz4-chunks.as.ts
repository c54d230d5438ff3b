/**
 * Chunks of Data.db that LZ4 has compressed, many at a call, as a WebAssembly kernel in AssemblyScript:
 *
 *   chunk   u32 LE plain length, LZ4 block | u32 BE CRC-32 of both
 *           bytes as they were, where they did not become shorter than the table's limit | u32 BE CRC-32 of them
 *
 * Each is decompressed, and of the CRC-32s that are stored the one is made that all these bytes together have if each of them is right: the caller
 * holds it to the bytes, in one go, which is sooner done than chunk by chunk. Two CRC-32s are put together as `bytes/crc32-combine.ts` says.
 *
 * State, which the caller lays out (`../lz4-chunks.ts`):
 */
import { decode } from './lz4-decode.lib.as';

const SUM: usize = 0;
const END: usize = 4;
const POWERS: usize = 16;
const OFFSETS: usize = 16 + 3 * 1024;

const CRC_BYTES: i64 = 4;
const LENGTH_BYTES: usize = 4;
const POLYNOMIAL: u32 = 0xedb88320;
const ONE: u32 = 0x80000000;
/** x^8, and x^32. */
const X_8: u32 = 0x00800000;
const X_32: u32 = POLYNOMIAL;

/** Of two polynomials modulo that of CRC-32, bits reversed. */
// @ts-ignore: decorators of functions are AssemblyScript
@inline
function product(a: u32, b: u32): u32 {
  let sum: u32 = 0;
  for (; a != 0; a <<= 1) {
    sum ^= b & <u32>(<i32>a >> 31);
    b = (b >> 1) ^ (POLYNOMIAL & (0 - (b & 1)));
  }
  return sum;
}

/** Fills POWERS: x^(8n), x^(8 × 256 n) and x^(8 × 65536 n) for n below 256. */
export function prepare(state: usize): void {
  let step = X_8;
  for (let table = state + POWERS; table < state + OFFSETS; table += 1024) {
    let power = ONE;
    for (let n: usize = 0; n < 256; n++) {
      store<u32>(table + (n << 2), power);
      power = product(power, step);
    }
    step = power;
  }
}

/** x^(8 × `bytes`), of fewer than 2^24. */
// @ts-ignore: decorators of functions are AssemblyScript
@inline
function shift(powers: usize, bytes: usize): u32 {
  const low = product(load<u32>(powers + ((bytes & 0xff) << 2)), load<u32>(powers + (((bytes >> 8) & 0xff) << 2), 1024));
  return bytes < 65536 ? low : product(low, load<u32>(powers + ((bytes >> 16) << 2), 2048));
}

/**
 * As many chunks as are as they should be, of the `count` whose positions in the file are at OFFSETS, i64 big-endian, with the position after them.
 * The file's bytes from `base` on lie at [raw, rawEnd); plain bytes go to `target` on, `chunkLength` of each chunk and `lastLength` of the last of
 * the count. `sum` is the CRC-32 of the bytes before. SUM becomes that of all up to END, in memory, if each chunk's is right.
 */
export function run(state: usize, count: u32, raw: usize, rawEnd: usize, base: f64, target: usize, chunkLength: u32, lastLength: u32, limit: u32, sum: u32): u32 {
  const powers = state + POWERS;
  const first = <i64>base;
  const most = <i64>(rawEnd - raw);
  let offsets = state + OFFSETS;
  let at = target;
  let start = <i64>bswap<u64>(load<u64>(offsets)) - first;
  let done: u32 = 0;
  for (; done < count; done++) {
    offsets += 8;
    const end = <i64>bswap<u64>(load<u64>(offsets)) - first;
    if (start < 0 || end < start + CRC_BYTES || end > most) break;
    const from = raw + <usize>start;
    const to = raw + <usize>(end - CRC_BYTES);
    const stored = <u32>(to - from);
    const plain = done + 1 == count ? lastLength : chunkLength;
    if (stored >= limit) {
      if (stored != (plain > limit ? plain : limit)) break;
      memory.copy(at, from, plain);
    } else {
      if (stored <= <u32>LENGTH_BYTES || stored > plain + plain / 6 + 1024 || load<u32>(from) != plain) break;
      if (!decode(from + LENGTH_BYTES, to, at, at + plain)) break;
    }
    const expected = load<u32>(to);
    const body = product(shift(powers, stored), sum) ^ bswap<u32>(expected);
    sum = ~product(X_32, ~body ^ expected);
    at += plain;
    start = end;
  }
  store<u32>(state + SUM, sum);
  store<u32>(state + END, raw + <u32>start);
  return done;
}
