/**
 * The comfortable object view of what an SSTable holds, for commands that print and for small tables such as the schema's. Scans, merges and
 * counts use the cursor of `unfiltered-cursor.ts` instead and allocate nothing per cell.
 */
import type { BoundKind } from '../cql/clustering.js';
import type { CqlType } from '../cql/type.js';

export { BOUND_KINDS, type BoundKind } from '../cql/clustering.js';

/** A column as a serialization header names it. */
export type Column = {
  readonly name: string;
  /** Name as stored. */
  readonly nameBytes: Uint8Array;
  readonly type: CqlType;
  /** A multi-cell collection or UDT: its cells have a path. */
  readonly isComplex: boolean;
  readonly isStatic: boolean;
};

/** `markedForDeleteAtMicros` is any int64; `localDeletionSeconds` is unsigned 32-bit (negative ones of old files read as they mean today). */
export type DeletionTime = { readonly markedForDeleteAtMicros: bigint; readonly localDeletionSeconds: number };

/** Primary-key liveness: the row marker that INSERT writes. With a TTL, `localExpirationSeconds` is when it expires. */
export type LivenessInfo = {
  readonly timestampMicros: bigint;
  readonly ttlSeconds?: number;
  readonly localExpirationSeconds?: number;
};

export type Cell = {
  readonly column: Column;
  /** Of cells in complex columns: list cell timeuuid, set element, map key, or UDT field position (i16). */
  readonly path?: Uint8Array;
  readonly timestampMicros: bigint;
  readonly ttlSeconds?: number;
  /** When it was deleted (tombstone) or expires (with a TTL). */
  readonly localDeletionSeconds?: number;
  readonly isTombstone: boolean;
  /** Empty for tombstones. */
  readonly value: Uint8Array;
};

export type Row = {
  readonly kind: 'row';
  readonly isStatic: boolean;
  /** One value per clustering column; `null` where absent (compact tables). Empty for static rows. */
  readonly clustering: readonly (Uint8Array | null)[];
  readonly liveness?: LivenessInfo;
  readonly deletion?: DeletionTime;
  readonly isDeletionShadowable: boolean;
  readonly complexDeletions: readonly { readonly column: Column; readonly deletion: DeletionTime }[];
  /** In the order of the file: by column, then by path. */
  readonly cells: readonly Cell[];
  /** Position of its flags byte in the uncompressed Data.db. */
  readonly position: number;
};

export type RangeTombstoneMarker = {
  readonly kind: 'marker';
  readonly boundKind: BoundKind;
  /** A prefix of the clustering columns; empty for the ends of the partition. */
  readonly values: readonly (Uint8Array | null)[];
  /** Deletion of the range that this bound closes. */
  readonly close?: DeletionTime;
  /** Deletion of the range that this bound opens. */
  readonly open?: DeletionTime;
  readonly position: number;
};

export type Unfiltered = Row | RangeTombstoneMarker;

export type Partition = {
  readonly key: Uint8Array;
  /** Position of its key in the uncompressed Data.db. */
  readonly position: number;
  readonly deletion?: DeletionTime;
  readonly staticRow?: Row;
  /** Rows and markers in clustering order; read once, before the next partition is asked for. */
  readonly unfiltereds: Iterable<Unfiltered>;
};
