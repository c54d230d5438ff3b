/**
 * Values as the kernel of sstabledump's text writes them, see `cql/values/json.ts` and `string.ts`. Those that are not what their type makes them,
 * and those whose text is long to tell, are the caller's. A value's text is at most six times as long as the value, and some 64 bytes.
 */
import {
  D_OUT_END,
  D_ROOM,
  dump,
  K_ASCII,
  K_BLOB,
  K_BOOLEAN,
  K_COUNTER,
  K_DATE,
  K_DECIMAL,
  K_EMPTY,
  K_HEX,
  K_INTEGER,
  K_QUOTED_INTEGER,
  K_TEXT,
  K_TIMESTAMP,
  K_TIMESTAMP_T,
  K_TIMEUUID,
  K_UUID,
  K_VARINT,
} from './dump-layout.lib.as';
import { goTo, place, putByte, putClock, putDay, putSigned, putThousandths, putUnsigned, TOO_LATE } from './dump-out.lib.as';

/** Writes a value by a writer of the caller's: returns where its text ends, or 0 where it has none or there is no room for it. */
// @ts-ignore: decorators of functions are AssemblyScript
@external("env", "write")
declare function callerWrites(writer: u32, start: usize, end: usize, to: usize): usize;

const QUOTE: u32 = 0x22;
const EMPTY: u32 = 0x2222;

/** Writes the value `[start, end)` by the writer, u32 kind and u32 number, at an address. Returns whether it has a text. */
export function putValue(writer: usize, start: usize, end: usize): bool {
  if (putKnown(load<u32>(writer), start, end)) return true;
  const behind = callerWrites(load<u32>(writer + 4), start, end, place());
  // it may be of any length
  if (behind == 0 || behind + <usize>dump(D_ROOM) > <usize>dump(D_OUT_END)) return false;
  goTo(behind);
  return true;
}

function putKnown(kind: u32, start: usize, end: usize): bool {
  const length = end - start;
  switch (kind) {
    case K_TEXT:
      return putString(start, end, false);
    case K_ASCII:
      return putString(start, end, true);
    case K_BLOB:
      putByte(QUOTE);
      putByte(0x30);
      putByte(0x78);
      putHex(start, end);
      putByte(QUOTE);
      return true;
    case K_HEX:
      putByte(QUOTE);
      putHex(start, end);
      putByte(QUOTE);
      return true;
    case 0:
      return false;
  }
  if (length == 0) {
    // an empty counter is none
    if (kind == K_COUNTER) return false;
    store<u16>(place(), EMPTY);
    goTo(place() + 2);
    return true;
  }
  switch (kind) {
    case K_BOOLEAN:
      return length == 1 && putBoolean(start);
    case K_UUID:
      return length == 16 && putUuid(start, 0);
    case K_TIMEUUID:
      return length == 16 && putUuid(start, 0x10 << 16);
    case K_TIMESTAMP:
      return length == 8 && putTimestamp(start, 0x20);
    case K_TIMESTAMP_T:
      return length == 8 && putTimestamp(start, 0x54);
    case K_DATE:
      return length == 4 && putDateValue(start);
    case K_DECIMAL:
      return putDecimal(start, end);
    case K_VARINT:
      if (length > 8) return false;
      putSigned(signedOf(start, length));
      return true;
    case K_COUNTER:
      if (length < 8) return false;
      putSigned(signedOf(start, 8));
      return true;
    case K_EMPTY:
      return false;
  }
  const isQuoted = kind > K_QUOTED_INTEGER;
  if (length != <usize>(kind - (isQuoted ? K_QUOTED_INTEGER : K_INTEGER))) return false;
  if (isQuoted) putByte(QUOTE);
  putSigned(signedOf(start, length));
  if (isQuoted) putByte(QUOTE);
  return true;
}

/** Two's complement of 1 to 8 bytes. */
function signedOf(start: usize, length: usize): i64 {
  return <i64>bswap<u64>(load<u64>(start)) >> (<i64>(8 - length) << 3);
}

function putBoolean(at: usize): bool {
  const isTrue = load<u8>(at) != 0;
  store<u32>(place(), isTrue ? 0x65757274 : 0x736c6166); // "true", "fals"
  store<u8>(place() + 4, 0x65);
  goTo(place() + (isTrue ? 4 : 5));
  return true;
}

// ---- hex

/** Lower-case hex digits of four bytes, the first in the lowest place. */
// @ts-ignore: decorators of functions are AssemblyScript
@inline
function hexOf(bytes: u32): u64 {
  let v = <u64>bytes;
  v = (v | (v << 16)) & 0x0000ffff0000ffff;
  v = (v | (v << 8)) & 0x00ff00ff00ff00ff;
  const n = ((v >> 4) & 0x000f000f000f000f) | ((v & 0x000f000f000f000f) << 8);
  const isLetter = ((n + 0x0606060606060606) >> 4) & 0x0101010101010101;
  return n + 0x3030303030303030 + isLetter * 0x27;
}

/** Reads and writes up to the next four and eight bytes beyond the end. */
function putHex(start: usize, end: usize): void {
  let p = place();
  for (let at = start; at < end; at += 4) {
    store<u64>(p, hexOf(load<u32>(at)));
    p += 8;
  }
  goTo(place() + ((end - start) << 1));
}

/** In quotes; `bits` are set in the second four bytes. */
function putUuid(at: usize, bits: u32): bool {
  const p = place();
  const second = hexOf(load<u32>(at + 4) | bits);
  const third = hexOf(load<u32>(at + 8));
  store<u8>(p, QUOTE);
  store<u64>(p + 1, hexOf(load<u32>(at)));
  store<u8>(p + 9, 0x2d);
  store<u32>(p + 10, <u32>second);
  store<u8>(p + 14, 0x2d);
  store<u32>(p + 15, <u32>(second >> 32));
  store<u8>(p + 19, 0x2d);
  store<u32>(p + 20, <u32>third);
  store<u8>(p + 24, 0x2d);
  store<u32>(p + 25, <u32>(third >> 32));
  store<u64>(p + 29, hexOf(load<u32>(at + 12)));
  store<u8>(p + 37, QUOTE);
  goTo(p + 38);
  return true;
}

// ---- times and numbers

function putTimestamp(at: usize, separator: u32): bool {
  const millis = signedOf(at, 8);
  if (millis < 0 || millis >= TOO_LATE * 1000) return false;
  const seconds = <u64>millis / 1000;
  putByte(QUOTE);
  putClock(seconds, separator);
  putThousandths(<u32>(<u64>millis - seconds * 1000));
  putByte(0x5a);
  putByte(QUOTE);
  return true;
}

function putDateValue(at: usize): bool {
  const day = bswap<u32>(load<u32>(at)) - 0x80000000;
  if (day >= <u32>(TOO_LATE / 86400)) return false;
  putByte(QUOTE);
  putDay(day);
  putByte(QUOTE);
  return true;
}

/** Without an exponent, of an unscaled value of at most 8 bytes. */
function putDecimal(start: usize, end: usize): bool {
  const length = end - start;
  if (length < 5 || length > 12) return false;
  const scale = <i32>bswap<u32>(load<u32>(start));
  if (scale < 0 || scale > 40) return false;
  const before = place();
  const unscaled = signedOf(start + 4, length - 4);
  if (unscaled < 0) putByte(0x2d);
  const digits = place();
  putUnsigned(unscaled < 0 ? <u64>0 - <u64>unscaled : <u64>unscaled);
  const count = <i32>(place() - digits);
  if (count - 1 - scale < -6) {
    goTo(before);
    return false;
  }
  if (scale == 0) return true;
  const leading = scale - count + 1; // zeros before the digits, with the one before the point
  const shift = leading > 0 ? leading : 0;
  // from the end on: the digits behind the point go one place further
  let from = place() - 1;
  for (let i = 0; i < scale; i++) {
    store<u8>(from + <usize>shift + 1, i < count ? load<u8>(from) : 0x30);
    from--;
  }
  const point = place() + <usize>shift - <usize>scale;
  store<u8>(point, 0x2e);
  if (leading > 0) store<u8>(digits, 0x30);
  goTo(place() + <usize>shift + 1);
  return true;
}

// ---- text

/** Whether one of eight bytes is to be escaped or not ASCII: its highest bit is set, or gets set by a borrow, see `cql/values/text.ts`. */
// @ts-ignore: decorators of functions are AssemblyScript
@inline
function hasSpecial(word: u64): bool {
  const quote = word ^ 0x2222222222222222;
  const backslash = word ^ 0x5c5c5c5c5c5c5c5c;
  const borrows = (word - 0x2020202020202020) | (quote - 0x0101010101010101) | (backslash - 0x0101010101010101);
  return ((word | borrows) & 0x8080808080808080) != 0;
}

/** As a JSON string. Reads and writes up to 7 bytes beyond the ends. Returns whether it is UTF-8, or ASCII. */
function putString(start: usize, end: usize, isAscii: bool): bool {
  const before = place();
  let p = before;
  let at = start;
  store<u8>(p++, QUOTE);
  while (at < end) {
    let word = load<u64>(at);
    let n = end - at;
    if (n < 8) word = (word & ((<u64>1 << (<u64>n << 3)) - 1)) | (0x2020202020202020 << (<u64>n << 3));
    else n = 8;
    if (!hasSpecial(word)) {
      store<u64>(p, word);
      p += n;
      at += n;
      continue;
    }
    const stop = at + n;
    while (at < stop) {
      const byte: u32 = load<u8>(at);
      if (byte >= 0x80) {
        const next = isAscii ? 0 : sequenceEnd(at, end);
        if (next == 0) {
          goTo(before);
          return false;
        }
        store<u32>(p, load<u32>(at));
        p += next - at;
        at = next;
      } else if (byte >= 0x20 && byte != 0x22 && byte != 0x5c) {
        store<u8>(p++, byte);
        at++;
      } else {
        p = escape(p, byte);
        at++;
      }
    }
  }
  store<u8>(p++, QUOTE);
  goTo(p);
  return true;
}

function escape(p: usize, byte: u32): usize {
  store<u8>(p, 0x5c);
  let letter: u32 = 0;
  switch (byte) {
    case 0x22:
    case 0x5c:
      letter = byte;
      break;
    case 8:
      letter = 0x62;
      break;
    case 9:
      letter = 0x74;
      break;
    case 10:
      letter = 0x6e;
      break;
    case 12:
      letter = 0x66;
      break;
    case 13:
      letter = 0x72;
  }
  if (letter) {
    store<u8>(p + 1, letter);
    return p + 2;
  }
  store<u32>(p + 1, 0x00303075 | ((0x30 + (byte >> 4)) << 24)); // u00
  const low = byte & 15;
  store<u8>(p + 5, low < 10 ? 0x30 + low : 0x37 + low);
  return p + 6;
}

/** The address after the UTF-8 sequence at `at`; 0 where it is none. */
function sequenceEnd(at: usize, end: usize): usize {
  const first: u32 = load<u8>(at);
  if (first < 0xc2 || first > 0xf4) return 0;
  const length: usize = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (length > end - at) return 0;
  const second: u32 = load<u8>(at + 1);
  const low: u32 = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const high: u32 = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let i: usize = 2; i < length; i++) if ((load<u8>(at + i) & 0xc0) != 0x80) return 0;
  return at + length;
}
