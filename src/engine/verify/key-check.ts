/**
 * What every partition key of an SSTable is held to, in order: it comes after the one before it by token and key, and Filter.db admits it. The
 * filter is built anew from the keys, so that it is known bit by bit.
 */
import { CorruptError } from '../../bytes/errors.js';
import { compare64 } from '../../bytes/int64.js';
import { type Hash128, murmur3 } from '../../bytes/murmur3.js';
import { compareBytes, murmur3TokenOf } from '../../cql/token.js';
import { COMPONENT } from '../../sstable/descriptor.js';
import type { BloomFilter } from '../../sstable/filter.js';
import { FilterBits } from '../../sstable/filter-bits.js';
import { compareDecorated, decorate, type Partitioner, partitionerOf, type Token } from '../../sstable/partitioner.js';
import type { FindingLog, PartitionName } from './finding.js';
import { hexOf } from './index-cursor.js';

/** Keys that are kept, to tell what order they are in where it is not the one that they should be in. */
const SAMPLE = 64;
const OTHERS = ['Murmur3Partitioner', 'RandomPartitioner', 'ByteOrderedPartitioner'];

export class KeyCheck {
  partitions = 0;
  firstKey: Uint8Array | undefined;
  /** The last key is `key[0, keyLength)`. */
  key = new Uint8Array(256);
  keyLength = 0;
  private readonly partitioner: Partitioner | undefined;
  readonly isMurmur3: boolean;
  private readonly log: FindingLog;
  private readonly filter: BloomFilter | undefined;
  private readonly rebuilt: FilterBits | undefined;
  private readonly isKept: boolean;
  private room: FilterBits | undefined;
  private readonly hash: Hash128 = new Int32Array(4);
  private readonly tokenHalves = new Int32Array(2);
  private tokenHi = 0;
  private tokenLo = 0;
  private token: Token | undefined;
  private readonly sample: Uint8Array[] = [];
  private isUnordered = false;
  private disorder = 0;
  private firstDisorder:
    | { readonly partition: PartitionName; readonly position: number; readonly before: string }
    | undefined;

  /**
   * @param beyondBytes of memory behind the bits of the filter, see {@link roomOfRuns}
   * @param kept where the bits of others' keys are too, and these are to be added; whoever has it compares them, and gives it back
   */
  constructor(
    partitioner: Partitioner | undefined,
    filter: BloomFilter | undefined,
    log: FindingLog,
    beyondBytes = 0,
    kept?: FilterBits,
  ) {
    this.partitioner = partitioner;
    this.isMurmur3 = partitioner?.name === 'Murmur3Partitioner';
    this.log = log;
    this.filter = filter;
    this.isKept = kept !== undefined;
    if (filter) this.rebuilt = kept ?? new FilterBits(filter.bits.length / 8, filter.hashCount, beyondBytes);
    this.room = this.rebuilt;
  }

  /** Whether keys may be told by runs: what only one key after the other can tell has been told. */
  get takesRuns(): boolean {
    return this.isMurmur3 && !this.isUnordered && this.sample.length === SAMPLE;
  }

  /** Where a kernel sets the bits of keys that it finds in order; `beyondBytes` of memory behind them are its own. */
  roomOfRuns(beyondBytes: number): FilterBits {
    this.room ??= new FilterBits(1, 0, beyondBytes);
    return this.room;
  }

  /** Token of the last key, by Murmur3Partitioner. */
  get lastToken(): readonly [hi: number, lo: number] {
    return [this.tokenHi, this.tokenLo];
  }

  /** `count` keys that somebody else has held to all this, the last with its token. */
  addRun(count: number, key: Uint8Array, tokenHi: number, tokenLo: number): void {
    this.partitions += count;
    this.tokenHi = tokenHi;
    this.tokenLo = tokenLo;
    if (key.length > this.key.length) this.key = new Uint8Array(key.length * 2);
    this.key.set(key);
    this.keyLength = key.length;
  }

  /** Murmur3 hashes of keys of such runs, where nobody has set their bits. */
  addHashes(hashes: Int32Array, count: number): void {
    this.rebuilt?.setMany(hashes, count);
  }

  /** The next key, `key[0, length)`, of the partition at `position`. */
  add(key: Uint8Array, length: number, position: number): void {
    const isFirst = this.partitions++ === 0;
    if (this.sample.length < SAMPLE) this.sample.push(key.slice(0, length));
    if (this.isMurmur3 || this.rebuilt) {
      murmur3(key, 0, length, this.hash);
      this.rebuilt?.set(this.hash);
    }
    if (this.partitioner && !this.isUnordered && !this.isAfter(key, length, isFirst))
      this.tellDisorder(key, length, position);
    if (isFirst) this.firstKey = key.slice(0, length);
    if (length > this.key.length) this.key = new Uint8Array(length * 2);
    const kept = this.key;
    for (let i = 0; i < length; i++) kept[i] = key[i]!;
    this.keyLength = length;
  }

  /** Whether the key comes after the one before; its token is kept. */
  private isAfter(key: Uint8Array, length: number, isFirst: boolean): boolean {
    if (this.isMurmur3) {
      const token = murmur3TokenOf(this.hash, length, this.tokenHalves);
      const hi = token[0]!;
      const lo = token[1]!;
      const c = compare64(this.tokenHi, this.tokenLo, hi, lo);
      this.tokenHi = hi;
      this.tokenLo = lo;
      return isFirst || c < 0 || (c === 0 && compareBytes(this.key, 0, this.keyLength, key, 0, length) < 0);
    }
    const { partitioner } = this;
    const next = partitioner!.tokenOf(key.slice(0, length));
    const c = isFirst ? -1 : this.compareTokens(next);
    this.token = next;
    return c < 0 || (c === 0 && compareBytes(this.key, 0, this.keyLength, key, 0, length) < 0);
  }

  private compareTokens(next: Token): number {
    try {
      return this.partitioner!.compareTokens(this.token!, next);
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error;
      this.isUnordered = true; // keys that are none of their type have no order: deep verification tells which
      return -1;
    }
  }

  private tellDisorder(key: Uint8Array, length: number, position: number): void {
    this.disorder++;
    const before = `0x${hexOf(this.key, this.keyLength)}`;
    this.firstDisorder ??= { partition: nameOf(this.partitioner, key, length), position, before };
  }

  /** Whether no key came out of order so far. */
  get isOrdered(): boolean {
    return this.disorder === 0;
  }

  /** `isComplete`: every key of the SSTable was told, so bits that none of them sets are wrong. */
  finish(isComplete: boolean): { readonly deniesKeys: boolean } {
    this.finishOrder();
    return { deniesKeys: this.finishFilter(isComplete) };
  }

  private finishOrder(): void {
    const first = this.firstDisorder;
    if (!first) return;
    const other = this.otherOrder();
    const place = { component: COMPONENT.data, partition: first.partition, offset: first.position };
    if (other) {
      this.log.add('partitioner', `keys are in the order of ${other}`, {
        ...place,
        seen: this.partitioner!.name,
        expected: other,
      });
      return;
    }
    const others = this.disorder > 1 ? `; ${this.disorder - 1} more are out of order` : '';
    this.log.add('key-order', `partition does not come after the one before it${others}`, {
      ...place,
      seen: `0x${first.partition.key}`,
      expected: `after ${first.before}`,
    });
  }

  /** The one other partitioner under which the first keys are in order. */
  private otherOrder(): string | undefined {
    if (this.sample.length < 4) return undefined;
    const found = OTHERS.filter(
      (name) => name !== this.partitioner!.name && isOrdered(this.sample, partitionerOf(name)),
    );
    return found.length === 1 && !isOrdered(this.sample, this.partitioner!) ? found[0] : undefined;
  }

  private finishFilter(isComplete: boolean): boolean {
    if (!this.filter || !this.rebuilt) {
      this.room?.release();
      return false;
    }
    if (this.isKept) return false;
    const { bits } = this.filter;
    const { bits: right } = this.rebuilt;
    let denied = 0;
    let extra = 0;
    let firstExtra = -1;
    for (let i = 0; i < bits.length; i++) {
      const difference = bits[i]! ^ right[i]!;
      if (difference === 0) continue;
      denied += ones(difference & right[i]!);
      extra += ones(difference & bits[i]!);
      if (firstExtra < 0 && difference & bits[i]!) firstExtra = i;
    }
    if (extra > 0 && isComplete) {
      this.log.add('filter-extra', 'bits are set that no key sets, or the number of hash functions is wrong', {
        component: COMPONENT.filter,
        offset: 8 + firstExtra,
        seen: `${extra} bits too many`,
        expected: `${this.filter.hashCount} hash functions, ${bits.length * 8} bits`,
      });
    }
    this.rebuilt.release();
    return denied > 0;
  }
}

function ones(byte: number): number {
  let b = byte - ((byte >> 1) & 0x55);
  b = (b & 0x33) + ((b >> 2) & 0x33);
  return (b + (b >> 4)) & 0x0f;
}

function isOrdered(keys: readonly Uint8Array[], partitioner: Partitioner): boolean {
  const decorated = keys.map((key) => decorate(partitioner, key));
  return decorated.every((key, i) => i === 0 || compareDecorated(partitioner, decorated[i - 1]!, key) < 0);
}

/** A partition as findings name it. */
export function nameOf(partitioner: Partitioner | undefined, key: Uint8Array, length = key.length): PartitionName {
  const copy = key.slice(0, length);
  const hex = Buffer.from(copy).toString('hex');
  return { key: hex, ...(partitioner && { token: partitioner.tokenText(partitioner.tokenOf(copy)) }) };
}
