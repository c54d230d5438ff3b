/**
 * CQL identifiers: when a name must be quoted, and how text becomes a quoted name or a string literal.
 * A name that is not quoted is folded to lower case by CQL, so any name with other characters than a-z, 0-9 and _ has to be quoted.
 */

/** Cassandra's `reserved_keywords.txt`, the same in 4.1 and 5.0; later releases add none that 5.0 accepts unquoted. */
const RESERVED = new Set(
  (
    'add allow alter and apply asc authorize batch begin by columnfamily create delete desc describe drop entries execute from full grant if ' +
    'in index infinity insert into is keyspace limit materialized modify nan norecursive not null of on or order primary rename revoke schema ' +
    'select set table to token truncate unlogged update use using view where with'
  ).split(' '),
);

const UNQUOTED = /^[a-z][a-z0-9_]*$/;

/** Whether CQL refuses `name` as an unquoted identifier because it is a keyword. Case does not count. */
export function isReserved(name: string): boolean {
  return RESERVED.has(name.toLowerCase());
}

/** The identifier as CQL text: `ColumnIdentifier.maybeQuote` of Cassandra. */
export function maybeQuote(name: string): string {
  return UNQUOTED.test(name) && !RESERVED.has(name) ? name : quoteName(name);
}

/** The identifier in double quotes, always. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A CQL string literal. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** `keyspace.name`, each quoted where it has to be. */
export function qualifiedName(keyspace: string, name: string): string {
  return `${maybeQuote(keyspace)}.${maybeQuote(name)}`;
}
