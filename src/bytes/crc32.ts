/** CRC-32 (IEEE, as java.util.zip.CRC32). From node:zlib where it is (20.15 and later), else by table. */
import zlib from 'node:zlib';

const native = (zlib as unknown as { crc32?: (data: Uint8Array, value?: number) => number }).crc32;
let table: Int32Array | undefined;

function makeTable(): Int32Array {
  const t = new Int32Array(256);
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    t[n] = c;
  }
  return t;
}

function byTable(data: Uint8Array, value = 0): number {
  table ??= makeTable();
  let c = ~value;
  for (let i = 0; i < data.length; i++) c = table[(c ^ data[i]!) & 0xff]! ^ (c >>> 8);
  return ~c >>> 0;
}

/** CRC-32 of `data`, continuing from `value`; unsigned 32 bits. */
export const crc32: (data: Uint8Array, value?: number) => number = native ?? byTable;

/** CRC-32 of an int32's four bytes, big-endian: by table, for a call of the native one costs more. */
export function crc32OfInt(int: number, value = 0): number {
  table ??= makeTable();
  let c = ~value;
  c = table[(c ^ (int >>> 24)) & 0xff]! ^ (c >>> 8);
  c = table[(c ^ (int >>> 16)) & 0xff]! ^ (c >>> 8);
  c = table[(c ^ (int >>> 8)) & 0xff]! ^ (c >>> 8);
  c = table[(c ^ int) & 0xff]! ^ (c >>> 8);
  return ~c >>> 0;
}

/** As checksums are shown: `0x` and eight hexadecimal digits. */
export function crcText(crc: number): string {
  return `0x${crc.toString(16).padStart(8, '0')}`;
}
