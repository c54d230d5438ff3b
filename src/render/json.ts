/**
 * JSON for `--json`. A document names its schema, so that a script can tell what it reads:
 *
 *   { "schema": "lsmctl.ls", "version": 1, … }
 */

export type JsonDocument<T extends object> = { readonly schema: string; readonly version: number } & T;

/** `body` under the schema name `lsmctl.<name>`. */
export function jsonDocument<T extends object>(name: string, version: number, body: T): JsonDocument<T> {
  return { schema: `lsmctl.${name}`, version, ...body };
}

/**
 * JSON as JSON.stringify gives it, but for three things: a bigint is an integer with all its digits (a reader that keeps doubles only loses
 * those above 2^53), bytes are hex text as CQL writes blobs, a Map is an object. `indent`: spaces a level, 0 for one line.
 */
export function jsonText(value: unknown, indent = 2): string {
  const parts: string[] = [];
  append(parts, value, indent, '\n');
  return parts.join('');
}

/** {@link jsonText} on one line: one record of a stream. */
export function jsonLine(value: unknown): string {
  return jsonText(value, 0);
}

/** `newline` is the line break with the indentation of the level that `value` stands on. */
function append(parts: string[], value: unknown, indent: number, newline: string): void {
  if (typeof value === 'bigint') parts.push(value.toString());
  else if (typeof value !== 'object' || value === null) parts.push(JSON.stringify(value) ?? 'null');
  else if (value instanceof Uint8Array) parts.push(`"0x${Buffer.from(value).toString('hex')}"`);
  else if (value instanceof Map) appendObject(parts, value, indent, newline);
  else if (typeof (value as { toJSON?: unknown }).toJSON === 'function') parts.push(JSON.stringify(value));
  else if (Array.isArray(value)) appendArray(parts, value, indent, newline);
  else appendObject(parts, Object.entries(value), indent, newline);
}

function appendArray(parts: string[], values: readonly unknown[], indent: number, newline: string): void {
  const inner = newline + ' '.repeat(indent);
  parts.push('[');
  values.forEach((value, i) => {
    if (i > 0) parts.push(',');
    if (indent > 0) parts.push(inner);
    append(parts, value, indent, inner);
  });
  parts.push(values.length > 0 && indent > 0 ? `${newline}]` : ']');
}

function appendObject(parts: string[], entries: Iterable<[unknown, unknown]>, indent: number, newline: string): void {
  const inner = newline + ' '.repeat(indent);
  let count = 0;
  parts.push('{');
  for (const [key, value] of entries) {
    if (value === undefined || typeof value === 'function') continue;
    if (count++ > 0) parts.push(',');
    if (indent > 0) parts.push(inner);
    parts.push(JSON.stringify(String(key)), indent > 0 ? ': ' : ':');
    append(parts, value, indent, inner);
  }
  parts.push(count > 0 && indent > 0 ? `${newline}}` : '}');
}
