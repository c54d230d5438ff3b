/** The end of a file whose parts must not cross its pages of 4096 bytes: buffers what is appended and knows where in the page it is. */
import type { FileSink } from '../../bytes/sink.js';
import { ByteWriter } from '../../bytes/writer.js';
import { PAGE_BYTES } from './trie.js';

/** What takes the bytes of a file, from its beginning on. */
export type IndexSink = Pick<FileSink, 'position' | 'write'>;

const FLUSH_BYTES = 1 << 16;

export class PagedOutput {
  /** Append here. */
  readonly writer = new ByteWriter(FLUSH_BYTES + 4 * PAGE_BYTES);
  private readonly sink: IndexSink;
  /** Position in the file at which the buffer begins. */
  protected base: number;

  constructor(sink: IndexSink) {
    this.sink = sink;
    this.base = sink.position;
  }

  /** Position in the file of what is appended next. */
  get position(): number {
    return this.base + this.writer.pos;
  }

  /** Bytes to the end of the page: 1 to 4096. */
  get leftInPage(): number {
    return PAGE_BYTES - (this.position % PAGE_BYTES);
  }

  /** Zeros up to the next page, none at the beginning of one. */
  padToPage(): void {
    const { writer } = this;
    const left = this.leftInPage % PAGE_BYTES;
    writer.reserve(left);
    writer.buf.fill(0, writer.pos, writer.pos + left);
    writer.pos += left;
  }

  /** Passes on what is appended, once that is much. */
  spill(): void {
    if (this.writer.pos >= FLUSH_BYTES) this.flush();
  }

  /** Passes on all that is appended. */
  flush(): void {
    const { writer } = this;
    this.base += writer.pos;
    this.sink.write(writer.buf, 0, writer.pos);
    writer.pos = 0;
  }
}

/** Bytes of `value` as a signed integer: 1 to 8, one for zero. */
export function sizeOfSigned(value: number): number {
  const magnitude = value < 0 ? -1 - value : value;
  let size = 1;
  for (let limit = 0x80; magnitude >= limit; limit *= 256) size++;
  return size;
}

/** The lower `size` (1 to 8) bytes of an integral double, big-endian. */
export function writeSized(out: ByteWriter, value: number, size: number): void {
  const high = Math.floor(value / 4294967296);
  for (let i = size - 1; i >= 4; i--) out.u8((high >> (8 * (i - 4))) & 0xff);
  for (let i = Math.min(size, 4) - 1; i >= 0; i--) out.u8((value >>> (8 * i)) & 0xff);
}
