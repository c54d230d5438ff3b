/**
 * Writes Partitions.db (drawn in partitions-file.ts). A key is held until the next is there: what the trie gets is the shortest beginning of its
 * form that no neighbour has.
 */
import { type Hash128, murmur3 } from '../../bytes/murmur3.js';
import { ByteWriter } from '../../bytes/writer.js';
import { writeKeyByteComparable } from '../../cql/byte-comparable.js';
import { murmur3TokenOf } from '../../cql/token.js';
import type { Partitioner } from '../partitioner.js';
import { type IndexSink, PagedOutput, sizeOfSigned, writeSized } from './paged-output.js';
import type { PartitionPointer } from './partitions-file.js';
import { TrieWriter } from './trie-writer.js';

const FLAG_HAS_HASH_BYTE = 8;

export class PartitionsWriter {
  private readonly out: PagedOutput;
  private readonly trie: TrieWriter;
  private readonly writeForm: KeyFormWriter;
  private firstKey: Uint8Array | undefined;
  /** The key told last, its form, and what the trie is to hold for it. */
  private readonly key = new ByteWriter();
  private form = new ByteWriter();
  private readonly payload = new ByteWriter(16);
  private flags = 0;
  /** Bytes of `form` that the key before doesn't share, and one. */
  private distinct = 0;
  private nextForm = new ByteWriter();

  constructor(sink: IndexSink, partitioner: Partitioner) {
    this.out = new PagedOutput(sink);
    this.trie = new TrieWriter(this.out);
    this.writeForm = keyFormWriter(partitioner);
  }

  get position(): number {
    return this.out.position;
  }

  /** Keys in the trie: all but the last. */
  get keysInTrie(): number {
    return this.trie.count;
  }

  /** Measures what is held as if it were written now (see early-opening.ts). */
  measureHeld(): void {
    this.trie.measureHeld();
  }

  /** The partition of `key[0, keyLength)`, after all before, has a row index at `position` in Rows.db, or is at `position` in the plain data. */
  add(key: Uint8Array, keyLength: number, kind: PartitionPointer['kind'], position: number): void {
    const next = this.nextForm;
    next.pos = 0;
    murmur3(key, 0, keyLength, hash);
    this.writeForm(next, key, keyLength);
    if (this.firstKey) {
      const distinct = diffPoint(this.form, next);
      this.addLast(Math.max(distinct, this.distinct));
      this.distinct = distinct;
    } else {
      this.firstKey = Uint8Array.from(key.subarray(0, keyLength));
    }
    this.nextForm = this.form;
    this.form = next;
    this.key.pos = 0;
    this.key.bytes(key, 0, keyLength);
    this.setPayload(kind === 'rows' ? position : -1 - position);
  }

  /** For the key whose hash is in `hash`. */
  private setPayload(position: number): void {
    const size = sizeOfSigned(position);
    this.flags = FLAG_HAS_HASH_BYTE + size - 1;
    this.payload.pos = 0;
    this.payload.u8(hash[3]! & 0xff);
    writeSized(this.payload, position, size);
  }

  private addLast(length: number): void {
    this.trie.add(this.form.buf, Math.min(length, this.form.pos), this.flags, this.payload);
  }

  /** Writes what is left of the trie, the first and the last key, and the footer. */
  finish(): void {
    if (this.firstKey) this.addLast(this.distinct);
    const root = this.trie.finish();
    const { position, writer } = this.out;
    const first = this.firstKey ?? new Uint8Array(0);
    writer.u16(first.length);
    writer.bytes(first);
    writer.u16(this.key.pos);
    writer.bytes(this.key.buf, 0, this.key.pos);
    writer.i64FromNumber(position);
    writer.i64FromNumber(this.trie.count);
    writer.i64FromNumber(root);
    this.out.flush();
  }
}

const hash: Hash128 = new Int32Array(4);

/** Length of the shortest beginning that tells one from the other. */
function diffPoint(a: ByteWriter, b: ByteWriter): number {
  const n = Math.min(a.pos, b.pos);
  let i = 0;
  while (i < n && a.buf[i] === b.buf[i]) i++;
  return i + 1;
}

type KeyFormWriter = (out: ByteWriter, key: Uint8Array, keyLength: number) => void;

/** Appends the byte-comparable form of the decorated key whose hash is in `hash`. */
function keyFormWriter(partitioner: Partitioner): KeyFormWriter {
  if (partitioner.name === 'Murmur3Partitioner') return writeMurmur3KeyForm;
  return (out, key, keyLength) => {
    const token = partitioner.tokenForm(partitioner.tokenOf(key.subarray(0, keyLength)));
    writeKeyByteComparable(out, token, key, keyLength);
  };
}

const token = new Int32Array(2);
const tokenForm = new ByteWriter(8);
const tokenBytes = tokenForm.buf.subarray(0, 8);

function writeMurmur3KeyForm(out: ByteWriter, key: Uint8Array, keyLength: number): void {
  murmur3TokenOf(hash, keyLength, token);
  tokenForm.pos = 0;
  tokenForm.i64(token[0]! ^ 0x80000000, token[1]!);
  writeKeyByteComparable(out, tokenBytes, key, keyLength);
}
