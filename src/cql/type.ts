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

/**
 * DateType: a timestamp whose bytes compare unsigned. LexicalUUIDType: a uuid whose two halves compare as signed numbers.
 * LegacyTimeUUIDType: a timeuuid to all ends.
 */
export type LegacyClass = 'DateType' | 'LexicalUUIDType' | 'LegacyTimeUUIDType';

/** `multiCell` is what CQL calls not frozen: each element is a cell of its own. */
export type CqlType =
  /** `className` (short, of Cassandra's marshal package) where it is not the usual one: a legacy class that orders or names itself otherwise. */
  | { readonly kind: 'native'; readonly name: NativeName; readonly className?: LegacyClass }
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
  /**
   * Any other AbstractType: its values are bytes to lsmctl. `className` with its parameters, as stored. `of` is the type of the values
   * where the class only orders those of another (PartitionerDefinedOrder, the keys of an indexed table in its hidden index table).
   */
  | { readonly kind: 'custom'; readonly className: string; readonly of?: CqlType };
