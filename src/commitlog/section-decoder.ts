/**
 * The plain bytes of sections that are stored otherwise:
 *
 *   compressed   i32 plain length | one compressed block to the end of the section
 *   encrypted    i32 plain length | block …
 *                block = i32 cipher length | i32 compressed length | cipher text of: u32 plain length, LZ4 (with Cassandra's length before it)
 *
 * Cipher text is padded, so it is longer than what is compressed. Every block of a segment begins with the initialization vector of its descriptor.
 */
import zlib from 'node:zlib';
import { Cursor } from '../bytes/cursor.js';
import { CorruptError, type ErrorFacts, UnsupportedError, UsageError } from '../bytes/errors.js';
import { type Codec, CodecError } from '../codec/codec.js';
import { loadCodec } from '../codec/load.js';
import { contentSize } from '../codec/zstd.js';
import type { SegmentDescriptor } from './segment-descriptor.js';

/** Decrypts whole blocks, each on its own. @throws CodecError where the padding is wrong */
export type BlockCipher = { decrypt(block: Uint8Array): Uint8Array };

/** The key that a segment names. @throws UsageError where there is none */
export type CipherOf = (descriptor: SegmentDescriptor) => BlockCipher;

/** No segment is larger: commitlog_segment_size is an int of bytes, and a mutation takes half of it at most. */
const MAX_PLAIN_BYTES = 1 << 30;

export type PlainSection = {
  /** Holds the plain bytes in its first `length`; reused by the next section. */
  readonly buf: Uint8Array;
  readonly length: number;
  /** What of the section could not be had, from plain position `length` on. */
  readonly damage?: CorruptError;
};

export interface SectionDecoder {
  /** Plain bytes that the section says it has; read before the rest, −1 where it has no room for that. */
  plainLength(stored: Uint8Array): number;
  /**
   * @param trustsBlock whether what a block says of its own length goes before what the section says: to get at damaged ones
   * @throws CorruptError with `offset` in the file; a damaged block is told in the result, with what stands before it
   */
  decode(stored: Uint8Array, filePosition: number, file: string, trustsBlock?: boolean): PlainSection;
}

/** `undefined` for plain segments. @throws UnsupportedError for a codec or cipher that is not known, UsageError where no key is given */
export async function sectionDecoder(
  descriptor: SegmentDescriptor,
  file: string,
  cipherOf: CipherOf,
): Promise<SectionDecoder | undefined> {
  if (descriptor.encryption) {
    const cipher = cipherOf(descriptor);
    return new EncryptedSections(cipher, await loadCodec('LZ4Compressor', file));
  }
  if (!descriptor.compression) return undefined;
  return new CompressedSections(await loadCodec(descriptor.compression.className, file));
}

/** For commands that were given no keystore. */
export const noCipher: CipherOf = ({ encryption }) => {
  throw new UsageError(`is encrypted with the key '${encryption?.keyAlias}'`, {
    hint: 'name the cassandra.yaml whose transparent_data_encryption_options have the keystore: --cassandra-yaml FILE',
  });
};

function readPlainLength(stored: Uint8Array): number {
  return stored.length < 4 ? -1 : new DataView(stored.buffer, stored.byteOffset, 4).getInt32(0);
}

class PlainBuffer {
  buf: Uint8Array = new Uint8Array(0);

  /** Room for `length` bytes; what is in there is kept. */
  ensure(length: number): Uint8Array {
    if (length > this.buf.length) {
      const next = new Uint8Array(Math.max(length, Math.min(this.buf.length * 2, MAX_PLAIN_BYTES)));
      next.set(this.buf);
      this.buf = next;
    }
    return this.buf;
  }
}

class CompressedSections implements SectionDecoder {
  private readonly codec: Codec;
  private readonly plain = new PlainBuffer();

  constructor(codec: Codec) {
    this.codec = codec;
  }

  plainLength(stored: Uint8Array): number {
    return readPlainLength(stored);
  }

  decode(stored: Uint8Array, filePosition: number, file: string, trustsBlock = false): PlainSection {
    const most = mostPlainBytes(this.codec.name, stored.length - 4);
    const stated = this.plainLength(stored);
    const length = trustsBlock ? blockLength(this.codec.name, stored, stated, most) : stated;
    const facts = { file, component: 'section', offset: filePosition };
    if (length < 0 || length > most) {
      const expected = `0 to ${most}`;
      throw new CorruptError('length of a compressed section can not be', { ...facts, seen: length, expected });
    }
    if (length === 0) {
      checkEmpty(stored, facts);
      return { buf: this.plain.buf, length: 0 };
    }
    try {
      return this.decompress(stored, length);
    } catch (error) {
      if (error instanceof UnsupportedError || !(error instanceof Error)) throw error;
      if (!(error instanceof CodecError) && !(error instanceof RangeError)) throw error;
      throw new CorruptError(`section can't be decompressed: ${error.message}`, facts, { cause: error });
    }
  }

  /** What the block holds may be less than the section says: entries have checksums of their own. */
  private decompress(stored: Uint8Array, length: number): PlainSection {
    const { codec } = this;
    if (codec.name === 'DeflateCompressor') {
      const plain = inflate(stored.subarray(4), length);
      // no Buffer: its slice() makes no copy
      const buf = new Uint8Array(plain.buffer, plain.byteOffset, plain.length);
      return { buf, length: buf.length };
    }
    const own = ownLength(codec.name, stored, 4);
    const used = own >= 0 && own < length ? own : length;
    const buf = this.plain.ensure(used);
    codec.decompress(stored, 4, stored.length, buf, 0, used);
    return { buf, length: used };
  }
}

/** More than a byte of Deflate can give. */
const MORE_BYTES = 1 << 12;

/** Of a stream that is cut, what there is; of one that gives more, the first `length` bytes: as Java's Inflater fills a buffer. */
function inflate(stored: Uint8Array, length: number): Uint8Array {
  const most = length + MORE_BYTES;
  const plain = inflatePrefix(stored, most);
  if (plain) return plain.subarray(0, length);
  let [fits, exceeds] = [0, stored.length];
  while (exceeds - fits > 1) {
    const middle = (fits + exceeds) >>> 1;
    if (inflatePrefix(stored.subarray(0, middle), most)) fits = middle;
    else exceeds = middle;
  }
  return inflatePrefix(stored.subarray(0, fits), most)!.subarray(0, length);
}

/** `undefined` where it gives more than `most` bytes. @throws CodecError */
function inflatePrefix(stored: Uint8Array, most: number): Uint8Array | undefined {
  try {
    return zlib.inflateSync(stored, { maxOutputLength: most, finishFlush: zlib.constants.Z_SYNC_FLUSH });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return undefined;
    throw new CodecError(`Deflate: ${(error as Error).message}`);
  }
}

/** How much a block may give, whatever its section says of it. */
function blockLength(codec: string, stored: Uint8Array, stated: number, most: number): number {
  if (codec === 'DeflateCompressor') return stored.length > MAX_EMPTY_BYTES ? most : stated;
  const own = ownLength(codec, stored, 4);
  return own > 0 ? own : stated;
}

/** Plain bytes that a block says itself that it holds; −1 where it does not. */
function ownLength(codec: string, stored: Uint8Array, start: number): number {
  switch (codec) {
    case 'LZ4Compressor':
      return stored.length < start + 4
        ? -1
        : new DataView(stored.buffer, stored.byteOffset + start, 4).getInt32(0, true);
    case 'ZstdCompressor':
      return zstdLength(stored, start);
    case 'SnappyCompressor':
      return snappyLength(stored, start);
    default:
      return -1;
  }
}

function zstdLength(stored: Uint8Array, start: number): number {
  try {
    return contentSize(stored, start, stored.length);
  } catch (error) {
    if (error instanceof CodecError) return -1; // the codec will tell
    throw error;
  }
}

function snappyLength(stored: Uint8Array, start: number): number {
  let value = 0;
  for (let i = 0; i < 5 && start + i < stored.length; i++) {
    const byte = stored[start + i]!;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return value;
  }
  return -1;
}

/** More than any codec makes of nothing. */
const MAX_EMPTY_BYTES = 64;

function checkEmpty(stored: Uint8Array, facts: ErrorFacts): void {
  if (stored.length <= MAX_EMPTY_BYTES) return;
  throw new CorruptError('section says that it is empty, but is not', { ...facts, seen: `${stored.length} bytes` });
}

/** Plain bytes that so many stored ones can become in a codec: a forged length must not decide an allocation. */
function mostPlainBytes(codec: string, stored: number): number {
  const ratio = { LZ4Compressor: 256, SnappyCompressor: 64, DeflateCompressor: 1040, NoopCompressor: 1 }[codec];
  return Math.min(MAX_PLAIN_BYTES, ratio === undefined ? MAX_PLAIN_BYTES : Math.max(0, stored) * ratio + 64);
}

class EncryptedSections implements SectionDecoder {
  private readonly cipher: BlockCipher;
  private readonly lz4: Codec;
  private readonly plain = new PlainBuffer();

  constructor(cipher: BlockCipher, lz4: Codec) {
    this.cipher = cipher;
    this.lz4 = lz4;
  }

  plainLength(stored: Uint8Array): number {
    return readPlainLength(stored);
  }

  decode(stored: Uint8Array, filePosition: number, file: string, trustsBlock = false): PlainSection {
    const c = new Cursor(stored, { file, component: 'section' }, 0, stored.length, filePosition);
    const most = mostPlainBytes('LZ4Compressor', stored.length);
    const stated = c.i32();
    const total = trustsBlock && c.left > 0 ? most : stated;
    if (total < 0 || total > most) {
      throw c.corrupt('length of an encrypted section can not be', { offset: filePosition, seen: stated });
    }
    if (total === 0) checkEmpty(stored, { file, component: 'section', offset: filePosition });
    let length = 0;
    while (length < total && c.left > 0) {
      const at = c.offset;
      try {
        length = this.block(c, length, total);
      } catch (error) {
        return { buf: this.plain.buf, length, damage: damageOf(error, file, at) };
      }
    }
    return { buf: this.plain.buf, length };
  }

  /** @returns plain bytes with those of the block */
  private block(c: Cursor, length: number, total: number): number {
    const cipherLength = c.i32();
    const compressedLength = c.i32();
    if (cipherLength <= 0 || cipherLength > c.left || compressedLength < 4 || compressedLength > cipherLength) {
      throw new CodecError('lengths of an encrypted block can not be');
    }
    const compressed = this.cipher.decrypt(c.view(cipherLength));
    if (compressed.length < compressedLength) throw new CodecError('decrypted block is too short');
    const plainLength = readPlainLength(compressed);
    if (plainLength <= 0 || plainLength > total - length || plainLength > compressedLength * 256) {
      throw new CodecError(`plain length of an encrypted block can not be ${plainLength}`);
    }
    const buf = this.plain.ensure(length + plainLength);
    this.lz4.decompress(compressed, 4, compressedLength, buf, length, plainLength);
    return length + plainLength;
  }
}

function damageOf(error: unknown, file: string, offset: number): CorruptError {
  if (!(error instanceof CodecError) && !(error instanceof CorruptError)) throw error;
  return new CorruptError(`encrypted block can't be read: ${error.message}`, { file, component: 'section', offset });
}
