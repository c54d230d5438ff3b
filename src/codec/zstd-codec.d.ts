declare module 'zstd-codec' {
  export type Simple = {
    decompress(src: Uint8Array): Uint8Array | null;
    compress(src: Uint8Array, level: number): Uint8Array | null;
  };
  const codec: { ZstdCodec: { run(onReady: (zstd: { Simple: new () => Simple }) => void): void } };
  export default codec;
}
