/** Every codec: what it wrote comes back; what is cut, flipped or lies is refused, and nothing is written beyond its place. */
import { createRequire } from 'node:module';
import zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { UnsupportedError } from '../../src/bytes/errors.js';
import { type Codec, CodecError } from '../../src/codec/codec.js';
import { loadCodec } from '../../src/codec/load.js';
import { encodeLz4Block } from '../../src/codec/lz4-block.js';
import { randomOf } from '../corrupt.js';

const require = createRequire(import.meta.url);

type Compress = (plain: Uint8Array) => Uint8Array;

async function zstd(): Promise<Compress> {
  const { ZstdCodec } = require('zstd-codec') as {
    ZstdCodec: {
      run(done: (z: { Simple: new () => { compress(b: Uint8Array, level: number): Uint8Array } }) => void): void;
    };
  };
  return new Promise((resolve) => ZstdCodec.run((z) => resolve((plain) => new z.Simple().compress(plain, 3))));
}

/** A Snappy block of literals only, each up to 60 bytes long. */
function snappyLiterals(plain: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  let rest = plain.length;
  const length: number[] = [];
  for (; rest >= 0x80; rest >>>= 7) length.push((rest & 0x7f) | 0x80);
  parts.push(Uint8Array.from([...length, rest]));
  for (let at = 0; at < plain.length; at += 60) {
    const literal = plain.subarray(at, at + 60);
    parts.push(Uint8Array.of((literal.length - 1) << 2), literal);
  }
  return Buffer.concat(parts);
}

const CODECS: readonly (readonly [name: string, compress: () => Compress | Promise<Compress>])[] = [
  [
    'LZ4Compressor',
    () => (plain) => {
      const stored = Buffer.alloc(plain.length * 2 + 64);
      stored.writeUInt32LE(plain.length);
      return stored.subarray(0, encodeLz4Block(plain, 0, plain.length, stored, 4));
    },
  ],
  ['SnappyCompressor', () => snappyLiterals],
  ['DeflateCompressor', () => (plain) => zlib.deflateSync(plain)],
  ['ZstdCompressor', zstd],
  ['NoopCompressor', () => (plain) => plain],
];

const text = Buffer.from('some words come again and again, some words do not; '.repeat(300));
const random = randomOf(7);
const noise = Buffer.from(Array.from({ length: 16384 }, () => Math.floor(random() * 256)));

function run(codec: Codec, stored: Uint8Array, length: number): Buffer {
  const src = Buffer.concat([Buffer.from([9, 9]), stored, Buffer.from([9])]);
  const dst = Buffer.alloc(length + 6, 0xee);
  try {
    codec.decompress(src, 2, 2 + stored.length, dst, 3, length);
  } finally {
    expect([...dst.subarray(0, 3), ...dst.subarray(length + 3)]).toEqual(Array(6).fill(0xee));
  }
  return dst.subarray(3, 3 + length);
}

describe.each(CODECS)('%s', (name, compressor) => {
  it.each([
    ['one byte', Buffer.from('x')],
    ['text', text],
    ['noise', noise],
  ])('gives %s back', async (_, plain) => {
    const codec = await loadCodec(`org.apache.cassandra.io.compress.${name}`);
    expect(codec.name).toBe(name);
    const stored = (await compressor())(plain);
    expect(run(codec, stored, plain.length).equals(plain)).toBe(true);
    expect(run(codec, stored, plain.length).equals(plain)).toBe(true); // what it keeps between chunks does no harm
  });

  it('refuses other plain lengths', async () => {
    const codec = await loadCodec(name);
    const stored = (await compressor())(text);
    for (const length of [0, 1, text.length - 1, text.length + 1, text.length * 4]) {
      expect(() => run(codec, stored, length)).toThrow(CodecError);
    }
    expect(run(codec, stored, text.length).equals(text)).toBe(true);
  });

  it('refuses what is cut', async () => {
    const codec = await loadCodec(name);
    const stored = (await compressor())(text);
    for (const length of [0, 1, 2, 3, 4, 5, 8, 12, stored.length >> 1, stored.length - 1]) {
      expect(() => run(codec, stored.subarray(0, length), text.length)).toThrow(CodecError);
    }
  });

  it('survives flips: an error of its own, or other bytes (the checksum of the chunk tells)', async () => {
    const codec = await loadCodec(name);
    const stored = (await compressor())(text);
    for (let i = 0; i < 200; i++) {
      const bad = Buffer.from(stored);
      const at = i < 40 ? i % bad.length : Math.floor(random() * bad.length);
      bad[at]! ^= 1 << Math.floor(random() * 8);
      try {
        run(codec, bad, text.length);
      } catch (error) {
        expect(error).toBeInstanceOf(CodecError);
      }
    }
    expect(run(codec, stored, text.length).equals(text)).toBe(true);
  });
});

describe('lengths that lie', () => {
  it('are refused by Snappy before anything is allocated', async () => {
    const codec = await loadCodec('SnappyCompressor');
    for (const hex of ['ffffffff0f00', 'ffffffffff', '']) {
      expect(() => run(codec, Buffer.from(hex, 'hex'), 100)).toThrow(CodecError);
    }
  });

  it('are refused by Zstd, whatever the width of the frame’s content size', async () => {
    const codec = await loadCodec('ZstdCompressor');
    const frames = ['20ff', '60ffff', 'a0ffffffff', 'e0ffffffffffffff7f', '00', 'e0'];
    for (const header of frames) {
      expect(() => run(codec, Buffer.from(`28b52ffd${header}010000`, 'hex'), 100)).toThrow(CodecError);
    }
  });

  it('are refused by Deflate: more comes out than belongs', async () => {
    const codec = await loadCodec('DeflateCompressor');
    expect(() => run(codec, zlib.deflateSync(Buffer.alloc(10_000_000)), 16384)).toThrow(CodecError);
  });
});

describe('loadCodec', () => {
  it.each(['', 'BrotliCompressor', 'constructor', 'toString', '__proto__', 'a.b.LZ4'])(
    'names %j as unknown',
    (name) => {
      expect(() => loadCodec(name, 'CompressionInfo.db')).toThrow(UnsupportedError);
    },
  );
});
