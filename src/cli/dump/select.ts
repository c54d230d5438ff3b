/** The partitions that `--key` and `--token` ask for, found by the index; where that can't be read, by a scan that looks at every key. */
import { LsmctlError, UsageError } from '../../bytes/errors.js';
import type { Storage } from '../../bytes/source.js';
import { parseValue } from '../../cql/values/parse-value.js';
import { type Partitioner, placeInRange, type TokenRange } from '../../sstable/partitioner.js';
import type { SSTable } from '../../sstable/sstable.js';
import type { UnfilteredCursor } from '../../sstable/unfiltered-cursor.js';
import { type PositionRange, wholeFile } from './ranges.js';
import { seekKey, seekRange } from './seek.js';

export type Selection = {
  readonly ranges: readonly PositionRange[];
  /** Whether the key under the cursor is asked for; of ranges that hold others too. */
  readonly accepts?: (c: UnfilteredCursor) => boolean;
  /** Why the index could not be used. */
  readonly indexError?: LsmctlError;
};

export type Asked = {
  /** As sstabledump's `-k` takes them: components of a composite key joined by colons. */
  readonly keys: readonly string[];
  /** `A,B`: tokens after A up to and with B, as repair ranges are; around the ring where A is not before B. */
  readonly tokens?: string;
};

/** @throws UsageError for a key or token that can't be parsed, CorruptError where nothing can be read */
export function select(storage: Storage, sstable: SSTable, asked: Asked): Selection {
  if (asked.keys.length === 0 && asked.tokens === undefined) return { ranges: wholeFile(storage, sstable) };
  const keys = asked.keys.map((text) => named('--key', sstable, () => parseValue(sstable.header.keyType, text)));
  const tokens = asked.tokens === undefined ? [] : tokenRanges(asked.tokens, sstable);
  const accepts = acceptor(sstable, keys, tokens);
  try {
    if (keys.length > 0) return { ranges: keyRanges(storage, sstable, keys, tokens) };
    return { ranges: spans(storage, sstable, tokens), accepts };
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    return { ranges: wholeFile(storage, sstable), accepts, indexError: error };
  }
}

function keyRanges(
  storage: Storage,
  sstable: SSTable,
  keys: readonly Uint8Array[],
  tokens: readonly TokenRange[],
): PositionRange[] {
  const index = sstable.openIndex(storage);
  try {
    const positions = new Set<number>();
    for (const key of keys) {
      if (!inAny(sstable.partitioner, key, tokens)) continue;
      const position = seekKey(sstable, index, key);
      if (position !== undefined) positions.add(position);
    }
    const end = sstable.data.length;
    return [...positions].sort((a, b) => a - b).map((start) => ({ start, end, single: true, stretchEnd: end }));
  } finally {
    index.close();
  }
}

/** From the first partition of each token range to the first after it. */
function spans(storage: Storage, sstable: SSTable, tokens: readonly TokenRange[]): PositionRange[] {
  const index = sstable.openIndex(storage);
  const { length } = sstable.data;
  try {
    return tokens.flatMap((range) => {
      const start = seekRange(sstable, index, range);
      if (start === undefined) return [];
      const after: TokenRange | undefined = range.to && { from: { token: range.to.token, inclusive: false } };
      const end = after ? (seekRange(sstable, index, after) ?? length) : length;
      return start < end ? [{ start, end, stretchEnd: end }] : [];
    });
  } finally {
    index.close();
  }
}

function inAny(partitioner: Partitioner, key: Uint8Array, tokens: readonly TokenRange[]): boolean {
  if (tokens.length === 0) return true;
  const token = partitioner.tokenOf(key);
  return tokens.some((range) => placeInRange(partitioner, token, range) === 0);
}

function acceptor(sstable: SSTable, keys: readonly Uint8Array[], tokens: readonly TokenRange[]) {
  const wanted = new Set(keys.map((key) => Buffer.from(key).toString('latin1')));
  const { partitioner } = sstable;
  return (c: UnfilteredCursor): boolean => {
    const key = c.key.subarray(0, c.keyLength);
    if (wanted.size > 0 && !wanted.has(Buffer.from(key).toString('latin1'))) return false;
    return inAny(partitioner, key, tokens);
  };
}

/** One range, or the two ends of the ring in the order of the file. @throws UsageError */
function tokenRanges(text: string, sstable: SSTable): TokenRange[] {
  const { partitioner } = sstable;
  const parts = text.split(',').map((part) => part.trim());
  if (parts.length !== 2) {
    throw new UsageError('--token takes two tokens', { seen: text, expected: 'A,B as in --token=-100,200' });
  }
  const [a, b] = parts.map((part) => named('--token', sstable, () => partitioner.parseToken(part))) as [
    ReturnType<Partitioner['parseToken']>,
    ReturnType<Partitioner['parseToken']>,
  ];
  const after = { from: { token: a, inclusive: false } };
  const upTo = { to: { token: b, inclusive: true } };
  return partitioner.compareTokens(a, b) < 0 ? [{ ...after, ...upTo }] : [upTo, after];
}

/** What `parse` says of a word is said of its flag, and of the SSTable whose types it is held against. */
function named<T>(flag: string, sstable: SSTable, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${flag}: ${error.message}`, { file: sstable.data.file, ...error.facts }, { cause: error });
  }
}
