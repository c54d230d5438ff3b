/**
 * `--slice`: clusterings as a WHERE clause has them, in the order of the clustering columns, separated by commas:
 *
 *   a, b            equal to these values; of all clustering columns: one row, which Cassandra looks for by name
 *   a, >=3, <7      equal values, then bounds of the next column
 *   >2024-01-01     a bound of the first
 */
import { UsageError } from '../../bytes/errors.js';
import type { BoundKind, ClusteringPrefix } from '../../cql/clustering.js';
import type { CqlType } from '../../cql/type.js';
import type { ReadSlice } from '../../engine/read/clustering-slice.js';
import { parseClustering } from '../dump/clustering.js';

const OPERATOR = /^(>=|<=|>|<)/;

type Bound = { readonly operator: string; readonly value: Uint8Array };

/** @throws UsageError */
export function parseSlice(text: string, types: readonly CqlType[]): ReadSlice {
  const words = splitWords(text);
  const first = words.findIndex((word) => OPERATOR.test(word));
  const equal = first < 0 ? words : words.slice(0, first);
  const values = equal.length === 0 ? [] : named(() => parseClustering(equal.join(','), types));
  const bounds = first < 0 ? [] : words.slice(first).map((word) => parseBound(word, types.slice(values.length), text));
  if (bounds.length === 0) {
    const isName = values.length === types.length && types.length > 0;
    return { start: { kind: 'INCL_START_BOUND', values }, end: { kind: 'INCL_END_BOUND', values }, isName };
  }
  const isReversed = types[values.length]!.kind === 'reversed';
  const isStart = ({ operator }: Bound) => operator.startsWith('>') !== isReversed;
  const starts = bounds.filter(isStart);
  const ends = bounds.filter((bound) => !isStart(bound));
  if (starts.length > 1 || ends.length > 1) {
    throw new UsageError('--slice has two bounds on one side', { seen: text, expected: 'as in >=3, <7' });
  }
  return {
    start: prefix(values, starts[0], 'INCL_START_BOUND', 'EXCL_START_BOUND'),
    end: prefix(values, ends[0], 'INCL_END_BOUND', 'EXCL_END_BOUND'),
    isName: false,
  };
}

function prefix(
  values: readonly Uint8Array[],
  bound: Bound | undefined,
  inclusive: BoundKind,
  exclusive: BoundKind,
): ClusteringPrefix {
  if (!bound) return { kind: inclusive, values };
  return { kind: bound.operator.endsWith('=') ? inclusive : exclusive, values: [...values, bound.value] };
}

function parseBound(word: string, types: readonly CqlType[], text: string): Bound {
  const operator = OPERATOR.exec(word)?.[0];
  if (operator === undefined) {
    throw new UsageError('--slice has a value after a bound', {
      seen: text,
      expected: 'bounds last, as in a, >=3, <7',
    });
  }
  const found = named(() => parseClustering(word.slice(operator.length), types.slice(0, 1)));
  return { operator, value: found[0]! };
}

function named<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(error.message.replace('--clustering', '--slice'), error.facts, { cause: error });
  }
}

/** Splits at commas that are neither within quotes nor within brackets. */
function splitWords(text: string): string[] {
  const words: string[] = [];
  let depth = 0;
  let quote = '';
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (quote !== '') {
      if (c === quote) quote = '';
    } else if (c === "'" || c === '"') quote = c;
    else if ('[{('.includes(c)) depth++;
    else if (']})'.includes(c)) depth--;
    else if (c === ',' && depth === 0) {
      words.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  return [...words, text.slice(start).trim()];
}
