/** Damaged copies of good files, made in memory: nothing corrupt is kept beside the fixtures. */
import fs from 'node:fs';
import { diskStorage, overlayStorage, type Storage } from '../src/bytes/source.js';

export type Damage =
  /** XORs the byte at `offset`. */
  | { readonly kind: 'flip'; readonly offset: number; readonly xor: number }
  /** Keeps the first `length` bytes. */
  | { readonly kind: 'cut'; readonly length: number };

/** The disk, with `file` damaged. */
export function corrupt(file: string, damage: Damage): Storage {
  const good = fs.readFileSync(file);
  const bad = damage.kind === 'cut' ? Buffer.from(good.subarray(0, damage.length)) : Buffer.from(good);
  if (damage.kind === 'flip') bad[damage.offset]! ^= damage.xor;
  return overlayStorage(diskStorage, new Map([[file, bad]]));
}

/** A repeatable stream of numbers in [0, 1) (mulberry32). */
export function randomOf(seed: number): () => number {
  let a = seed | 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Some cuts (none, one byte, half, all but one …) and `flips` flips of a file of `size` bytes, denser at its beginning and end. */
export function damages(size: number, flips: number, random: () => number): Damage[] {
  const cuts = [0, 1, Math.floor(size / 2), size - 1].filter((length) => length >= 0 && length < size);
  const list: Damage[] = [...new Set(cuts)].map((length) => ({ kind: 'cut', length }));
  for (let i = 0; i < flips && size > 0; i++) {
    const place = random();
    const near = Math.floor(random() * Math.min(size, 64));
    const offset = place < 0.35 ? near : place < 0.5 ? size - 1 - near : Math.floor(random() * size);
    const xor = random() < 0.5 ? 1 << Math.floor(random() * 8) : 1 + Math.floor(random() * 255);
    list.push({ kind: 'flip', offset, xor });
  }
  return list;
}
