/**
 * A range of clusterings as Statistics.db of oa and da has it, two bounds one after the other:
 *
 *   bound = u8 kind (ordinal of ClusteringPrefix.Kind) | u16 n | values
 *
 * where `values` is as in every clustering prefix, see clustering-prefix.ts.
 */
import type { Cursor } from '../../bytes/cursor.js';
import type { ByteWriter } from '../../bytes/writer.js';
import { BOUND_KINDS, type ClusteringPrefix } from '../../cql/clustering.js';
import type { CqlType } from '../../cql/type.js';
import { readClusteringValues, writeClusteringValues } from '../clustering-prefix.js';

/** Two bounds, none a whole clustering. Without values: an end of the partition. */
export type Slice = { readonly start: ClusteringPrefix; readonly end: ClusteringPrefix };

/** @throws CorruptError */
export function readSlice(cursor: Cursor, types: readonly CqlType[]): Slice {
  return { start: readBound(cursor, types), end: readBound(cursor, types) };
}

export function writeSlice(slice: Slice, types: readonly CqlType[], out: ByteWriter): void {
  writeBound(slice.start, types, out);
  writeBound(slice.end, types, out);
}

function readBound(cursor: Cursor, types: readonly CqlType[]): ClusteringPrefix {
  const at = cursor.offset;
  const ordinal = cursor.u8();
  const kind = BOUND_KINDS[ordinal];
  if (kind === undefined || kind === 'CLUSTERING' || kind === 'STATIC_CLUSTERING') {
    throw cursor.corrupt('kind of a clustering bound', { offset: at, seen: ordinal, expected: '0 to 7 but 3 and 4' });
  }
  const n = cursor.u16();
  if (n > types.length) {
    throw cursor.corrupt('more values than clustering columns', { offset: at + 1, seen: n, expected: types.length });
  }
  return { kind, values: readClusteringValues(cursor, n, types) };
}

function writeBound({ kind, values }: ClusteringPrefix, types: readonly CqlType[], out: ByteWriter): void {
  out.u8(BOUND_KINDS.indexOf(kind));
  out.u16(values.length);
  writeClusteringValues(values, types, out);
}
