/**
 * Cassandra 4.0 and later describe a table with compact storage, in DESCRIBE and in a snapshot's schema.cql, inside a comment:
 *
 *   /*
 *   Warning: Table ks.t omitted because it has constructs not compatible with CQL (was created via legacy API).
 *   Approximate structure, for reference:
 *   (this should not be used to reproduce this schema)
 *
 *   CREATE TABLE ks.t ( … ) WITH COMPACT STORAGE AND …;
 *   ALTER TABLE ks.t DROP … ;
 *   *\/
 *
 * The statements say all of the table, but for super column families, whose one column is a map without a name.
 */
const COMMENT = /\/\*(\s*Warning: Table [^\n]* omitted because [^\n]*\n[^/]*?)(CREATE TABLE [\s\S]*?)\*\//g;
const SUPER_COLUMN = /"" map</;

/** `text` with blanks for what makes comments of compact tables, so that every position stays what it was. */
export function uncommentCompactTables(text: string): string {
  return text.replace(COMMENT, (whole, warning: string, statements: string) =>
    SUPER_COLUMN.test(statements) ? whole : `  ${warning.replaceAll(/[^\n]/g, ' ')}${statements}  `,
  );
}
