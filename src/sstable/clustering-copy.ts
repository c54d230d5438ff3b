/** A clustering or bound that is kept while the row that it came from goes. */
import { ByteWriter } from '../bytes/writer.js';
import { BOUND_KINDS, type ClusteringPrefix } from '../cql/clustering.js';
import { CLUSTERING } from './marker-buffer.js';

export class ClusteringCopy {
  private readonly bytes = new ByteWriter(128);
  private lengths = new Int32Array(8);
  private size = 0;
  private kind = CLUSTERING;

  take(buf: Uint8Array, start: Int32Array, end: Int32Array, size: number, kind: number): void {
    if (size > this.lengths.length) this.lengths = new Int32Array(size * 2);
    this.bytes.pos = 0;
    this.size = size;
    this.kind = kind;
    for (let i = 0; i < size; i++) {
      const from = start[i]!;
      this.lengths[i] = from < 0 ? -1 : end[i]! - from;
      if (from >= 0) this.bytes.bytes(buf, from, end[i]!);
    }
  }

  toPrefix(): ClusteringPrefix {
    const values: (Uint8Array | null)[] = [];
    let at = 0;
    for (let i = 0; i < this.size; i++) {
      const length = this.lengths[i]!;
      values.push(length < 0 ? null : Uint8Array.from(this.bytes.buf.subarray(at, at + length)));
      if (length > 0) at += length;
    }
    return { kind: BOUND_KINDS[this.kind]!, values };
  }
}
