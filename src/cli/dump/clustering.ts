/**
 * The values of `--clustering`: `a,'b,c',3,{1, 2}`, separated by commas, for the first clustering columns.
 *
 *   'text'           a CQL string, for any type that takes one; commas inside are its own, '' is a quote
 *   [ ] { } ( )      CQL literals, for columns of a collection, tuple, UDT or vector
 *   anything else    up to the next comma, as sstabledump's -k takes it
 */
import { UsageError } from '../../bytes/errors.js';
import type { CqlType } from '../../cql/type.js';
import { parseCqlLiteral } from '../../cql/values/parse-literal.js';
import { parseValue } from '../../cql/values/parse-value.js';

const STRUCTURED: ReadonlySet<CqlType['kind']> = new Set(['list', 'set', 'map', 'tuple', 'udt', 'vector']);

/** Serialized, one or more. @throws UsageError for a value that can't be parsed, or one too many */
export function parseClustering(text: string, types: readonly CqlType[]): Uint8Array[] {
  const values: Uint8Array[] = [];
  for (let at = 0; at <= text.length; ) {
    const type = types[values.length];
    if (!type) {
      throw new UsageError('--clustering has more values than the table has clustering columns', {
        seen: text,
        expected: `at most ${types.length}`,
      });
    }
    const isLiteral = beginsLiteral(type, text.slice(at).trimStart()[0]);
    const end = isLiteral ? endOfLiteral(text, at) : endOfPlain(text, at);
    const value = text.slice(at, end).trim();
    if (value === '') {
      throw new UsageError('--clustering has an empty value', {
        seen: text,
        expected: "values, '' for the empty text",
      });
    }
    values.push(isLiteral ? parseCqlLiteral(type, value) : parseValue(type, value));
    at = end + 1;
  }
  return values;
}

function beginsLiteral(type: CqlType, first: string | undefined): boolean {
  if (first === "'") return true;
  const plain = type.kind === 'reversed' ? type.of : type;
  return STRUCTURED.has(plain.kind) && (first === '[' || first === '{' || first === '(');
}

function endOfPlain(text: string, start: number): number {
  const comma = text.indexOf(',', start);
  return comma < 0 ? text.length : comma;
}

/** The first comma that is neither within quotes nor within brackets, or the end of the text. */
function endOfLiteral(text: string, start: number): number {
  let depth = 0;
  let quote = '';
  for (let i = start; i < text.length; i++) {
    const c = text[i]!;
    if (quote !== '') {
      if (c === quote) quote = '';
    } else if (c === "'" || c === '"') quote = c;
    else if ('[{('.includes(c)) depth++;
    else if (']})'.includes(c)) depth--;
    else if (c === ',' && depth === 0) return i;
  }
  return text.length;
}
