/**
 * Digest.crc32: the CRC-32 of the whole of Data.db as it lies on disk, decimal digits in ASCII, no line break. (Digest.adler32 and .sha1 are of
 * versions before ma.)
 */
import { CorruptError } from '../bytes/errors.js';
import { readWhole, type Storage } from '../bytes/source.js';
import { COMPONENT, componentPath, type Descriptor } from './descriptor.js';

/** Unsigned 32 bits. @throws UsageError where there is none, CorruptError where it is no such number */
export function readDigest(storage: Storage, descriptor: Descriptor): number {
  const file = componentPath(descriptor, COMPONENT.digest);
  return decodeDigest(readWhole(storage, file, 1 << 16), file);
}

/** @throws CorruptError */
export function decodeDigest(bytes: Uint8Array, file: string): number {
  const text = new TextDecoder('latin1').decode(bytes);
  const value = /^[0-9]{1,10}\n?$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= 0xffffffff)) {
    const seen = text.length > 40 ? `${text.slice(0, 40)}…` : text;
    throw new CorruptError('is not a checksum', {
      file,
      component: COMPONENT.digest,
      seen,
      expected: '0 to 4294967295',
    });
  }
  return value;
}

export function encodeDigest(crc: number): Uint8Array {
  return new TextEncoder().encode(String(crc >>> 0));
}
