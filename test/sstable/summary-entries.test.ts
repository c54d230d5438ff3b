/** Entries of Summary.db in either byte order, and tables that lie. */
import { describe, expect, it } from 'vitest';
import { CorruptError } from '../../src/bytes/errors.js';
import { decodeSummary, encodeSummary } from '../../src/sstable/summary.js';

const entries = ['a', 'key', '', 'the longest'].map((key, i) => ({ key: Buffer.from(key), position: i * 2 ** 49 + i }));
const summary = {
  minIndexInterval: 128,
  samplingLevel: 128,
  sizeAtFullSampling: entries.length,
  entries,
  firstKey: Buffer.from('a'),
  lastKey: Buffer.from('z'),
};
const HEADER_BYTES = 24;

/** As a big-endian machine would write it. */
function bigEndian(little: Buffer): Buffer {
  const bytes = Buffer.from(little);
  let at = HEADER_BYTES;
  const ends = entries.map((_, i) => (i + 1 < entries.length ? little.readInt32LE(at + i * 4 + 4) : undefined));
  for (let i = 0; i < entries.length; i++, at += 4) bytes.writeInt32BE(little.readInt32LE(at), at);
  const tableEnd = HEADER_BYTES + Number(little.readBigInt64BE(8));
  for (const end of ends) {
    const position = (end === undefined ? tableEnd : HEADER_BYTES + end) - 8;
    bytes.writeBigInt64BE(little.readBigInt64LE(position), position);
  }
  return bytes;
}

describe('entries of Summary.db', () => {
  const stored = encodeSummary(summary);

  it.each([
    ['little-endian', stored],
    ['big-endian', bigEndian(stored)],
  ])('are those that were written, %s', (_, bytes) => {
    const { entries: read } = decodeSummary(bytes);
    expect(read.length).toBe(entries.length);
    expect(Array.from(read, ({ key, position }) => ({ key: Buffer.from(key), position }))).toEqual(entries);
    expect(read.at(-1)).toBeUndefined();
    expect(read.at(entries.length)).toBeUndefined();
    expect(Buffer.compare(encodeSummary({ ...summary, entries: read }), stored)).toBe(0);
  });

  it('are refused where an offset or a position is none', () => {
    const broken = (at: number, write: (bytes: Buffer, at: number) => void) => () => {
      const bytes = Buffer.from(stored);
      write(bytes, at);
      return decodeSummary(bytes);
    };
    const tableEnd = HEADER_BYTES + Number(stored.readBigInt64BE(8));
    for (const [at, value] of [
      [HEADER_BYTES + 4, 3],
      [HEADER_BYTES + 4, 1 << 20],
      [HEADER_BYTES + 12, -1],
    ] as const)
      expect(broken(at, (bytes) => bytes.writeInt32LE(value, at))).toThrow(CorruptError);
    for (const position of [-1n, 1n << 53n])
      expect(broken(tableEnd - 8, (bytes, at) => bytes.writeBigInt64LE(position, at))).toThrow(/position in Index.db/);
  });
});
