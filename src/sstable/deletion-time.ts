/**
 * A deletion time on its own: of partitions, and of the range tombstones that indexes tell to be open.
 *
 *   before oa   i32 local deletion time | i64 marked for delete at            2^31 - 1 and -2^63: none
 *   from oa     u8 0x80: none, else     i64 marked for delete at ≥ 0 | u32 local deletion time
 */
import type { Cursor } from '../bytes/cursor.js';
import { UnsupportedError } from '../bytes/errors.js';
import { MIN_HI, toBigInt } from '../bytes/int64.js';
import type { ByteWriter } from '../bytes/writer.js';
import { INVALID_DELETION_TIME } from './deletion-slot.js';
import type { DeletionTime } from './row.js';
import type { Version } from './version.js';

const NO_LOCAL_DELETION = 0x7fffffff;
const IS_LIVE = 0x80;

/** `undefined` where there is none. @throws CorruptError */
export function readDeletionTime(cursor: Cursor, version: Version): DeletionTime | undefined {
  return version.hasUIntDeletionTime ? readUnsigned(cursor) : readLegacy(cursor);
}

function readUnsigned(cursor: Cursor): DeletionTime | undefined {
  cursor.need(1);
  const flags = cursor.buf[cursor.pos]!;
  if (flags & IS_LIVE) {
    if (flags !== IS_LIVE) throw cursor.corrupt('bad flags of a deletion time', { seen: flags, expected: IS_LIVE });
    cursor.pos++;
    return undefined;
  }
  const markedForDeleteAtMicros = cursor.i64AsBigInt();
  return { markedForDeleteAtMicros, localDeletionSeconds: Math.min(cursor.u32(), INVALID_DELETION_TIME) };
}

function readLegacy(cursor: Cursor): DeletionTime | undefined {
  const seconds = cursor.i32();
  cursor.i64();
  if (seconds === NO_LOCAL_DELETION && cursor.hi === MIN_HI && cursor.lo === 0) return undefined;
  return {
    markedForDeleteAtMicros: toBigInt(cursor.hi, cursor.lo),
    localDeletionSeconds: seconds < 0 ? INVALID_DELETION_TIME : seconds,
  };
}

/** @throws UnsupportedError from oa on for a deletion before 1970, which has no form there */
export function writeDeletionTime(deletion: DeletionTime | undefined, version: Version, out: ByteWriter): void {
  if (version.hasUIntDeletionTime) {
    if (!deletion) {
      out.u8(IS_LIVE);
      return;
    }
    const { markedForDeleteAtMicros } = deletion;
    if (markedForDeleteAtMicros < 0n) {
      throw new UnsupportedError(`a deletion of a timestamp below 0 can't be written in version ${version.name}`, {
        seen: `${markedForDeleteAtMicros}`,
      });
    }
    out.i64FromBigInt(markedForDeleteAtMicros);
    out.i32(deletion.localDeletionSeconds);
    return;
  }
  out.i32(deletion ? Math.min(deletion.localDeletionSeconds, NO_LOCAL_DELETION - 1) : NO_LOCAL_DELETION);
  out.i64FromBigInt(deletion ? deletion.markedForDeleteAtMicros : -(2n ** 63n));
}
