/**
 * CQL types as a value. Two texts name them: the marshal form in schema headers (`org.apache.cassandra.db.marshal.Int32Type`) and CQL's own.
 */

export type NativeName =
  | 'ascii'
  | 'bigint'
  | 'blob'
  | 'boolean'
  | 'counter'
  | 'date'
  | 'decimal'
  | 'double'
  | 'duration'
  | 'empty'
  | 'float'
  | 'inet'
  | 'int'
  | 'smallint'
  | 'text'
  | 'time'
  | 'timestamp'
  | 'timeuuid'
  | 'tinyint'
  | 'uuid'
  | 'varint';

/** `multiCell` is what CQL calls not frozen: each element is a cell of its own. */
export type CqlType =
  | { readonly kind: 'native'; readonly name: NativeName }
  | { readonly kind: 'list' | 'set'; readonly element: CqlType; readonly multiCell: boolean }
  | { readonly kind: 'map'; readonly key: CqlType; readonly value: CqlType; readonly multiCell: boolean }
  | { readonly kind: 'tuple'; readonly elements: readonly CqlType[] }
  | {
      readonly kind: 'udt';
      readonly keyspace: string;
      readonly name: string;
      readonly fields: readonly { readonly name: string; readonly type: CqlType }[];
      readonly multiCell: boolean;
    }
  | { readonly kind: 'vector'; readonly element: CqlType; readonly dimension: number }
  | { readonly kind: 'reversed'; readonly of: CqlType }
  | { readonly kind: 'composite'; readonly components: readonly CqlType[] }
  | { readonly kind: 'dynamicComposite'; readonly aliases: readonly (readonly [alias: string, type: CqlType])[] }
  /** Any other AbstractType: its values are bytes to lsmctl. `className` with its parameters, as stored. */
  | { readonly kind: 'custom'; readonly className: string };
