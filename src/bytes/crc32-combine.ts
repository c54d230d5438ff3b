/**
 * The CRC-32 of two pieces from the CRC-32 of each, so that a file's is had from those of its chunks without reading the bytes twice.
 *
 * A CRC is a polynomial modulo that of CRC-32, bits reversed: appending n zero bytes multiplies it by x^(8n).
 */

const POLYNOMIAL = 0xedb88320 | 0;
const ONE = 0x80000000 | 0;
const X = 0x40000000;

/** x^(2^n) for n = 0 … 31. */
const SQUARES = (() => {
  const squares = new Int32Array(32);
  let power = X;
  for (let n = 0; n < 32; n++) {
    squares[n] = power;
    power = product(power, power);
  }
  return squares;
})();

/** x^(8n) of the lengths asked for lately: chunks are of few lengths, or of as many as a chunk has bytes. */
const shifts = new Map<number, number>();
const MAX_KEPT = 1 << 17;

/** CRC-32, unsigned, of A followed by B, of which `first` and `second` are the CRCs, B having `secondLength` bytes. */
export function combineCrc32(first: number, second: number, secondLength: number): number {
  let shift = shifts.get(secondLength);
  if (shift === undefined) {
    shift = shiftOf(secondLength);
    if (shifts.size < MAX_KEPT) shifts.set(secondLength, shift);
  }
  return (product(shift, first | 0) ^ second) >>> 0;
}

function shiftOf(bytes: number): number {
  let power = ONE;
  // the powers come again after 32: x^(2^32) is x
  for (let n = bytes, k = 3; n > 0; n = Math.floor(n / 2), k++)
    if (n % 2 === 1) power = product(SQUARES[k & 31]!, power);
  return power;
}

function product(a: number, b: number): number {
  let sum = 0;
  let factor = b;
  for (let rest = a; rest !== 0; rest <<= 1) {
    if (rest < 0) sum ^= factor;
    factor = factor & 1 ? (factor >>> 1) ^ POLYNOMIAL : factor >>> 1;
  }
  return sum;
}
