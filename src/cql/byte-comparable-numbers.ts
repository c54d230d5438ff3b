/**
 * Byte-comparable forms of numbers without a fixed length:
 *
 *   int64     as many bits as there are bytes, all the inverted sign | the number in two's complement; 0 is 80, -1 7F, 64 C040
 *   varint    the same below seven bytes, else 00 or FF | length - 7 as an unsigned vint, inverted if negative | two's complement
 *   decimal   80 for zero, else header | exponent | pairs | 00
 *             with value = 0.p1p2p3… · 100^exponent: header is 40 ± bytes of the exponent, + 80 if positive; the exponent is negated if the
 *             value is negative; p1 is 80 + two digits, of negative values 80 - them, rounded down, and what follows is what is missing to that
 */
import type { ByteWriter } from '../bytes/writer.js';
import { decimalParts, varintOf } from './numbers.js';

/** Form of an int64: one to nine bytes. */
export function signedVint(out: ByteWriter, value: bigint): void {
  const mask = value < 0n ? -1n : 0n;
  const magnitude = value ^ mask;
  const bits = magnitude === 0n ? 1 : magnitude.toString(2).length;
  const bytes = Math.floor(bits / 7) + 1;
  if (bytes >= 9) {
    out.u8(value < 0n ? 0x00 : 0xff);
    out.i64FromBigInt((magnitude | (1n << 63n)) ^ mask);
    return;
  }
  const prefix = BigInt((-0x100 >> bytes) & 0xff) << BigInt(bytes * 8 - 8);
  const all = (magnitude | prefix) ^ mask;
  for (let shift = bytes * 8 - 8; shift >= 0; shift -= 8) out.u8(Number((all >> BigInt(shift)) & 0xffn));
}

/** Unsigned vint, every byte XORed with `mask`. */
function unsignedVint(out: ByteWriter, value: number, mask: number): void {
  const start = out.pos;
  out.uvint(value);
  for (let i = start; i < out.pos; i++) out.buf[i] = out.buf[i]! ^ mask;
}

/** Form of a varint that is not empty. */
export function varint(out: ByteWriter, value: Uint8Array): void {
  const sign = value[0]! & 0x80 ? 0xff : 0;
  let p = 0;
  // only whole sign bytes go: the sign stands in front of the long form
  while (p + 1 < value.length && value[p] === sign) p++;
  const length = value.length - p;
  if (length < 7) {
    signedVint(out, varintOf(value, Math.max(0, p - 1), value.length));
    return;
  }
  out.u8(sign ^ 0xff);
  unsignedVint(out, length - 7, sign);
  out.bytes(value, p);
}

/** Form of a decimal. @throws CorruptError for less than five bytes */
export function decimal(out: ByteWriter, value: Uint8Array): void {
  const { sign, digits, exponent } = decimalParts(value, 0, value.length);
  if (sign === 0) {
    out.u8(0x80);
    return;
  }
  decimalExponent(out, Math.ceil(exponent / 2), sign);
  // pairs of digits from an even power of ten
  const text = (exponent % 2 === 0 ? '' : '0') + digits;
  const pairs = text.length % 2 === 0 ? text : `${text}0`;
  const last = pairs.length - 2;
  for (let i = 0; i <= last; i += 2) {
    const pair = Number(pairs.slice(i, i + 2));
    // of negative numbers the first pair is rounded down, and the rest is what is missing to it
    const borrow = i === last ? 0 : 1;
    out.u8(0x80 + (sign > 0 ? pair : i === 0 ? -pair - borrow : 100 - pair - borrow));
  }
  out.u8(0);
}

function decimalExponent(out: ByteWriter, exponent: number, sign: -1 | 1): void {
  const modulated = sign * exponent;
  const bytes = 4 - Math.floor(Math.clz32(Math.abs(modulated)) / 8);
  out.u8((sign > 0 ? 0x80 : 0) + 0x40 + (modulated < 0 ? -bytes : bytes));
  for (let i = bytes - 1; i >= 0; i--) out.u8((modulated >> (8 * i)) & 0xff);
}
