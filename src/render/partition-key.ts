/**
 * Partition keys as their columns.
 *
 *   one column   the value
 *   several      for each: u16 length | value | u8 end-of-component (0)      (0xffff before the first marks the static data of old composites)
 */
import { native } from '../cql/marshal.js';
import type { CqlType } from '../cql/type.js';
import { isMultiCell } from '../cql/type-facts.js';

/** Where the columns' values lie in a key. One object serves every partition of a scan. */
export class KeyColumns {
  readonly types: readonly CqlType[];
  /** Values are [start, end) of the key, as many as `count`. */
  readonly start: Int32Array;
  readonly end: Int32Array;
  count = 0;
  private readonly isComposite: boolean;

  constructor(keyType: CqlType) {
    this.isComposite = keyType.kind === 'composite';
    // the hidden tables of some indexes name the type of the collection, but have its elements or entries as keys
    const single = isMultiCell(keyType) ? native('blob') : keyType;
    this.types = keyType.kind === 'composite' ? keyType.components : [single];
    this.start = new Int32Array(this.types.length);
    this.end = new Int32Array(this.types.length);
  }

  /** Finds the values in `key[0, length)`. A key that ends early has fewer; a value never reaches beyond the key. */
  split(key: Uint8Array, length: number): void {
    if (!this.isComposite) {
      this.start[0] = 0;
      this.end[0] = length;
      this.count = 1;
      return;
    }
    let at = length >= 2 && key[0] === 0xff && key[1] === 0xff ? 2 : 0;
    let n = 0;
    while (n < this.types.length && at + 2 <= length) {
      const size = (key[at]! << 8) | key[at + 1]!;
      this.start[n] = at + 2;
      this.end[n] = Math.min(length, at + 2 + size);
      at += 2 + size;
      n++;
      if (at >= length || key[at++] !== 0) break;
    }
    this.count = n;
  }
}
