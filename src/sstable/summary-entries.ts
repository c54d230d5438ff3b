/**
 * Entries of Summary.db as they are stored, none taken apart before it is asked for: a large table has millions.
 *
 *   n × i32 offset of the entry, from the first offset on | n × (key, i64 position in Index.db)
 *
 * The byte order is that of the machine that wrote them; what is kept here is little-endian.
 */
import type { Cursor } from '../bytes/cursor.js';

/** `position` is that of the key's entry in Index.db. */
export type SummaryEntry = { readonly key: Uint8Array; readonly position: number };

/** Of a position. */
export const POSITION_BYTES = 8;
/** Positions reach to 2^53 − 1. */
const HI_LIMIT = 0x200000;
const HI = 4294967296;

export class SummaryEntries implements Iterable<SummaryEntry> {
  readonly length: number;
  /** As drawn above, little-endian. */
  readonly table: Uint8Array;
  private readonly view: DataView;

  private constructor(table: Uint8Array, length: number) {
    this.table = table;
    this.length = length;
    this.view = viewOf(table);
  }

  /**
   * @param table as drawn above
   * @param start position of `table` in the file, for errors
   * @throws CorruptError where entries do not follow one another, or have an impossible position
   */
  static decode(table: Uint8Array, count: number, cursor: Cursor, start: number): SummaryEntries {
    const stored = viewOf(table);
    // the first entry follows the offsets
    const isLittle = count === 0 || stored.getInt32(0, true) === count * 4;
    const own = isLittle ? table : table.slice();
    const entries = new SummaryEntries(own, count);
    const { view } = entries;
    let at = count * 4;
    for (let i = 0; i < count; i++) {
      const seen = stored.getInt32(i * 4, isLittle);
      if (seen !== at) throw cursor.corrupt('offset of a summary entry', { offset: start + i * 4, seen, expected: at });
      const end = i + 1 < count ? stored.getInt32(i * 4 + 4, isLittle) : table.length;
      if (end < at + POSITION_BYTES || end > table.length) {
        const offset = start + (i + 1) * 4;
        const expected = `at least ${at + POSITION_BYTES}`;
        throw cursor.corrupt('offset of a summary entry', { offset, seen: end, expected });
      }
      const hi = stored.getInt32(isLittle ? end - 4 : end - 8, isLittle);
      if (hi < 0 || hi >= HI_LIMIT) {
        const lo = stored.getUint32(isLittle ? end - 8 : end - 4, isLittle);
        throw cursor.corrupt('position in Index.db', { offset: start + end - POSITION_BYTES, seen: hi * HI + lo });
      }
      if (!isLittle) {
        view.setInt32(i * 4, seen, true);
        view.setBigInt64(end - POSITION_BYTES, stored.getBigInt64(end - POSITION_BYTES), true);
      }
      at = end;
    }
    return entries;
  }

  /** Where entry `i`, below or equal to `length`, begins in `table`. */
  start(i: number): number {
    return i < this.length ? this.view.getInt32(i * 4, true) : this.table.length;
  }

  /** A view, as those of {@link at}. */
  key(i: number): Uint8Array {
    return this.table.subarray(this.start(i), this.start(i + 1) - POSITION_BYTES);
  }

  position(i: number): number {
    const end = this.start(i + 1);
    return this.view.getInt32(end - 4, true) * HI + this.view.getUint32(end - 8, true);
  }

  /** `undefined` where there is none. */
  at(i: number): SummaryEntry | undefined {
    return i >= 0 && i < this.length ? { key: this.key(i), position: this.position(i) } : undefined;
  }

  *[Symbol.iterator](): Generator<SummaryEntry> {
    for (let i = 0; i < this.length; i++) yield this.at(i)!;
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
