/** The rings through which threads of a compaction pass bytes, both ends of them in one thread. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { diskStorage } from '../../../src/bytes/source.js';
import { Bell } from '../../../src/cli/compact/bell.js';
import { ABORTED, FINISHING, makeRing, Ring, RUNNING } from '../../../src/cli/compact/data-ring.js';
import type { HelperThread, HelperWork } from '../../../src/cli/compact/helper-thread.js';
import { ReadAheadJob } from '../../../src/cli/compact/read-ahead.js';
import { BLOCK_BYTES, makeRings, ReadRings } from '../../../src/cli/compact/read-ring.js';
import { ReadThread } from '../../../src/cli/compact/read-thread.js';
import { openDataFile } from '../../../src/sstable/data-file.js';
import { parseDescriptor } from '../../../src/sstable/descriptor.js';
import { temporaryDirectory } from '../../engine/directories.js';

describe('the ring of an output', () => {
  it('passes blocks in order, more than it has slots, and none of an aborted file', () => {
    const shared = makeRing();
    const bell = new Bell(Bell.share());
    const [writer, reader] = [new Ring(shared, bell), new Ring(shared, bell)];
    const taken: number[] = [];
    const use = (block: Uint8Array, length: number) => void taken.push(block[0]!, length);
    writer.setState(RUNNING);
    for (let i = 0; i < 40; i++) {
      writer.put(Uint8Array.of(i, 0, 0), 0, 1 + (i % 3));
      if (i % 10 === 9) expect(reader.take(100, use)).toBe(10);
    }
    expect(taken).toEqual(Array.from({ length: 40 }, (_, i) => [i, 1 + (i % 3)]).flat());
    writer.put(Uint8Array.of(1), 0, 1);
    writer.setState(FINISHING);
    expect(reader.ending).toBeUndefined();
    reader.take(1, () => {});
    expect(reader.ending).toBe(FINISHING);
    writer.setState(RUNNING);
    expect(reader.ending).toBeUndefined();
    writer.put(Uint8Array.of(1), 0, 1);
    writer.setState(ABORTED);
    expect(reader.take(9, () => expect.unreachable())).toBe(1);
    expect(reader.ending).toBe(ABORTED);
  });

  it('lets the writer do something else while it is full', () => {
    const shared = makeRing();
    const bell = new Bell(Bell.share());
    const [writer, reader] = [new Ring(shared, bell), new Ring(shared, bell)];
    const taken: number[] = [];
    let turns = 0;
    const meanwhile = () => {
      if (++turns === 3) reader.take(100, (block) => void taken.push(block[0]!));
      return true;
    };
    writer.setState(RUNNING);
    for (let i = 0; i < 20; i++) expect(writer.put(Uint8Array.of(i), 0, 1, meanwhile)).toBe(true);
    expect(turns).toBe(3);
    reader.take(100, (block) => void taken.push(block[0]!));
    expect(taken).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it('rings for several blocks, not for each', () => {
    const bell = new Bell(Bell.share());
    const ring = new Ring(makeRing(), bell);
    const before = bell.rings;
    for (let i = 0; i < 7; i++) ring.put(Uint8Array.of(i), 0, 1);
    expect(bell.rings).toBe(before);
    ring.put(Uint8Array.of(7), 0, 1);
    expect(bell.rings).not.toBe(before);
  });
});

describe('the rings of inputs', () => {
  it('give a block to who claims it first', () => {
    const rings = new ReadRings(makeRings(2), new Bell(Bell.share()));
    expect(rings.take(1, 0, false)).toBe('not yet');
    expect(rings.take(1, 0, true)).toBe('yours');
    expect(rings.claim(1, 9)).toBe(1);
    rings.fill(1, 1, (block) => block.fill(7));
    rings.release(1);
    expect(rings.take(1, 1, false)).toMatchObject({ 0: 7, length: BLOCK_BYTES });
    expect([2, 3, 4, 5, 6].map(() => rings.claim(1, 9))).toEqual([2, 3, 4, 5, 6]);
    expect(rings.claim(1, 9)).toBeUndefined(); // no room
    rings.release(1);
    expect([rings.claim(1, 8), rings.claim(1, 8)]).toEqual([7, undefined]); // no more blocks
    rings.fail(1);
    expect(rings.take(1, 2, true)).toBe('failed');
    expect(rings.claim(0, 9)).toBe(0);
  });
});

describe('a block that the other thread is reading', () => {
  it('is waited for with something else, as long as there is any', () => {
    const rings = new ReadRings(makeRings(1), new Bell(Bell.share()));
    expect(rings.claim(0, 9)).toBe(0);
    let turns = 0;
    const meanwhile = () => {
      if (++turns === 3) rings.fill(0, 0, (block) => block.fill(5));
      return true;
    };
    expect(rings.take(0, 0, true, meanwhile)).toMatchObject({ 0: 5 });
    expect(turns).toBe(3);
  });
});

describe('an input that is read by two threads', () => {
  const plain = Buffer.alloc(19 * BLOCK_BYTES + 777);
  for (let i = 0; i < plain.length; i += 4) plain.writeInt32BE(Math.imul(i, 2654435761), Math.min(i, plain.length - 4));

  async function open() {
    const file = path.join(temporaryDirectory(), 'oa-1-big-Data.db');
    fs.writeFileSync(file, plain);
    const { descriptor } = parseDescriptor(file);
    const data = await openDataFile(diskStorage, descriptor);
    const bell = new Bell(Bell.share());
    let opening: Promise<ReadAheadJob> | undefined;
    const give = (work: HelperWork) => {
      if (work.kind === 'read') opening = ReadAheadJob.open(work, bell);
    };
    const helper = { bell, isDead: false, give } as unknown as HelperThread;
    const thread = new ReadThread(helper);
    const ahead = thread.readAhead([{ descriptor, data }])!;
    return { file: ahead.files[0]!, end: ahead.end, job: (await opening)!, readHere: thread.readHere };
  }

  /** `turns`: how often the helper gets its turn before each read. */
  function readAll({ file, job }: Awaited<ReturnType<typeof open>>, turns: (i: number) => number): Buffer {
    const out = Buffer.alloc(plain.length);
    for (let at = 0, i = 0; at < plain.length; i++) {
      for (let n = turns(i); n > 0; n--) job.step();
      const max = 1 + ((i * 7919) % 300_000);
      const n = file.read(at, out, at, 1 + ((i * 31) % max), Math.min(max, plain.length - at));
      expect(n).toBeGreaterThan(0);
      at += n;
    }
    return out;
  }

  it.each([
    ['never', () => 0],
    ['always', () => 9],
    ['now and then', (i: number) => (i % 3 === 0 ? 2 : 0)],
  ])('is the same where the other has %s had its turn', async (_, turns) => {
    const input = await open();
    expect(readAll(input, turns).equals(plain)).toBe(true);
    while (input.job.step());
    expect(input.job.isOver).toBe(true);
    input.file.close();
  });

  it('is the same where the one that merges reads ahead as well', async () => {
    const input = await open();
    const { readHere } = input;
    expect([0, 1, 2, 3, 4, 5, 6].map(() => readHere())).toEqual([true, true, true, true, true, true, false]); // a full ring
    const seen = readAll(input, (i) => {
      for (let n = i % 4; n > 0; n--) readHere();
      return i % 3 === 0 ? 1 : 0;
    });
    expect(seen.equals(plain)).toBe(true);
    expect(readHere()).toBe(false);
    input.end();
    input.file.close();
  });

  it('is not read ahead once nothing more is wanted', async () => {
    const input = await open();
    input.end();
    expect(input.readHere()).toBe(false);
    input.job.step();
    input.file.close();
  });

  it('is read on in any order, and after the other has gone', async () => {
    const input = await open();
    const piece = Buffer.alloc(1000);
    for (const at of [0, 500_000, 1_000_000, 3, 19 * BLOCK_BYTES - 500]) {
      expect(input.file.read(at, piece, 0, 1000, 1000)).toBe(1000);
      expect(piece.equals(plain.subarray(at, at + 1000))).toBe(true);
    }
    input.end();
    input.job.step();
    expect(input.job.isOver).toBe(true);
    expect(readAll(input, () => 1).equals(plain)).toBe(true);
    input.file.close();
  });
});
