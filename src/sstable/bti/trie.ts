/**
 * The nodes of on-disk tries (Partitions.db, Rows.db) and a walker over them. Children lie before their parents, every pointer is the distance
 * back; a node and its payload never cross a page of 4096 bytes.
 *
 *   u8: type in the upper four bits, payload flags in the lower (a pointer's upper bits in types 1 and 3, which can't have a payload)
 *    0 PAYLOAD_ONLY          –
 *    1 SINGLE_NOPAYLOAD_4    u8 transition                                     the pointer is the lower four bits of the type
 *    2 SINGLE_8              u8 transition | u8 pointer
 *    3 SINGLE_NOPAYLOAD_12   u8 pointer, with four bits of the type above it | u8 transition
 *    4 SINGLE_16             u8 transition | u16 pointer
 *    5–9 SPARSE_8 12 16 24 40     u8 n | n × u8 transition, ascending | n × pointer
 *   10–14 DENSE_12 16 24 32 40    u8 first transition | u8 n - 1 | n × pointer, 0: none
 *   15 LONG_DENSE            the same with i64
 *   then the payload; 12-bit pointers are packed two in three bytes
 */
import { CorruptError } from '../../bytes/errors.js';
import type { ByteSource } from '../../bytes/source.js';

export const PAGE_BYTES = 4096;
/** Pages kept: 4 MiB. */
const CACHED_PAGES = 1024;
/** No key's form is as long: a key has 64 KiB, clusterings together too, and escaping doubles them at most. */
const MAX_DEPTH = 1 << 18;

export const SINGLE = 0;
export const SPARSE = 1;
export const DENSE = 2;
export const NONE_SHAPE = 3;

/** Shape and pointer bits by node type. */
export const SHAPE: readonly number[] = [NONE_SHAPE, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2];
export const BITS: readonly number[] = [0, 4, 8, 12, 16, 8, 12, 16, 24, 40, 12, 16, 24, 32, 40, 64];
export const SINGLE_NOPAYLOAD_4 = 1;
export const SINGLE_NOPAYLOAD_12 = 3;

/** "No such node." */
export const NONE = -1;

/** Pages of a file, the latest kept. */
export class PagedFile {
  readonly source: ByteSource;
  readonly component: string;
  private readonly pages = new Map<number, Uint8Array>();

  constructor(source: ByteSource, component: string) {
    this.source = source;
    this.component = component;
  }

  /** The page with that number; shorter at the end of the file. */
  page(number: number): Uint8Array {
    let page = this.pages.get(number);
    if (page) return page;
    const start = number * PAGE_BYTES;
    page = new Uint8Array(Math.max(0, Math.min(PAGE_BYTES, this.source.size - start)));
    const n = this.source.read(start, page, 0, page.length);
    if (n < page.length) page = page.subarray(0, n);
    if (this.pages.size >= CACHED_PAGES) this.pages.delete(this.pages.keys().next().value!);
    this.pages.set(number, page);
    return page;
  }

  corrupt(
    message: string,
    offset: number,
    facts: { seen?: string | number; expected?: string | number } = {},
  ): CorruptError {
    return new CorruptError(message, { file: this.source.path, component: this.component, offset, ...facts });
  }
}

/** Stands on one node of a trie at a time. */
export class TrieWalker {
  readonly file: PagedFile;
  readonly root: number;
  /** Position of the node in the file. */
  position = NONE;
  /** Branches beside the path of the last search: max(lesserBranch) and min(greaterBranch) are its neighbours. */
  lesserBranch = NONE;
  greaterBranch = NONE;
  /** The page, and where in it the node begins and its pointers. */
  private buf: Uint8Array = new Uint8Array(0);
  private at = 0;
  private shape = NONE_SHAPE;
  private bits = 0;
  private type = 0;
  /** Children (sparse, single), or length of the range of transitions (dense). */
  range = 0;
  private first = 0;
  private pointers = 0;
  private payloadAt = 0;

  constructor(file: PagedFile, root: number) {
    this.file = file;
    this.root = root;
  }

  /** Goes to the node at `position`. @throws CorruptError where no node can be */
  go(position: number): void {
    if (position < 0 || position >= this.file.source.size) {
      throw this.file.corrupt('trie node is outside of the file', position, {
        expected: `below ${this.file.source.size}`,
      });
    }
    this.position = position;
    this.buf = this.file.page(Math.floor(position / PAGE_BYTES));
    this.at = position % PAGE_BYTES;
    this.type = this.byte(this.at) >> 4;
    this.shape = SHAPE[this.type]!;
    this.bits = BITS[this.type]!;
    this.layOut();
    if (this.payloadAt > this.buf.length) this.shortNode();
  }

  private layOut(): void {
    const at = this.at;
    switch (this.shape) {
      case SINGLE:
        this.range = 1;
        this.first = this.type === SINGLE_NOPAYLOAD_12 ? this.byte(at + 2) : this.byte(at + 1);
        this.pointers = at + 2;
        this.payloadAt =
          at + 2 + (this.type === SINGLE_NOPAYLOAD_4 ? 0 : this.type === SINGLE_NOPAYLOAD_12 ? 1 : this.bits >> 3);
        break;
      case SPARSE:
        this.range = this.byte(at + 1);
        this.pointers = at + 2 + this.range;
        this.payloadAt = this.pointers + ((this.range * this.bits + 7) >> 3);
        if (this.range === 0) throw this.file.corrupt('trie node without children', this.position);
        break;
      case DENSE:
        this.first = this.byte(at + 1);
        this.range = this.byte(at + 2) + 1;
        if (this.first + this.range > 256)
          throw this.file.corrupt('trie node with transitions above 255', this.position);
        this.pointers = at + 3;
        this.payloadAt = this.pointers + ((this.range * this.bits + 7) >> 3);
        break;
      default:
        this.range = 0;
        this.payloadAt = at + 1;
    }
  }

  private byte(at: number): number {
    return at < this.buf.length ? this.buf[at]! : this.shortNode();
  }

  private shortNode(): never {
    throw this.file.corrupt('trie node crosses its page or the end of the file', this.position);
  }

  /** The four payload flags; 0 where the node has no payload. */
  get payloadFlags(): number {
    return this.type === SINGLE_NOPAYLOAD_4 || this.type === SINGLE_NOPAYLOAD_12 ? 0 : this.buf[this.at]! & 0x0f;
  }

  /** The next `n` bytes of the payload, from byte `skip` on. @throws CorruptError */
  payload(skip: number, n: number): Uint8Array {
    const start = this.payloadAt + skip;
    if (start + n > this.buf.length) this.shortNode();
    return this.buf.subarray(start, start + n);
  }

  /** Index of the child for `transition` (-1 for the end of the key), or where it would be, as -1 - index. */
  search(transition: number): number {
    if (this.shape === SPARSE) return this.searchSparse(transition);
    if (this.shape === NONE_SHAPE) return -1;
    const i = transition - this.first;
    if (i < 0) return -1;
    if (i >= this.range) return -1 - this.range;
    return this.shape === DENSE && this.distance(i) === 0 ? -1 - i : i;
  }

  private searchSparse(transition: number): number {
    let low = 0;
    let high = this.range;
    const start = this.at + 2;
    while (low < high) {
      const mid = (low + high) >>> 1;
      const t = this.buf[start + mid]!;
      if (t === transition) return mid;
      if (t < transition) low = mid + 1;
      else high = mid;
    }
    return -1 - low;
  }

  /** The transition to child `i`. */
  transition(i: number): number {
    return this.shape === SPARSE ? this.buf[this.at + 2 + i]! : this.first + i;
  }

  /** Position of child `i`; `NONE` for a gap in a dense node. @throws CorruptError where the pointer leaves the file */
  child(i: number): number {
    const distance = this.distance(i);
    if (distance === 0 && this.shape === DENSE) return NONE;
    // a child before its parent: cycles can't be
    if (distance <= 0 || distance > this.position) {
      throw this.file.corrupt('trie pointer leaves the file', this.position, {
        seen: distance,
        expected: `1 to ${this.position}`,
      });
    }
    return this.position - distance;
  }

  private distance(i: number): number {
    const b = this.buf;
    if (this.type === SINGLE_NOPAYLOAD_4) return b[this.at]! & 0x0f;
    if (this.type === SINGLE_NOPAYLOAD_12) return ((b[this.at]! & 0x0f) << 8) | b[this.at + 1]!;
    if (this.bits === 12) {
      const p = this.pointers + ((3 * i) >> 1);
      return i & 1 ? ((b[p]! & 0x0f) << 8) | b[p + 1]! : (b[p]! << 4) | (b[p + 1]! >> 4);
    }
    const bytes = this.bits >> 3;
    let distance = 0;
    for (let p = this.pointers + bytes * i, end = p + bytes; p < end; p++) distance = distance * 256 + b[p]!;
    return distance;
  }

  /** Last child before the place that {@link search} returned, or `fallback`. */
  private lesser(found: number, fallback: number): number {
    for (let i = (found < 0 ? -1 - found : found) - 1; i >= 0; i--) {
      const child = this.child(i);
      if (child !== NONE) return child;
    }
    return fallback;
  }

  /** First child after the place that {@link search} returned, or `fallback`. */
  private greater(found: number, fallback: number): number {
    for (let i = found < 0 ? -1 - found : found + 1; i < this.range; i++) {
      const child = this.child(i);
      if (child !== NONE) return child;
    }
    return fallback;
  }

  /** Follows `key` as far as the trie goes; returns the first byte that it has no transition for, -1 at the end of the key. */
  follow(key: Uint8Array): number {
    this.go(this.root);
    for (let i = 0; ; i++) {
      const b = byteOf(key, i);
      const found = this.search(b);
      if (found < 0) return b;
      this.go(this.child(found));
    }
  }

  /**
   * Follows `key`, remembering the branches beside the path, and calls `visit` on the last node with a payload that is a beginning of `key` and
   * has nothing between itself and `key`, if there is one. Such a node stands for something before, at or after `key`.
   */
  seek<T>(key: Uint8Array, visit: () => T): T | undefined {
    this.lesserBranch = NONE;
    this.greaterBranch = NONE;
    let result: T | undefined;
    this.go(this.root);
    for (let i = 0; ; i++) {
      const found = this.search(byteOf(key, i));
      this.greaterBranch = this.greater(found, this.greaterBranch);
      const lesser = this.lesser(found, NONE);
      if (lesser === NONE) {
        if (this.payloadFlags > 0) result = visit();
      } else {
        this.lesserBranch = lesser;
        result = undefined;
      }
      if (found < 0) return result;
      this.go(this.child(found));
    }
  }

  /** Goes to the last node of a branch. */
  goMax(position: number): void {
    this.go(position);
    while (this.range > 0) {
      const child = this.lesser(-1 - this.range, NONE);
      if (child === NONE) throw this.file.corrupt('trie node without children', this.position);
      this.go(child);
    }
  }

  /** Goes to the first node with a payload of a branch. */
  goMin(position: number): void {
    this.go(position);
    while (this.payloadFlags === 0) {
      const child = this.greater(-1, NONE);
      if (child === NONE) throw this.file.corrupt('trie leaf without a payload', this.position);
      this.go(child);
    }
  }

  /**
   * Visits the nodes with payloads in order: from the one that {@link seek} would visit for `start`, or the first after it, to the last that is
   * not after `end`. The walker stands on each as it is yielded, and may be moved. Yields whether the node is a beginning of `start` or `end`:
   * then what it stands for may as well lie outside. @throws CorruptError after more than `limit` nodes
   */
  *nodes(limit: number, start?: Uint8Array, end?: Uint8Array): Generator<boolean> {
    let left = limit;
    for (const { node, isOnEdge } of this.positions(start, end)) {
      if (left-- === 0) {
        throw this.file.corrupt('trie has more entries than it should', this.position, { expected: limit });
      }
      if (this.position !== node) this.go(node);
      yield isOnEdge;
    }
  }

  private *positions(start?: Uint8Array, end?: Uint8Array): Generator<{ node: number; isOnEdge: boolean }> {
    const path = start ? this.descend(start, end) : this.beginning(end);
    const stack = path.stack;
    if (path.candidate !== NONE) yield { node: path.candidate, isOnEdge: start !== undefined || end !== undefined };
    for (let level = stack.at(-1); level; level = stack.at(-1)) {
      if (this.position !== level.node) this.go(level.node);
      const i = level.next++;
      if (i >= this.range || this.transition(i) > level.limit) {
        if (this.range === 0 && this.payloadFlags === 0) {
          throw this.file.corrupt('trie leaf without a payload', this.position);
        }
        stack.pop();
        continue;
      }
      const node = this.child(i);
      if (node === NONE) continue;
      if (stack.length > MAX_DEPTH) throw this.file.corrupt('trie is too deep', this.position);
      const isOnEdge = this.transition(i) === level.limit;
      stack.push({ node, next: 0, limit: isOnEdge ? byteOf(end!, stack.length) : ANY });
      this.go(node);
      if (this.payloadFlags > 0) yield { node, isOnEdge };
    }
  }

  private beginning(end?: Uint8Array): Path {
    this.go(this.root);
    return {
      stack: [{ node: this.root, next: 0, limit: end ? byteOf(end, 0) : ANY }],
      candidate: this.payloadFlags > 0 ? this.root : NONE,
    };
  }

  /** The path of `start`, so that what follows on the stack comes after it, and the beginning of it that counts, if there is one. */
  private descend(start: Uint8Array, end?: Uint8Array): Path {
    const stack: Level[] = [];
    let candidate = NONE;
    let atLimit = end !== undefined;
    this.go(this.root);
    for (let i = 0; ; i++) {
      const b = byteOf(start, i);
      const found = this.search(b);
      if (this.lesser(found, NONE) !== NONE) candidate = NONE;
      else if (this.payloadFlags > 0) candidate = this.position;
      const limit = atLimit ? byteOf(end!, i) : ANY;
      if (b < limit) atLimit = false;
      stack.push({ node: this.position, next: found < 0 ? -1 - found : found + 1, limit });
      if (found < 0) return { stack, candidate };
      this.go(this.child(found));
    }
  }
}

/** A node, the child that comes next, and the last transition that may be taken. */
type Level = { readonly node: number; next: number; readonly limit: number };
type Path = { readonly stack: Level[]; readonly candidate: number };

/** Above every transition. */
const ANY = 256;

/** -1 behind the end. */
function byteOf(key: Uint8Array, i: number): number {
  return i < key.length ? key[i]! : -1;
}

/** A signed big-endian integer of 1 to 8 bytes. @throws CorruptError beyond 2^53 */
export function sizedInt(file: PagedFile, position: number, bytes: Uint8Array): number {
  let value = (bytes[0]! << 24) >> 24;
  for (let i = 1; i < bytes.length; i++) value = value * 256 + bytes[i]!;
  if (!Number.isSafeInteger(value)) throw file.corrupt('position out of range', position, { seen: value });
  return value;
}
