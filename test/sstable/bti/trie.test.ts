import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memorySource } from '../../../src/bytes/source.js';
import { NONE, PAGE_BYTES, PagedFile, TrieWalker } from '../../../src/sstable/bti/trie.js';

const LEAF = Uint8Array.of(0x01, 0x2a);

/** A node with a child at each given distance before it; dense nodes have gaps. Without a payload. */
function encodeNode(type: number, children: readonly { transition: number; distance: number }[]): number[] {
  const bits = [0, 4, 8, 12, 16, 8, 12, 16, 24, 40, 12, 16, 24, 32, 40, 64][type]!;
  const { transition: first, distance } = children[0]!;
  if (type === 1) return [(type << 4) | distance, first];
  if (type === 3) return [(type << 4) | (distance >> 8), distance & 0xff, first];
  if (type < 5) return [type << 4, first, ...pointers([distance], bits)];
  const distances = children.map((child) => child.distance);
  if (type < 10)
    return [type << 4, children.length, ...children.map(({ transition }) => transition), ...pointers(distances, bits)];
  const last = children.at(-1)!.transition;
  const slots = Array.from(
    { length: last - first + 1 },
    (_, i) => children.find((c) => c.transition === first + i)?.distance ?? 0,
  );
  return [type << 4, first, slots.length - 1, ...pointers(slots, bits)];
}

function pointers(distances: readonly number[], bits: number): number[] {
  const binary = distances.map((distance) => distance.toString(2).padStart(bits, '0')).join('');
  return (binary.match(/.{1,8}/g) ?? []).map((byte) => Number.parseInt(byte.padEnd(8, '0'), 2));
}

function walkerOver(bytes: Uint8Array, root: number): TrieWalker {
  return new TrieWalker(new PagedFile(memorySource(bytes, 'Rows.db'), 'Rows'), root);
}

/** A trie of bytes to leaves: a sorted list of keys as nested single and sparse nodes, laid out without regard to pages. */
function makeTrie(keys: readonly number[][]): { bytes: Uint8Array; root: number } {
  const out: number[] = [];
  const write = (depth: number, group: readonly number[][]): number => {
    const own = group.some((key) => key.length === depth);
    const rest = group.filter((key) => key.length > depth);
    const children = [...new Set(rest.map((key) => key[depth]!))].map((transition) => ({
      transition,
      position: write(
        depth + 1,
        rest.filter((key) => key[depth] === transition),
      ),
    }));
    const position = out.length;
    if (children.length === 0) {
      out.push(...LEAF);
    } else {
      const type = children.length === 1 ? 4 : children.length % 2 ? 7 : 11;
      const node = encodeNode(
        type,
        children.map((child) => ({ ...child, distance: position - child.position })),
      );
      if (own) node[0]! |= 1;
      out.push(...node, ...(own ? [0x2a] : []));
    }
    return position;
  };
  const root = write(0, keys);
  return { bytes: Uint8Array.from(out), root };
}

describe('trie nodes', () => {
  const types = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
  it.each(types)('type %i leads to its children', (type) => {
    // leaves at 0, 2 and 4; the node at 6
    const all = [
      { transition: 10, distance: 6 },
      { transition: 11, distance: 4 },
      { transition: 40, distance: 2 },
    ];
    const children = type < 5 ? all.slice(1, 2) : all;
    const walker = walkerOver(Uint8Array.from([...LEAF, ...LEAF, ...LEAF, ...encodeNode(type, children)]), 6);
    for (let b = -1; b < 256; b++) {
      walker.go(6);
      const found = walker.search(b);
      const child = children.find(({ transition }) => transition === b);
      expect(found >= 0).toBe(child !== undefined);
      if (child) expect(walker.child(found)).toBe(6 - child.distance);
      if (child) expect(walker.transition(found)).toBe(b);
      expect(walker.payloadFlags).toBe(0);
      walker.seek(Uint8Array.of(Math.max(b, 0)), () => 0);
      const lesser = children.filter(({ transition }) => transition < Math.max(b, 0)).at(-1);
      const greater = children.find(({ transition }) => transition > Math.max(b, 0));
      expect(walker.lesserBranch).toBe(lesser ? 6 - lesser.distance : NONE);
      expect(walker.greaterBranch).toBe(greater ? 6 - greater.distance : NONE);
    }
    expect([...walker.nodes(children.length)].length).toBe(children.length);
  });

  it.each([
    ['a pointer before the file', [...LEAF, 0x20, 0x61, 0x09], 2],
    ['a pointer to itself', [...LEAF, 0x20, 0x61, 0x00], 2],
    ['a sparse node without children', [...LEAF, 0x50, 0x00], 2],
    ['a node cut by the end', [...LEAF, 0x70, 0x05, 0x61], 2],
    ['a leaf without a payload', [0x00, 0x20, 0x61, 0x01], 1],
    ['a root outside of the file', [...LEAF], 9],
    ['a payload cut by the end', [0x07, 0x00], 0],
  ])('refuses %s', (_what, bytes, root) => {
    const walker = walkerOver(Uint8Array.from(bytes), root);
    const walk = (): void => {
      for (const _ of walker.nodes(10)) walker.payload(0, walker.payloadFlags);
    };
    expect(walk).toThrowError(expect.objectContaining({ code: 'CORRUPT' }));
  });

  it('refuses a node that crosses its page', () => {
    const bytes = new Uint8Array(PAGE_BYTES + 100);
    bytes.set(
      encodeNode(7, [
        { transition: 1, distance: 4 },
        { transition: 2, distance: 4 },
      ]),
      PAGE_BYTES - 3,
    );
    expect(() => walkerOver(bytes, PAGE_BYTES - 3).goMin(PAGE_BYTES - 3)).toThrowError(/crosses its page/);
  });

  it('refuses more entries than there should be', () => {
    const { bytes, root } = makeTrie([[1], [2], [3]]);
    expect(() => [...walkerOver(bytes, root).nodes(2)]).toThrowError(/more entries/);
  });
});

describe('any trie', () => {
  const key = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 5 });
  const compare = (a: readonly number[], b: readonly number[]): number =>
    Buffer.compare(Uint8Array.from(a), Uint8Array.from(b));
  const startsWith = (whole: readonly number[], start: readonly number[]): boolean =>
    start.every((b, i) => whole[i] === b);

  it('is walked in order, between bounds, and sought', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(key, { minLength: 1, maxLength: 30, selector: String }),
        key,
        key,
        (list, one, other) => {
          // no key is the beginning of another, as byte-comparable forms
          const keys = list.filter((a) => !list.some((b) => b !== a && startsWith(b, a))).sort(compare);
          const { bytes, root } = makeTrie(keys);
          const walker = walkerOver(bytes, root);
          const positions = [...walker.nodes(keys.length)].map(() => walker.position);
          expect(positions.length).toBe(keys.length);
          const keyAt = new Map<number, number[]>();
          let i = 0;
          for (const _ of walker.nodes(keys.length)) keyAt.set(walker.position, keys[i++]!);

          const [from, to] = compare(one, other) <= 0 ? [one, other] : [other, one];
          const seen: number[][] = [];
          for (const isOnEdge of walker.nodes(keys.length, Uint8Array.from(from), Uint8Array.from(to))) {
            const found = keyAt.get(walker.position)!;
            const isInside = compare(found, from) >= 0 && compare(found, to) <= 0;
            if (!isOnEdge) expect(isInside).toBe(true);
            if (isInside) seen.push(found);
          }
          expect(seen).toEqual(keys.filter((each) => compare(each, from) >= 0 && compare(each, to) <= 0));

          const prefix = walker.seek(Uint8Array.from(one), () => keyAt.get(walker.position));
          expect(prefix).toEqual(keys.find((each) => startsWith(one, each)));
          const before = keys.filter((each) => compare(each, one) < 0 && !startsWith(one, each)).at(-1);
          if (!prefix) {
            if (before) walker.goMax(walker.lesserBranch);
            expect(walker.lesserBranch === NONE ? undefined : keyAt.get(walker.position)).toEqual(before);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
