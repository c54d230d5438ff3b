/** Deletion times as cursors give them, and the bounds that Cassandra holds them to. */
/** "Never": what Cassandra holds as Long.MAX_VALUE. */
export const NO_DELETION_TIME = Number.POSITIVE_INFINITY;
/** What a local deletion time out of its range reads as: 2106-02-07T06:28:14Z. */
export const INVALID_DELETION_TIME = 4294967294;
const MAX_DELETION_TIME = 4294967293;
/** TTL of liveness that had expired when a row was written (materialized views). */
export const EXPIRED_LIVENESS_TTL = 0x7fffffff;

/** A timestamp with its local deletion time; a small mutable box that the cursor fills again and again. */
export class DeletionSlot {
  /** Halves of markedForDeleteAt, in microseconds. */
  hi = 0;
  lo = 0;
  /** Seconds, 0 to 2^32 − 2. */
  localDeletionSeconds = 0;
}

/** Cassandra's DeletionTime.build: what is out of range becomes the one invalid value. */
export function validDeletionTime(seconds: number): number {
  return seconds < 0 || seconds > MAX_DELETION_TIME ? INVALID_DELETION_TIME : seconds;
}
