import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvariantError } from '../../../src/bytes/errors.js';
import { memoryOutput } from '../../../src/bytes/sink.js';
import { type ByteSource, memorySource } from '../../../src/bytes/source.js';
import { ByteWriter } from '../../../src/bytes/writer.js';
import { PagedOutput } from '../../../src/sstable/bti/paged-output.js';
import { PAGE_BYTES, PagedFile, sizedInt, TrieWalker } from '../../../src/sstable/bti/trie.js';
import { TrieWriter } from '../../../src/sstable/bti/trie-writer.js';

/** A file of pieces far from each other, which keeps no bytes between them. */
class GappedFile {
  position = 0;
  private readonly pages = new Map<number, Uint8Array>();

  write(bytes: Uint8Array, start = 0, end = bytes.length): void {
    for (let i = start; i < end; i++) {
      const number = Math.floor(this.position / PAGE_BYTES);
      const page = this.pages.get(number) ?? new Uint8Array(PAGE_BYTES);
      this.pages.set(number, page);
      page[this.position++ % PAGE_BYTES] = bytes[i]!;
    }
  }

  source(): ByteSource {
    return {
      path: 'Rows.db',
      size: this.position,
      read: (position, target, offset, length) => {
        const page = this.pages.get(position / PAGE_BYTES) ?? new Uint8Array(PAGE_BYTES);
        target.set(page.subarray(0, length), offset);
        return length;
      },
      close() {},
    };
  }
}

/** Leaves a gap of some pages wherever a page would begin. */
class GappedOutput extends PagedOutput {
  private readonly file: GappedFile;
  private readonly gap: number;

  constructor(file: GappedFile, gap: number) {
    super(file);
    this.file = file;
    this.gap = gap;
  }

  override padToPage(): void {
    super.padToPage();
    this.flush();
    this.file.position += this.gap;
    this.base += this.gap;
  }
}

const compare = (a: Uint8Array, b: Uint8Array): number => Buffer.compare(a, b);

/** Adds the keys, each with its number of four bytes for payload; returns the root. */
function addAll(trie: TrieWriter, keys: readonly Uint8Array[]): number {
  const payload = new ByteWriter();
  keys.forEach((key, i) => {
    payload.pos = 0;
    payload.i32(i);
    trie.add(key, key.length, 4, payload);
  });
  return trie.finish();
}

/** The numbers of all keys as the walker comes by, which also sees to it that no node crosses a page. */
function walk(source: ByteSource, root: number, count: number): number[] {
  const file = new PagedFile(source, 'Rows');
  const walker = new TrieWalker(file, root);
  const numbers: number[] = [];
  for (const _ of walker.nodes(count)) numbers.push(sizedInt(file, walker.position, walker.payload(0, 4)));
  return numbers;
}

/** The number that stands at the end of the path of `key`. */
function find(walker: TrieWalker, key: Uint8Array): number | undefined {
  if (walker.follow(key) !== -1 || walker.payloadFlags === 0) return undefined;
  return sizedInt(walker.file, walker.position, walker.payload(0, 4));
}

function writeTrie(keys: readonly Uint8Array[]): { source: ByteSource; root: number } {
  const files = new Map<string, Uint8Array>();
  const sink = memoryOutput(files).create('Rows.db');
  const out = new PagedOutput(sink);
  const root = addAll(new TrieWriter(out), keys);
  out.flush();
  sink.close();
  return { source: memorySource(files.get('Rows.db')!, 'Rows.db'), root };
}

function expectAll(source: ByteSource, root: number, keys: readonly Uint8Array[]): void {
  expect(walk(source, root, keys.length)).toEqual(keys.map((_, i) => i));
  const walker = new TrieWalker(new PagedFile(source, 'Rows'), root);
  expect(keys.every((key, i) => find(walker, key) === i)).toBe(true);
}

/** Sorted, each once. */
function distinct(keys: readonly Uint8Array[]): Uint8Array[] {
  return [...new Map(keys.map((key) => [Buffer.from(key).toString('hex'), key])).values()].sort(compare);
}

/** Keys from a seed: `bytes` of them random, below `limit`. */
function randomKeys(count: number, bytes: number, limit: number): Uint8Array[] {
  let x = 0x2545f491;
  const next = (): number => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % limit;
  };
  return distinct(Array.from({ length: count }, () => Uint8Array.from({ length: bytes }, next)));
}

describe('trie writer', () => {
  it('writes whatever keys there are', () => {
    const key = fc.uint8Array({ maxLength: 6 });
    const few = fc.array(fc.integer({ min: 250, max: 255 }), { maxLength: 12 }).map((bytes) => Uint8Array.from(bytes));
    fc.assert(
      fc.property(fc.array(fc.oneof(key, few), { minLength: 1, maxLength: 400 }), (some) => {
        const keys = distinct(some);
        const { source, root } = writeTrie(keys);
        expectAll(source, root, keys);
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ['dense', randomKeys(100_000, 3, 256)],
    ['sparse', randomKeys(30_000, 8, 256)],
    ['deep', randomKeys(20_000, 16, 3)],
    ['wide nodes', Array.from({ length: 65536 }, (_, i) => Uint8Array.of(i >> 8, i))],
  ] as const)('writes %s tries of many pages', (_, keys) => {
    const { source, root } = writeTrie(keys);
    expect(source.size).toBeGreaterThan(50 * PAGE_BYTES);
    expectAll(source, root, keys);
  });

  it('writes keys longer than a page', () => {
    const long = new Uint8Array(100_000).fill(7);
    const keys = distinct([0, 1, 5000, 99_999].flatMap((at) => [long.with(at, 6), long.with(at, 8)]));
    const { source, root } = writeTrie(keys);
    expectAll(source, root, keys);
  });

  // 24, 32, 40 and 64 bits
  it.each([2 ** 14, 2 ** 24, 2 ** 31, 2 ** 33, 2 ** 42])('points across gaps of %i bytes', (gap) => {
    const keys = [...randomKeys(8000, 4, 40), ...randomKeys(500, 600, 2).map((key) => Uint8Array.of(250, ...key))];
    const file = new GappedFile();
    const out = new GappedOutput(file, gap);
    const root = addAll(new TrieWriter(out), keys);
    out.flush();
    expectAll(file.source(), root, keys);
  });

  it('writes one trie after another', () => {
    const files = new Map<string, Uint8Array>();
    const sink = memoryOutput(files).create('Rows.db');
    const out = new PagedOutput(sink);
    const trie = new TrieWriter(out);
    const sets = [5, 3000, 1, 20_000].map((count) => randomKeys(count, 4, 100));
    const roots = sets.map((keys) => {
      const root = addAll(trie, keys);
      expect(trie.count).toBe(keys.length);
      trie.reset();
      return root;
    });
    out.flush();
    sink.close();
    const source = memorySource(files.get('Rows.db')!, 'Rows.db');
    sets.forEach((keys, i) => {
      expectAll(source, roots[i]!, keys);
    });
  });

  it('drops what it holds with a reset', () => {
    const out = new PagedOutput(memoryOutput().create('Rows.db'));
    const trie = new TrieWriter(out);
    const payload = new ByteWriter();
    payload.u8(1);
    trie.add(Uint8Array.of(1, 2, 3), 3, 1, payload);
    trie.reset();
    expect(out.position).toBe(0);
    trie.add(Uint8Array.of(1), 1, 1, payload);
    expect(trie.finish()).toBe(2);
    expect([...out.writer.view()]).toEqual([0x01, 1, 0x12, 1]);
  });

  it.each([
    [[2], [1]],
    [[2], [2]],
    [[2, 1], [2]],
    [[], []],
  ])('refuses %j before %j', (first, second) => {
    const trie = new TrieWriter(new PagedOutput(memoryOutput().create('Rows.db')));
    const payload = new ByteWriter();
    payload.u8(1);
    trie.add(Uint8Array.from(first), first.length, 1, payload);
    expect(() => trie.add(Uint8Array.from(second), second.length, 1, payload)).toThrow(InvariantError);
  });
});
