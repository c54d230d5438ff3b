/** DataViews over arrays that are asked for again and again, as a writer's buffers are: the last one is kept. */
export class KeptView {
  private bytes: Uint8Array = new Uint8Array(0);
  private view: DataView = new DataView(this.bytes.buffer);

  /** A view of just these bytes. */
  of(bytes: Uint8Array): DataView {
    if (this.bytes !== bytes) {
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      this.bytes = bytes;
    }
    return this.view;
  }
}
