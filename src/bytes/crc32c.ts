/** CRC-32C (Castagnoli, as java.util.zip.CRC32C), eight bytes a step by tables. */

const POLYNOMIAL = 0x82f63b78 | 0;
const STEP = 8;
let tables: Int32Array[] | undefined;

function makeTables(): Int32Array[] {
  const first = new Int32Array(256);
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? POLYNOMIAL ^ (c >>> 1) : c >>> 1;
    first[n] = c;
  }
  const all = [first];
  for (let k = 1; k < STEP; k++) {
    const before = all[k - 1]!;
    all.push(Int32Array.from(before, (c) => first[c & 0xff]! ^ (c >>> 8)));
  }
  return all;
}

/** CRC-32C of `data`, continuing from `value`; unsigned 32 bits. */
export function crc32c(data: Uint8Array, value = 0): number {
  tables ??= makeTables();
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables as [
    Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array,
  ]; // biome-ignore format: as a table
  let c = ~value;
  let i = 0;
  for (const end = data.length - STEP; i <= end; i += STEP) {
    const low = c ^ (data[i]! | (data[i + 1]! << 8) | (data[i + 2]! << 16) | (data[i + 3]! << 24));
    c =
      t7[low & 0xff]! ^
      t6[(low >>> 8) & 0xff]! ^
      t5[(low >>> 16) & 0xff]! ^
      t4[low >>> 24]! ^
      t3[data[i + 4]!]! ^
      t2[data[i + 5]!]! ^
      t1[data[i + 6]!]! ^
      t0[data[i + 7]!]!;
  }
  for (; i < data.length; i++) c = t0[(c ^ data[i]!) & 0xff]! ^ (c >>> 8);
  return ~c >>> 0;
}
