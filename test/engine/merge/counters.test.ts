/** Counters: shard by shard, by the ranks and clocks of CounterContext.compare. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CorruptError } from '../../../src/bytes/errors.js';
import { clearsLocal, mergeCounters, withoutLocal } from '../../../src/engine/merge/counter-context.js';
import { COUNTER, TEXT, TestTable } from './build.js';

type Shard = readonly [kind: 'g' | 'l' | 'r', id: number, clock: bigint | number, count: bigint | number];

/** A context of shards, which must be in the order of their ids. */
function context(shards: readonly Shard[]): Uint8Array {
  const listed = shards.flatMap(([kind], i) => (kind === 'r' ? [] : [kind === 'g' ? i - 32768 : i]));
  const out = Buffer.alloc(2 + listed.length * 2 + shards.length * 32);
  out.writeInt16BE(listed.length, 0);
  for (const [i, index] of listed.entries()) out.writeInt16BE(index, 2 + i * 2);
  shards.forEach(([, id, clock, count], i) => {
    const at = 2 + listed.length * 2 + i * 32;
    out.writeUInt8(id, at);
    out.writeUInt8(255 - id, at + 15);
    out.writeBigInt64BE(BigInt(clock), at + 16);
    out.writeBigInt64BE(BigInt(count), at + 24);
  });
  return out;
}

function shardsOf(bytes: Uint8Array): Shard[] {
  const data = Buffer.from(bytes);
  const n = data.readInt16BE(0);
  const kinds = new Map<number, 'g' | 'l'>();
  for (let i = 0; i < n; i++) {
    const listed = data.readInt16BE(2 + i * 2);
    kinds.set(listed < 0 ? listed + 32768 : listed, listed < 0 ? 'g' : 'l');
  }
  const shards: Shard[] = [];
  for (let at = 2 + n * 2; at < data.length; at += 32) {
    const kind = kinds.get(shards.length) ?? 'r';
    shards.push([kind, data.readUInt8(at), data.readBigInt64BE(at + 16), data.readBigInt64BE(at + 24)]);
  }
  return shards;
}

/** Within larger arrays, as they lie in an SSTable. */
function merge(a: Uint8Array, b: Uint8Array): Uint8Array {
  const slice = (bytes: Uint8Array, before: number) => ({
    buf: Buffer.concat([Buffer.alloc(before, 0xff), bytes, Buffer.alloc(3, 0xff)]),
    start: before,
    end: before + bytes.length,
  });
  const merged = mergeCounters(slice(a, 5), slice(b, 7), (length) => ({ buf: new Uint8Array(length + 9), start: 9 }));
  return Uint8Array.from(merged.buf.subarray(merged.start, merged.end));
}

const normal = (shards: readonly Shard[]) =>
  shards.map(([kind, id, clock, count]) => [kind, id, BigInt(clock), BigInt(count)]);

describe('shards of one id', () => {
  it.each<readonly [name: string, loser: Shard, winner: Shard]>([
    ['global: the later clock', ['g', 1, 5, 100], ['g', 1, 6, 1]],
    ['global: the later clock, negative ones being earlier', ['g', 1, -5, 100], ['g', 1, -4, 1]],
    ['global: of the same clock the greater count', ['g', 1, 5, 1], ['g', 1, 5, 2]],
    ['global: of the same clock the greater count, of negative ones', ['g', 1, 5, -2], ['g', 1, 5, -1]],
    ['global before local', ['l', 1, 9, 9], ['g', 1, 1, 1]],
    ['global before remote', ['r', 1, 9, 9], ['g', 1, 1, 1]],
    ['local before remote', ['r', 1, 9, 9], ['l', 1, 1, 1]],
    ['remote: the later clock', ['r', 1, 5, 100], ['r', 1, 6, 1]],
    ['remote: the later clock beyond 32 bits', ['r', 1, 0xffffffffn, 100], ['r', 1, 0x100000000n, 1]],
    ['remote: of the same clock the greater count', ['r', 1, 5, 1], ['r', 1, 5, 2]],
    ['remote: of the same negative clock the greater count', ['r', 1, -5, 1], ['r', 1, -5, 2]],
    ['remote: of negative clocks the lower, a later reset', ['r', 1, -5, 9], ['r', 1, -6, 1]],
    ['remote: a negative clock before a positive one', ['r', 1, 5, 9], ['r', 1, -1, 1]],
  ])('%s', (_, loser, winner) => {
    for (const [a, b] of [
      [loser, winner],
      [winner, loser],
    ] as const) {
      expect(shardsOf(merge(context([a]), context([b])))).toEqual(normal([winner]));
    }
  });

  it('local: clocks and counts add up', () => {
    expect(shardsOf(merge(context([['l', 1, 5, 7]]), context([['l', 1, 6, -2]])))).toEqual(normal([['l', 1, 11, 5]]));
    const max = 2n ** 63n - 1n;
    expect(shardsOf(merge(context([['l', 1, 1, max]]), context([['l', 1, 1, 1]])))).toEqual(
      normal([['l', 1, 2, -(2n ** 63n)]]),
    );
  });

  it('remote: clocks of which one is 0 have no order: the right one wins', () => {
    // neither is greater: with the other first, the other wins
    expect(shardsOf(merge(context([['r', 1, 5, 1]]), context([['r', 1, 0, 2]])))).toEqual(normal([['r', 1, 0, 2]]));
    expect(shardsOf(merge(context([['r', 1, 0, 2]]), context([['r', 1, 5, 1]])))).toEqual(normal([['r', 1, 5, 1]]));
    expect(shardsOf(merge(context([['r', 1, -5, 1]]), context([['r', 1, 0, 2]])))).toEqual(normal([['r', 1, -5, 1]]));
  });
});

describe('contexts', () => {
  it('keep the shards of both, in the order of their ids', () => {
    const a = context([
      ['g', 1, 1, 1],
      ['r', 3, 3, 3],
      ['l', 5, 5, 5],
      ['g', 200, 8, 8],
    ]);
    const b = context([
      ['l', 2, 2, 2],
      ['g', 3, 1, 7],
      ['r', 4, 4, 4],
    ]);
    const expected = normal([
      ['g', 1, 1, 1],
      ['l', 2, 2, 2],
      ['g', 3, 1, 7],
      ['r', 4, 4, 4],
      ['l', 5, 5, 5],
      ['g', 200, 8, 8],
    ]);
    expect(shardsOf(merge(a, b))).toEqual(expected);
    expect(shardsOf(merge(b, a))).toEqual(expected);
  });

  it('one that holds all of the other is taken as it is', () => {
    const small = { buf: context([['g', 2, 1, 1]]), start: 0, end: 36 };
    const bytes = context([
      ['g', 1, 1, 1],
      ['g', 2, 2, 2],
    ]);
    const large = { buf: bytes, start: 0, end: bytes.length };
    const never = () => {
      throw new Error('nothing is to be made');
    };
    expect(mergeCounters(small, large, never)).toBe(large);
    expect(mergeCounters(large, small, never)).toBe(large);
    expect(mergeCounters(large, large, never)).toBe(large);
  });

  it('global shards merge to the same in any order and grouping', () => {
    const shards = fc
      .uniqueArray(
        fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: -2, max: 4 }), fc.integer({ min: -1, max: 2 })),
        {
          selector: ([id]) => id,
          minLength: 1,
        },
      )
      .map((list) => list.sort((a, b) => a[0] - b[0]).map(([id, clock, count]): Shard => ['g', id, clock, count]));
    fc.assert(
      fc.property(shards, shards, shards, (x, y, z) => {
        const [a, b, c] = [context(x), context(y), context(z)];
        expect(shardsOf(merge(a, b))).toEqual(shardsOf(merge(b, a)));
        expect(merge(merge(a, b), c)).toEqual(merge(a, merge(b, c)));
        expect(shardsOf(merge(a, a))).toEqual(shardsOf(a));
      }),
    );
  });
});

describe('contexts from elsewhere', () => {
  const streamed = (shards: readonly Shard[]): Uint8Array => {
    const bytes = Buffer.from(context(shards));
    bytes.writeInt16BE(-bytes.readInt16BE(0), 0);
    return bytes;
  };
  const cleared = (bytes: Uint8Array) => {
    const slice = withoutLocal({ buf: bytes, start: 0, end: bytes.length }, (n) => ({
      buf: new Uint8Array(n),
      start: 0,
    }));
    return Uint8Array.from(slice.buf.subarray(slice.start, slice.end));
  };

  it('ask to forget local shards by a negative count of those listed', () => {
    const shards: Shard[] = [
      ['l', 1, 1, 1],
      ['g', 2, 2, 2],
      ['r', 3, 3, 3],
      ['l', 4, 4, 4],
    ];
    expect(clearsLocal(context(shards), 0)).toBe(false);
    expect(clearsLocal(streamed(shards), 0)).toBe(true);
    expect(shardsOf(cleared(streamed(shards)))).toEqual(
      normal(shards.map(([kind, ...rest]) => [kind === 'l' ? 'r' : kind, ...rest] as Shard)),
    );
  });

  it('are refused where they list more than they hold', () => {
    for (const n of [-1, -100, -32768]) {
      const bytes = Buffer.alloc(3);
      bytes.writeInt16BE(n, 0);
      expect(() => cleared(bytes)).toThrow(CorruptError);
    }
  });

  it('lose their local shards as they are read', async () => {
    const table = new TestTable({ regulars: { c: COUNTER } });
    const hex = (bytes: Uint8Array) => `0x${Buffer.from(bytes).toString('hex')}`;
    const input = table.make({ k: [`a: c=${hex(streamed([['l', 1, 1, 1]]))}@5`] });
    expect((await table.merge([input])).contents.k).toEqual([`a: c=${hex(context([['r', 1, 1, 1]]))}@5`]);
  });
});

describe('counter cells', () => {
  const hex = (...shards: Shard[]) => `0x${Buffer.from(context(shards)).toString('hex')}`;
  const one = hex(['g', 1, 1, 1]);
  const two = hex(['g', 2, 1, 2]);
  const both = hex(['g', 1, 1, 1], ['g', 2, 1, 2]);
  type Case = readonly [name: string, a: string, b: string, expected: string];
  it.each<Case>([
    ['add up, and take the later timestamp', `c=${one}@5`, `c=${two}@9`, `c=${both}@9`],
    ['take the later timestamp from the one that holds less', `c=${both}@5`, `c=${two}@9`, `c=${both}@9`],
    ['are deleted whatever the timestamps', `c=${one}@9`, 'c-@5/100', 'c-@5/100'],
    ['of two tombstones the later', 'c-@5/100', 'c-@6/90', 'c-@6/90'],
    ['an empty value wins', `c=${one}@9`, 'c=@5', 'c=@5'],
    ['of two empty values the later', 'c=@5', 'c=@6', 'c=@6'],
    ['a deletion of the row covers by time', `c=${one}@5`, '-5/100', '-5/100'],
    ['a deletion of the row leaves what is later', `c=${one}@6`, '-5/100', `-5/100 c=${one}@6`],
  ])('%s', async (_, a, b, expected) => {
    for (const [x, y] of [
      [a, b],
      [b, a],
    ]) {
      for (const place of ['a', 'static'] as const) {
        if (place === 'static' && expected.startsWith('-')) continue;
        const table = new TestTable({ clustering: [TEXT], statics: { d: COUNTER }, regulars: { c: COUNTER } });
        const line = (cell: string) => `${place}: ${place === 'static' ? cell.replace(/^c/, 'd') : cell}`;
        const text = async (...inputs: string[]) =>
          printed((await table.merge(inputs.map((input) => table.make({ k: [line(input)] })))).contents.k!);
        expect(await text(x!, y!)).toEqual([line(expected)]);
        expect(await text(x!, y!, x!)).toEqual([line(expected)]);
      }
    }
  });

  it('of many SSTables add up over more than one block of memory', async () => {
    const table = new TestTable({ regulars: { c: COUNTER } });
    const ids = Array.from({ length: 200 }, (_, i) => i);
    const inputs = [0, 1, 2, 3, 4].map((n) => {
      const bytes = hex(...ids.filter((id) => id % 5 === n).map((id): Shard => ['g', id, 1, id]));
      return table.make({
        k: Array.from({ length: 30 }, (_, row) => `r${String(row).padStart(2, '0')}: c=${bytes}@${n}`),
      });
    });
    const all = hex(...ids.map((id): Shard => ['g', id, 1, id]));
    const { contents } = await table.merge(inputs);
    expect(contents.k).toHaveLength(30);
    expect(new Set(contents.k!.map((line) => line.slice(line.indexOf(':'))))).toEqual(new Set([`: c=${all}@4`]));
  });

  /** An empty value has no digits. */
  function printed(lines: readonly string[]): string[] {
    return lines.map((line) => line.replace('=0x@', '=@'));
  }
});
