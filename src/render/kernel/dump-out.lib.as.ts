/** The text as the kernel of sstabledump's text writes it: fixed texts, decimal digits, times. Whoever writes has seen to the room. */
import {
  D_OUT_END,
  D_RAW_TIMES,
  D_ROOM,
  DAY_MASK,
  DAYS,
  dump,
  PAIRS,
  T_END_TIME,
  T_LOCAL_DELETE_TIME,
  T_MARKED_DELETED,
  TEXTS,
} from './dump-layout.lib.as';

/** Where the next byte goes. */
let to: usize = 0;

// @ts-ignore: decorators of functions are AssemblyScript
@inline
export function place(): usize {
  return to;
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
export function goTo(address: usize): void {
  to = address;
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
export function putByte(byte: u32): void {
  store<u8>(to, byte);
  to++;
}

/** Whether there is room for fixed texts and the text of `length` bytes. */
// @ts-ignore: decorators of functions are AssemblyScript
@inline
export function hasRoom(length: usize): bool {
  return to + <usize>dump(D_ROOM) + length * 6 <= <usize>dump(D_OUT_END);
}

/** A fixed text, by its number: copied by 16 bytes, beyond its end. */
export function putText(number: i32): void {
  const entry = TEXTS + (<usize>number << 3);
  let from: usize = load<u32>(entry);
  let p = to;
  const stop = p + <usize>load<u32>(entry + 4);
  do {
    store<u64>(p, load<u64>(from));
    store<u64>(p + 8, load<u64>(from + 8));
    p += 16;
    from += 16;
  } while (p < stop);
  to = stop;
}

// ---- digits

/** Once for each memory. */
export function preparePairs(): void {
  for (let i: u32 = 0; i < 100; i++) store<u16>(PAIRS + (<usize>i << 1), (0x30 + i / 10) | ((0x30 + (i % 10)) << 8));
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function pair(at: usize, value: u32): void {
  store<u16>(at, load<u16>(PAIRS + (<usize>value << 1)));
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function four(at: usize, value: u32): void {
  const high = value / 100;
  pair(at, high);
  pair(at + 2, value - high * 100);
}

function digitsOf(value: u32): usize {
  if (value < 10000) return value < 100 ? (value < 10 ? 1 : 2) : value < 1000 ? 3 : 4;
  if (value < 1000000) return value < 100000 ? 5 : 6;
  if (value < 100000000) return value < 10000000 ? 7 : 8;
  return value < 1000000000 ? 9 : 10;
}

function putSmall(value: u32): void {
  let p = to + digitsOf(value);
  to = p;
  let v = value;
  while (v >= 100) {
    const q = v / 100;
    p -= 2;
    pair(p, v - q * 100);
    v = q;
  }
  if (v >= 10) pair(p - 2, v);
  else store<u8>(p - 1, 0x30 + v);
}

function putEight(value: u32): void {
  const high = value / 10000;
  four(to, high);
  four(to + 4, value - high * 10000);
  to += 8;
}

export function putUnsigned(value: u64): void {
  if (value <= 0xffffffff) {
    putSmall(<u32>value);
    return;
  }
  const high = value / 100000000;
  putUnsigned(high);
  putEight(<u32>(value - high * 100000000));
}

export function putSigned(value: i64): void {
  if (value < 0) putByte(0x2d);
  putUnsigned(value < 0 ? <u64>0 - <u64>value : <u64>value);
}

// ---- times

const DAY: u64 = 86400;
/** The year 10000, in seconds since the epoch: its text is another's. */
export const TOO_LATE: i64 = 253402300800;

/** The date of a day since the epoch, below the year 10000, ten characters. */
function putDate(day: u32): void {
  const slot = DAYS + (<usize>(day & DAY_MASK) << 4);
  if (load<u32>(slot) != day + 1) keepDate(slot, day);
  store<u64>(to, load<u64>(slot + 4));
  store<u32>(to + 8, load<u32>(slot + 12));
  to += 10;
}

/** Gregorian, by eras of 400 years that begin on 1 March. */
function keepDate(slot: usize, day: u32): void {
  const z = day + 719468;
  const era = z / 146097;
  const ofEra = z - era * 146097;
  const yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36524 - ofEra / 146096) / 365;
  const ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
  const m = (5 * ofYear + 2) / 153;
  const month = m < 10 ? m + 3 : m - 9;
  store<u32>(slot, day + 1);
  four(slot + 4, yearOfEra + era * 400 + (month <= 2 ? 1 : 0));
  store<u8>(slot + 8, 0x2d);
  pair(slot + 9, month);
  store<u8>(slot + 11, 0x2d);
  pair(slot + 12, ofYear - (153 * m + 2) / 5 + 1);
}

/** Day and time of day, `separator` between them: nineteen characters. */
export function putClock(seconds: u64, separator: u32): void {
  const day = <u32>(seconds / DAY);
  putDate(day);
  const rest = <u32>(seconds - <u64>day * DAY);
  const minutes = rest / 60;
  const hours = minutes / 60;
  store<u8>(to, separator);
  pair(to + 1, hours);
  store<u8>(to + 3, 0x3a);
  pair(to + 4, minutes - hours * 60);
  store<u8>(to + 6, 0x3a);
  pair(to + 7, rest - minutes * 60);
  to += 9;
}

/** A date alone, of a day since the epoch below the year 10000. */
export function putDay(day: u32): void {
  putDate(day);
}

/** A point and `thousandths` in three digits. */
export function putThousandths(thousandths: u32): void {
  store<u8>(to, 0x2e);
  const tens = thousandths / 10;
  pair(to + 1, tens);
  store<u8>(to + 3, 0x30 + thousandths - tens * 10);
  to += 4;
}

/** What 64-bit nanoseconds reach to, in the year 2262: beyond it times are not told as they are. */
const MAX_MICROS: i64 = 9223372036854775;

/** Microseconds since the epoch. Returns whether they are of a time between 1970 and 2262, or raw times are wanted. */
export function putMicros(micros: i64): bool {
  if (dump(D_RAW_TIMES)) {
    putSigned(micros);
    return true;
  }
  if (micros < 0 || micros > MAX_MICROS) return false;
  const seconds = <u64>micros / 1000000;
  putClock(seconds, 0x54);
  const fraction = <u32>(<u64>micros - seconds * 1000000);
  if (fraction > 0) {
    const thousandths = fraction / 1000;
    putThousandths(thousandths);
    const rest = fraction - thousandths * 1000;
    if (rest > 0) {
      putThousandths(rest);
      // without the point
      store<u16>(to - 4, load<u16>(to - 3));
      store<u8>(to - 2, load<u8>(to - 1));
      to--;
    }
  }
  putByte(0x5a);
  return true;
}

/** Seconds since the epoch, from 0 to 2^32. */
export function putSeconds(seconds: i64): void {
  if (dump(D_RAW_TIMES)) {
    putUnsigned(<u64>seconds);
    return;
  }
  putClock(<u64>seconds, 0x54);
  putByte(0x5a);
}

export function putDeletion(time: i64, local: i64): bool {
  putText(T_MARKED_DELETED);
  if (!putMicros(time)) return false;
  putText(T_LOCAL_DELETE_TIME);
  putSeconds(local);
  putText(T_END_TIME);
  return true;
}
