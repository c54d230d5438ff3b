/**
 * The texts of compaction options as Java reads numbers and Cassandra sizes: what it takes is taken, what it refuses is refused.
 *
 *   int, long    [+-]digits, within 32 or 64 bits
 *   double       blanks around it; decimal or hexadecimal, with or without exponent, an f or d after it; NaN, Infinity
 *   bytes        double [*2^power] blanks [prefix [i]] B        64MiB, 1.5 GiB, 100MB, 1*2^20B
 *   share        double, or double%
 */
import { UsageError } from '../../bytes/errors.js';

export type OptionMap = Readonly<Record<string, string>>;

/** @throws UsageError that names the option, what it is and what it should be */
export function refusedOption(name: string, seen: string, expected: string): UsageError {
  return new UsageError(`compaction option ${name} is refused, as Cassandra would`, { seen, expected });
}

export function intOption(options: OptionMap, name: string, fallback: number): number {
  const text = options[name];
  if (text === undefined) return fallback;
  const value = javaInteger(text, 32);
  if (value === undefined) throw refusedOption(name, text, 'a whole number of 32 bits');
  return value;
}

/** Beyond 2^53 the nearest double. */
export function longOption(options: OptionMap, name: string, fallback: number): number {
  const text = options[name];
  if (text === undefined) return fallback;
  const value = javaInteger(text, 64);
  if (value === undefined) throw refusedOption(name, text, 'a whole number of 64 bits');
  return value;
}

export function doubleOption(options: OptionMap, name: string, fallback: number): number {
  const text = options[name];
  if (text === undefined) return fallback;
  const value = javaDouble(text);
  if (value === undefined) throw refusedOption(name, text, 'a number');
  return value;
}

/** Whether the text is `true`, in any case: anything else is false. */
export function isTrue(text: string | undefined): boolean {
  return text?.toLowerCase() === 'true';
}

/** @throws UsageError for what is neither `true` nor `false`, in any case */
export function booleanOption(options: OptionMap, name: string, fallback: boolean): boolean {
  const text = options[name];
  if (text === undefined) return fallback;
  if (!isTrue(text) && text.toLowerCase() !== 'false') throw refusedOption(name, text, 'true or false');
  return isTrue(text);
}

export function bytesOption(options: OptionMap, name: string, fallback: number): number {
  const text = options[name];
  if (text === undefined) return fallback;
  const value = humanBytes(text);
  if (value === undefined) throw refusedOption(name, text, 'a number of bytes such as 64MiB');
  return value;
}

export function shareOption(options: OptionMap, name: string, fallback: number): number {
  const text = options[name];
  if (text === undefined) return fallback;
  const trimmed = text.trim();
  const isPercentage = trimmed.endsWith('%');
  const value = javaDouble(isPercentage ? trimmed.slice(0, -1) : trimmed);
  if (value === undefined) throw refusedOption(name, text, 'a number from 0 to 1, or a percentage');
  return isPercentage ? value / 100 : value;
}

/** Integer.parseInt, Long.parseLong. */
function javaInteger(text: string, bits: 32 | 64): number | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined;
  const value = BigInt(text.replace('+', ''));
  return BigInt.asIntN(bits, value) === value ? Number(value) : undefined;
}

const DECIMAL = /^([+-]?)(NaN|Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?:(?<=[\d.])[fFdD])?$/;
const HEXADECIMAL = /^([+-]?)0[xX]([\da-fA-F]*)\.?([\da-fA-F]*)[pP]([+-]?\d+)[fFdD]?$/;

/** Double.parseDouble, which trims what is not above the blank. */
function javaDouble(text: string): number | undefined {
  const trimmed = text.replace(/^[\0- ]+|[\0- ]+$/g, '');
  const decimal = DECIMAL.exec(trimmed);
  if (decimal) return (decimal[1] === '-' ? -1 : 1) * Number(decimal[2]);
  const hexadecimal = HEXADECIMAL.exec(trimmed);
  if (!hexadecimal) return undefined;
  const [, sign, whole = '', fraction = '', power] = hexadecimal;
  if (whole + fraction === '') return undefined;
  const value = Number(BigInt(`0x${whole}${fraction}`)) * 2 ** (Number(power) - 4 * fraction.length);
  return sign === '-' ? -value : value;
}

/** From 10^-30 to 10^30, by thousands (or with an `i`, by 1,024s). */
const PREFIXES = 'qryzafpnum KMGTPEZYRQ';
const HUMAN_BYTES =
  /^(NaN|[+-]?Infinity|[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?:(?<![eE][+-]?\d+)\*2\^([+-]?\d+))?\s*(?:([qryzafpnum KMGTPEZYRQ])(i)?)?B$/;
const MAX_INT64 = 2 ** 63;

/** FBUtilities.parseHumanReadable of bytes, cut down to a whole number of 64 bits; NaN is 0. */
function humanBytes(text: string): number | undefined {
  const [match, number, power = '0', prefix, binary] = HUMAN_BYTES.exec(text) ?? [];
  if (match === undefined || javaInteger(power, 32) === undefined) return undefined;
  const thousands = prefix ? PREFIXES.indexOf(prefix) - PREFIXES.indexOf(' ') : 0;
  const unit = binary ? 2 ** (10 * thousands) : Math.exp(Math.log(1000) * thousands);
  const bytes = Math.trunc(Number(number) * 2 ** Number(power) * unit);
  return Number.isNaN(bytes) ? 0 : Math.min(Math.max(bytes, -MAX_INT64), MAX_INT64);
}
