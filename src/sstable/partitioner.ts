/**
 * Partitioners: which token a partition key has, and so the order of partitions in an SSTable. Keys order by token, then by their bytes.
 *
 *   Murmur3Partitioner      int64, half of the Murmur3 hash; Long.MIN_VALUE only for the empty key
 *   RandomPartitioner       0 to 2^127, from the MD5
 *   ByteOrderedPartitioner  the key itself
 *   LocalPartitioner        the key itself, in the order of its type: hidden tables of indexes, and system tables of old
 */
import { CorruptError, InvariantError, UnsupportedError, UsageError } from '../bytes/errors.js';
import { compare64, hiOf, loOf, toDecimal } from '../bytes/int64.js';
import {
  byteComparable,
  escapedBytes,
  keyByteComparable,
  longTokenByteComparable,
  randomTokenByteComparable,
  tokenBoundByteComparable,
} from '../cql/byte-comparable.js';
import { compareValues } from '../cql/compare.js';
import { compareBytes, murmur3Token, randomToken } from '../cql/token.js';
import type { CqlType } from '../cql/type.js';

export type Token =
  | { readonly kind: 'long'; readonly hi: number; readonly lo: number }
  | { readonly kind: 'big'; readonly value: bigint }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array };

export type DecoratedKey = { readonly token: Token; readonly key: Uint8Array };

/** One end of a range of tokens. */
export type TokenBound = { readonly token: Token; readonly inclusive: boolean };

/** Tokens from one bound to another that is not before it; without a bound the range is open. */
export type TokenRange = { readonly from?: TokenBound; readonly to?: TokenBound };

export interface Partitioner {
  /** Class name without its package, such as `Murmur3Partitioner`. */
  readonly name: string;
  /** Class name as in Statistics.db. */
  readonly className: string;
  /** @throws UnsupportedError where the partitioner is not known, as do all below */
  tokenOf(key: Uint8Array): Token;
  compareTokens(a: Token, b: Token): number;
  /** As Cassandra prints it: decimal, or hex of the bytes. */
  tokenText(token: Token): string;
  /** @throws UsageError for a text that is no token */
  parseToken(text: string): Token;
  /** Byte-comparable form of a token, `undefined` for tokens without one (the empty key of some LocalPartitioner). */
  tokenForm(token: Token): Uint8Array | undefined;
}

/** The partitioner of that class. `keyType`, the partition key's, is what LocalPartitioner orders by. Unknown ones are refused once a token is asked for. */
export function partitionerOf(className: string, keyType?: CqlType): Partitioner {
  const name = className.replace(/\(.*$/s, '').replace(/^.*\./, '');
  switch (name) {
    case 'Murmur3Partitioner':
      return { name, className, ...murmur3 };
    case 'RandomPartitioner':
      return { name, className, ...random };
    case 'ByteOrderedPartitioner':
      return { name, className, ...bytesPartitioner(compareArrays, escapedBytes) };
    case 'LocalPartitioner': {
      const type = localOrder(keyType ?? { kind: 'native', name: 'blob' });
      const compare = keyType && isMultiCellMap(keyType) ? orByBytes(compareValues(type)) : compareValues(type);
      return { name, className, ...bytesPartitioner(compare, (token) => byteComparable(type, token)) };
    }
    default:
      return { name, className, ...unknown(className) };
  }
}

/**
 * The type by which LocalPartitioner orders keys of `keyType`. Hidden tables of indexes on collections may have these, which are no keys, for the
 * type of their keys: those are the elements; of a map its keys, its values, or both composed, which the type does not tell.
 */
function localOrder(keyType: CqlType): CqlType {
  if ((keyType.kind === 'list' || keyType.kind === 'set') && keyType.multiCell) return keyType.element;
  return isMultiCellMap(keyType) ? { kind: 'composite', components: [keyType.key, keyType.value] } : keyType;
}

function isMultiCellMap(type: CqlType): type is Extract<CqlType, { kind: 'map' }> {
  return type.kind === 'map' && type.multiCell;
}

/** `compare`, and by bytes what is none of its type. */
function orByBytes(compare: (a: Uint8Array, b: Uint8Array) => number): (a: Uint8Array, b: Uint8Array) => number {
  return (a, b) => {
    try {
      return compare(a, b);
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error;
      return compareArrays(a, b);
    }
  };
}

export function decorate(partitioner: Partitioner, key: Uint8Array): DecoratedKey {
  return { token: partitioner.tokenOf(key), key };
}

/** Order of keys in an SSTable. */
export function compareDecorated(partitioner: Partitioner, a: DecoratedKey, b: DecoratedKey): number {
  return partitioner.compareTokens(a.token, b.token) || compareArrays(a.key, b.key);
}

/** Byte-comparable form of a key: what BTI's Partitions.db holds the beginnings of. */
export function decoratedKeyForm(partitioner: Partitioner, { token, key }: DecoratedKey): Uint8Array {
  return keyByteComparable(partitioner.tokenForm(token), key);
}

/** Form of the position before or after all keys with a token. */
export function tokenBoundForm(partitioner: Partitioner, token: Token, side: 'before' | 'after'): Uint8Array {
  return tokenBoundByteComparable(partitioner.tokenForm(token), side);
}

/** -1 where a token lies before the range, 1 after it, 0 within. */
export function placeInRange(partitioner: Partitioner, token: Token, range: TokenRange): -1 | 0 | 1 {
  if (range.from) {
    const c = partitioner.compareTokens(token, range.from.token);
    if (c < 0 || (c === 0 && !range.from.inclusive)) return -1;
  }
  if (range.to) {
    const c = partitioner.compareTokens(token, range.to.token);
    if (c > 0 || (c === 0 && !range.to.inclusive)) return 1;
  }
  return 0;
}

type Ordering = Omit<Partitioner, 'name' | 'className'>;

const scratch = new Int32Array(2);

const murmur3: Ordering = {
  tokenOf(key) {
    murmur3Token(key, 0, key.length, scratch);
    return { kind: 'long', hi: scratch[0]!, lo: scratch[1]! };
  },
  compareTokens: (a, b) => compare64(long(a).hi, long(a).lo, long(b).hi, long(b).lo),
  tokenText: (token) => toDecimal(long(token).hi, long(token).lo),
  parseToken(text) {
    const value = integer(text);
    if (value === undefined || BigInt.asIntN(64, value) !== value) {
      throw notToken(text, 'a whole number from -9223372036854775808 to 9223372036854775807');
    }
    return { kind: 'long', hi: hiOf(value), lo: loOf(value) };
  },
  tokenForm: (token) => longTokenByteComparable(long(token).hi, long(token).lo),
};

const random: Ordering = {
  tokenOf: (key) => ({ kind: 'big', value: randomToken(key) }),
  compareTokens: (a, b) => (big(a) < big(b) ? -1 : big(a) > big(b) ? 1 : 0),
  tokenText: (token) => big(token).toString(),
  parseToken(text) {
    const value = integer(text);
    if (value === undefined || value < -1n || value > 1n << 127n)
      throw notToken(text, 'a whole number from 0 to 2^127');
    return { kind: 'big', value };
  },
  tokenForm: (token) => randomTokenByteComparable(big(token)),
};

function bytesPartitioner(
  compare: (a: Uint8Array, b: Uint8Array) => number,
  form: (token: Uint8Array) => Uint8Array | undefined,
): Ordering {
  return {
    tokenOf: (key) => ({ kind: 'bytes', bytes: key }),
    compareTokens: (a, b) => compare(bytesOf(a), bytesOf(b)),
    tokenText: (token) => Buffer.from(bytesOf(token)).toString('hex'),
    parseToken(text) {
      if (!/^(?:[0-9a-fA-F]{2})*$/.test(text)) throw notToken(text, 'hex digits');
      return { kind: 'bytes', bytes: new Uint8Array(Buffer.from(text, 'hex')) };
    },
    tokenForm: (token) => form(bytesOf(token)),
  };
}

function unknown(className: string): Ordering {
  const refuse = (): never => {
    throw new UnsupportedError(`partitioner '${className}' is not known: its tokens can't be computed`, {
      seen: className,
      expected: 'Murmur3Partitioner, RandomPartitioner, ByteOrderedPartitioner or LocalPartitioner',
    });
  };
  return { tokenOf: refuse, compareTokens: refuse, tokenText: refuse, parseToken: refuse, tokenForm: refuse };
}

function long(token: Token): { readonly hi: number; readonly lo: number } {
  if (token.kind !== 'long') throw foreign(token);
  return token;
}

function big(token: Token): bigint {
  if (token.kind !== 'big') throw foreign(token);
  return token.value;
}

function bytesOf(token: Token): Uint8Array {
  if (token.kind !== 'bytes') throw foreign(token);
  return token.bytes;
}

function foreign(token: Token): InvariantError {
  return new InvariantError('token of another partitioner', { seen: token.kind });
}

function integer(text: string): bigint | undefined {
  return /^-?\d{1,40}$/.test(text) ? BigInt(text) : undefined;
}

function notToken(text: string, expected: string): UsageError {
  return new UsageError('is not a token', { seen: text, expected });
}

function compareArrays(a: Uint8Array, b: Uint8Array): number {
  return compareBytes(a, 0, a.length, b, 0, b.length);
}
