declare module 'zstd-codec' {
  export type Simple = {
    decompress(src: Uint8Array): Uint8Array | null;
    compress(src: Uint8Array, level: number): Uint8Array | null;
  };
  export type Streaming = {
    /** @param sizeHint plain bytes */
    decompressChunks(chunks: Iterable<Uint8Array>, sizeHint: number): Uint8Array | null;
  };
  type Library = { Simple: new () => Simple; Streaming: new () => Streaming };
  const codec: { ZstdCodec: { run(onReady: (zstd: Library) => void): void } };
  export default codec;
}
