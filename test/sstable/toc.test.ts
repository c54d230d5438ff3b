import { describe, expect, it } from 'vitest';
import { CorruptError } from '../../src/bytes/errors.js';
import { decodeDigest, encodeDigest } from '../../src/sstable/digest.js';
import { compareIds, idTimestampMillis } from '../../src/sstable/sstable-id.js';
import { compareToc, decodeToc, encodeToc } from '../../src/sstable/toc.js';
import { corpusFiles, readCorpus } from '../corpus.js';

const FOLDERS = ['kitchen-oa-1/data', 'kitchen-da-1/data', 'kitchen-nb-1/data', 'public/sstables'];

describe('TOC.txt', () => {
  it('round trips every recorded one', () => {
    for (const file of corpusFiles('-TOC.txt', FOLDERS)) {
      const bytes = readCorpus(file);
      expect(Buffer.from(encodeToc(decodeToc(bytes))).equals(bytes), file).toBe(true);
    }
  });

  it('is compared with what is there', () => {
    expect(compareToc(['Data.db', 'Filter.db', 'TOC.txt'], ['CRC.db', 'Data.db', 'SAI+aa+PartitionToSize.db'])).toEqual(
      {
        missing: ['Filter.db', 'TOC.txt'],
        unnamed: ['CRC.db'],
      },
    );
  });
});

describe('Digest.crc32', () => {
  it('round trips every recorded one', () => {
    for (const file of corpusFiles('-Digest.crc32', FOLDERS)) {
      const bytes = readCorpus(file);
      expect(Buffer.from(encodeDigest(decodeDigest(bytes, file))).toString(), file).toBe(bytes.toString().trimEnd());
    }
  });

  it.each(['', 'x', '-1', '4294967296', '1 2', '0x10'])('%j is none', (text) => {
    expect(() => decodeDigest(Buffer.from(text), 'f')).toThrow(CorruptError);
  });
});

describe('generations', () => {
  it('sort as they were made', () => {
    const ids = ['3h5p_06cn_1y35m25pbdezahvg1t', '10', '3h5p_06cm_zy35m25pbdezahvg1t', '9', '100', '2'];
    expect(ids.sort(compareIds)).toEqual(['2', '9', '10', '100', '3h5p_06cm_zy35m25pbdezahvg1t', '3h5p_06cn_1y35m25pbdezahvg1t']); // biome-ignore format: one line
  });

  it('tell their time where they are UUIDs', () => {
    expect(idTimestampMillis('3h9p_06cn_0000025pbdezahvg1t')).toBe(
      Date.UTC(1582, 9, 15) + (Number.parseInt('3h9p', 36) * 86_400 + Number.parseInt('06cn', 36)) * 1000,
    );
    expect(idTimestampMillis('42')).toBeUndefined();
  });
});
