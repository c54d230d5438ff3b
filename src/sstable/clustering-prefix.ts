/**
 * A clustering prefix as indexes hold it:
 *
 *   u8 kind (ordinal of ClusteringPrefix.Kind) | [u16 n, unless a whole clustering] | values
 *   values = for each 32: uvint header, then those neither null nor empty: fixed-length ones bare, others after their uvint length
 *
 * The header has two bits a value, lowest first: is empty, is null.
 */
import type { Cursor } from '../bytes/cursor.js';
import type { ByteWriter } from '../bytes/writer.js';
import { BOUND_KINDS, type ClusteringPrefix } from '../cql/clustering.js';
import type { CqlType } from '../cql/type.js';
import { fixedLength } from '../cql/type-facts.js';

const BATCH = 32;

/** @throws CorruptError */
export function readClusteringPrefix(cursor: Cursor, types: readonly CqlType[]): ClusteringPrefix {
  const at = cursor.offset;
  const ordinal = cursor.u8();
  const kind = BOUND_KINDS[ordinal];
  if (kind === undefined || kind === 'STATIC_CLUSTERING') {
    throw cursor.corrupt('kind of a clustering prefix', { offset: at, seen: ordinal, expected: '0 to 7 but 3' });
  }
  const n = kind === 'CLUSTERING' ? types.length : cursor.u16();
  if (n > types.length) {
    throw cursor.corrupt('more values than clustering columns', { offset: at + 1, seen: n, expected: types.length });
  }
  return { kind, values: readClusteringValues(cursor, n, types) };
}

export function writeClusteringPrefix(prefix: ClusteringPrefix, types: readonly CqlType[], out: ByteWriter): void {
  out.u8(BOUND_KINDS.indexOf(prefix.kind));
  if (prefix.kind !== 'CLUSTERING') out.u16(prefix.values.length);
  writeClusteringValues(prefix.values, types, out);
}

/** The values of the first `n` clustering columns. @throws CorruptError */
export function readClusteringValues(cursor: Cursor, n: number, types: readonly CqlType[]): (Uint8Array | null)[] {
  const values: (Uint8Array | null)[] = [];
  while (values.length < n) {
    cursor.uvint64();
    const { hi, lo } = cursor;
    for (let i = 0; i < BATCH && values.length < n; i++) {
      const bits = (i < 16 ? lo >>> (2 * i) : hi >>> (2 * (i - 16))) & 3;
      values.push(bits & 2 ? null : bits & 1 ? new Uint8Array(0) : readValue(cursor, types[values.length]!));
    }
  }
  return values;
}

function readValue(cursor: Cursor, type: CqlType): Uint8Array {
  const fixed = fixedLength(type);
  return cursor.bytes(fixed >= 0 ? fixed : cursor.uvint32());
}

export function writeClusteringValues(
  values: readonly (Uint8Array | null)[],
  types: readonly CqlType[],
  out: ByteWriter,
): void {
  for (let start = 0; start < values.length; start += BATCH) {
    const batch = values.slice(start, start + BATCH);
    out.uvint64(headerBits(batch.slice(16)), headerBits(batch.slice(0, 16)));
    batch.forEach((value, i) => {
      if (value === null || value.length === 0) return;
      if (fixedLength(types[start + i]!) < 0) out.uvint(value.length);
      out.bytes(value);
    });
  }
}

/** Header bits of up to sixteen values. */
function headerBits(values: readonly (Uint8Array | null)[]): number {
  let bits = 0;
  values.forEach((value, i) => {
    if (value === null) bits |= 2 << (2 * i);
    else if (value.length === 0) bits |= 1 << (2 * i);
  });
  return bits;
}
