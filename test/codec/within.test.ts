/** What a codec decompresses within a memory is what it decompresses elsewhere, and nobody's bytes but the slack behind change. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../src/codec/codec.js';
import { lz4Codec } from '../../src/codec/lz4.js';

const codec = lz4Codec();
const FROM = 4096;
const TO = 40_000;
const SLACK = 64;

/** A memory full of 0xa5 that has `stored` at FROM. */
function memoryWith(stored: Uint8Array): { memory: WebAssembly.Memory; bytes: Uint8Array } {
  const memory = new WebAssembly.Memory({ initial: 2 });
  const bytes = new Uint8Array(memory.buffer).fill(0xa5);
  bytes.set(stored, FROM);
  return { memory, bytes };
}

function compress(plain: Uint8Array): Buffer {
  const stored = Buffer.alloc(codec.maxCompressedLength(plain.length));
  return stored.subarray(0, codec.compress(plain, 0, plain.length, stored, 0));
}

const plains = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 60 })), {
    minLength: 1,
    maxLength: 30,
  })
  .map((runs) => Buffer.concat(runs.flatMap(([bytes, times]) => Array<Uint8Array>(times).fill(bytes))));

describe('LZ4 within a memory', () => {
  it('gives what it gives elsewhere, and leaves what lies around', () => {
    fc.assert(
      fc.property(plains, (plain) => {
        const stored = compress(plain);
        const { memory, bytes } = memoryWith(stored);
        const source = new Uint8Array(memory.buffer, 1000);
        codec.within!(memory).decompress(
          source,
          FROM - 1000,
          FROM - 1000 + stored.length,
          bytes.subarray(500),
          TO - 500,
          plain.length,
        );
        const end = TO + plain.length;
        expect(Buffer.compare(bytes.subarray(TO, end), plain)).toBe(0);
        expect(Buffer.compare(bytes.subarray(FROM, FROM + stored.length), stored)).toBe(0);
        expect(bytes.subarray(FROM + stored.length, TO).every((byte) => byte === 0xa5)).toBe(true);
        expect(bytes.subarray(0, FROM).every((byte) => byte === 0xa5)).toBe(true);
        expect(bytes.subarray(end + SLACK).every((byte) => byte === 0xa5)).toBe(true);
      }),
    );
  });

  it('refuses what it refuses elsewhere', () => {
    fc.assert(
      fc.property(plains, fc.nat(), fc.integer({ min: 1, max: 255 }), (plain, place, xor) => {
        const stored = compress(plain);
        stored[place % stored.length]! ^= xor;
        const elsewhere = Buffer.alloc(plain.length);
        const said = (run: () => void) => {
          try {
            run();
            return 'taken';
          } catch (error) {
            if (!(error instanceof CodecError)) throw error;
            return error.message;
          }
        };
        const { memory, bytes } = memoryWith(stored);
        const seen = said(() =>
          codec.within!(memory).decompress(bytes, FROM, FROM + stored.length, bytes, TO, plain.length),
        );
        expect(seen).toBe(said(() => codec.decompress(stored, 0, stored.length, elsewhere, 0, plain.length)));
        if (seen === 'taken') expect(Buffer.compare(bytes.subarray(TO, TO + plain.length), elsewhere)).toBe(0);
        expect(bytes.subarray(TO + plain.length + SLACK).every((byte) => byte === 0xa5)).toBe(true);
      }),
    );
  });

  it('takes bytes that lie elsewhere, or so near the end that no slack is behind, and a memory that has grown', () => {
    const plain = Buffer.alloc(3000, 'all of it again and again, ');
    const stored = compress(plain);
    const { memory, bytes } = memoryWith(stored);
    const within = codec.within!(memory);
    const target = Buffer.alloc(plain.length);
    within.decompress(bytes, FROM, FROM + stored.length, target, 0, plain.length);
    expect(Buffer.compare(target, plain)).toBe(0);
    within.decompress(stored, 0, stored.length, bytes, TO, plain.length);
    expect(Buffer.compare(bytes.subarray(TO, TO + plain.length), plain)).toBe(0);
    const last = bytes.length - plain.length;
    within.decompress(bytes, FROM, FROM + stored.length, bytes, last, plain.length);
    expect(Buffer.compare(bytes.subarray(last), plain)).toBe(0);
    memory.grow(1);
    const grown = new Uint8Array(memory.buffer);
    grown.fill(0, TO);
    within.decompress(grown, FROM, FROM + stored.length, grown, TO, plain.length);
    expect(Buffer.compare(grown.subarray(TO, TO + plain.length), plain)).toBe(0);
  });
});
