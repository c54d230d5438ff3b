import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memorySource } from '../../src/bytes/source.js';
import { SourceCursor } from '../../src/bytes/source-cursor.js';

const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 31) & 0xff);

describe('SourceCursor', () => {
  it('reads the same whatever the size of its blocks, wherever it goes', () => {
    const step = fc.record({ seek: fc.nat(1000), skip: fc.nat(40), take: fc.nat(60) });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 90 }),
        fc.nat(4),
        fc.array(step, { maxLength: 20 }),
        (block, most, steps) => {
          const cursor = new SourceCursor(memorySource(bytes), {}, 0, bytes.length, block, block * (1 + most));
          for (const { seek, skip, take } of steps) {
            cursor.seek(seek);
            const from = seek + skip;
            if (from + take > bytes.length) {
              expect(() => [cursor.skip(skip), cursor.bytes(take)]).toThrowError(/ends too early/);
              continue;
            }
            cursor.skip(skip);
            expect(cursor.bytes(take)).toEqual(bytes.slice(from, from + take));
            expect([cursor.offset, cursor.left]).toEqual([from + take, bytes.length - from - take]);
          }
        },
      ),
    );
  });

  it('stops at its limit, and refuses lengths beyond it before it makes room for them', () => {
    const cursor = new SourceCursor(memorySource(bytes, 'Index.db'), { file: 'Index.db' }, 10, 20, 4);
    expect(cursor.bytes(10)).toEqual(bytes.slice(10, 20));
    expect(() => cursor.u8()).toThrowError(expect.objectContaining({ code: 'CORRUPT' }));
    expect(() => cursor.bytes(2 ** 40)).toThrowError(expect.objectContaining({ code: 'CORRUPT' }));
    expect(() => cursor.seek(21)).toThrowError(/outside of the file/);
  });
});
