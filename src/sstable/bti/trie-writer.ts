/**
 * Writes the tries of Partitions.db and Rows.db (nodes as drawn in trie.ts) while their keys arrive in order, packed into pages as Cassandra's
 * IncrementalTrieWriterPageAware does, byte for byte.
 *
 * A node is complete once a greater key leaves it. Complete branches are held back while they fit a page together; the node with which they
 * don't has its children's branches written, the largest that the rest of the page takes first, and if none fits, the largest at the beginning
 * of the next page. So a branch lies within one page, its nodes in post-order, and what is held is less than a page for each child of the
 * nodes on the path to the last key.
 *
 * Pointers are distances, and their width depends on the distance: a branch with nodes that point into other pages is measured when it
 * completes, and again where it is about to be written.
 */
import { InvariantError } from '../../bytes/errors.js';
import type { ByteWriter } from '../../bytes/writer.js';
import { type PagedOutput, writeSized } from './paged-output.js';
import {
  BITS,
  DENSE,
  NONE,
  NONE_SHAPE,
  PAGE_BYTES,
  SHAPE,
  SINGLE,
  SINGLE_NOPAYLOAD_4,
  SINGLE_NOPAYLOAD_12,
  SPARSE,
} from './trie.js';

/** Size of the position with its hash byte, or of an offset with a deletion time: no payload is longer. */
const MAX_PAYLOAD_BYTES = 20;

/** By the width that a node's longest pointer takes: that width's limit, and the types that have room for it. */
const LIMITS = [0x10, 0x100, 0x1000, 0x10000, 2 ** 24, 2 ** 32, 2 ** 40, Number.POSITIVE_INFINITY];
const SINGLES = [1, 2, 3, 4, 12, 13, 14, 15];
const SPARSES = [5, 5, 6, 7, 8, 9, 9, 15];
const DENSES = [10, 10, 10, 11, 12, 13, 14, 15];
const PAYLOAD_ONLY = 0;

const NO_PAYLOAD = new Uint8Array(0);

/** A node that isn't written, or to which one that isn't written will point. */
class Node {
  transition = 0;
  /** Children in the order of their transitions. */
  firstChild: Node | undefined;
  lastChild: Node | undefined;
  next: Node | undefined;
  childCount = 0;
  /** Where it is written, or {@link NONE}. */
  position = NONE;
  /** Bytes of its own, and of what isn't written below it; both 0 once it is written. */
  nodeBytes = 0;
  branchBytes = 0;
  /** Whether a child is written already, or something below its children: then its sizes hold only for where they were measured. */
  hasWrittenChildren = true;
  hasWrittenInBranch = false;
  /** 0: none. */
  payloadFlags = 0;
  payloadLength = 0;
  payload: Uint8Array = NO_PAYLOAD;
}

export class TrieWriter {
  private readonly out: PagedOutput;
  /** The path of the key added last: `path[depth]` is its node. */
  private readonly path: Node[] = [];
  private depth = 0;
  private key = new Uint8Array(64);
  private keyLength = 0;
  private readonly spare: Node[] = [];
  private readonly sparePayloads: Uint8Array[] = [];
  /** Keys added. */
  count = 0;

  constructor(out: PagedOutput) {
    this.out = out;
    this.path.push(this.take(0));
  }

  /** Forgets what isn't written, and begins another trie. */
  reset(): void {
    this.releaseBranch(this.path[0]!);
    this.path[0] = this.take(0);
    this.depth = 0;
    this.keyLength = 0;
    this.count = 0;
  }

  /** Adds `key[0, length)`, greater than all before, with what leads from it: four bits not zero, and up to 20 bytes. Both are copied. */
  add(key: Uint8Array, length: number, payloadFlags: number, payload: ByteWriter): void {
    const shared = this.sharedWith(key, length);
    while (this.depth > shared) this.completeLast();
    let node = this.path[shared]!;
    for (let i = shared; i < length; i++) node = this.push(node, key[i]!);
    this.remember(key, shared, length);
    if (node.payloadFlags !== 0 || payload.pos > MAX_PAYLOAD_BYTES) {
      throw new InvariantError('trie key with two payloads, or too long a one', { seen: payload.pos });
    }
    node.payloadFlags = payloadFlags;
    node.payloadLength = payload.pos;
    const bytes = this.sparePayloads.pop() ?? new Uint8Array(MAX_PAYLOAD_BYTES);
    for (let i = 0; i < payload.pos; i++) bytes[i] = payload.buf[i]!;
    node.payload = bytes;
    this.count++;
  }

  /** How many bytes the key shares with the one before. */
  private sharedWith(key: Uint8Array, length: number): number {
    const last = this.key;
    const n = Math.min(length, this.keyLength);
    let i = 0;
    while (i < n && key[i] === last[i]) i++;
    if (i < n ? key[i]! < last[i]! : length < this.keyLength)
      throw new InvariantError('trie keys are out of order', {});
    return i;
  }

  private remember(key: Uint8Array, from: number, length: number): void {
    if (length > this.key.length) {
      const larger = new Uint8Array(Math.max(length, this.key.length * 2));
      larger.set(this.key.subarray(0, from));
      this.key = larger;
    }
    for (let i = from; i < length; i++) this.key[i] = key[i]!;
    this.keyLength = length;
  }

  private push(parent: Node, transition: number): Node {
    const node = this.take(transition);
    if (parent.lastChild) parent.lastChild.next = node;
    else parent.firstChild = node;
    parent.lastChild = node;
    parent.childCount++;
    this.path[++this.depth] = node;
    return node;
  }

  private completeLast(): void {
    const node = this.path[this.depth--]!;
    this.complete(node);
    this.out.spill();
  }

  /** Writes what is left; returns the position of the root. The trie must be {@link reset} before more is added. */
  finish(): number {
    while (this.depth > 0) this.completeLast();
    const root = this.path[0]!;
    this.complete(root);
    const { out } = this;
    let bytes = this.measureBranch(root, out.position);
    if (bytes > out.leftInPage) {
      if (bytes <= PAGE_BYTES) {
        out.padToPage();
        bytes = this.measureBranch(root, out.position);
      }
      if (bytes > out.leftInPage) this.writeChildren(root);
      // the root on its own may need another page
      if (root.nodeBytes + root.branchBytes > out.leftInPage) {
        out.padToPage();
        this.measureBranch(root, out.position);
      }
    }
    root.position = this.write(root);
    return root.position;
  }

  private complete(node: Node): void {
    let branchBytes = 0;
    let hasWritten = false;
    let hasWrittenBelow = false;
    for (let child = node.firstChild; child; child = child.next) {
      branchBytes += child.branchBytes + child.nodeBytes;
      if (child.position !== NONE) hasWritten = true;
      else if (child.hasWrittenChildren || child.hasWrittenInBranch) hasWrittenBelow = true;
    }
    node.branchBytes = branchBytes;
    node.nodeBytes = this.measure(node, this.out.position);
    if (node.nodeBytes + branchBytes >= PAGE_BYTES) {
      this.writeChildren(node);
      return;
    }
    node.hasWrittenChildren = hasWritten;
    node.hasWrittenInBranch = hasWrittenBelow;
  }

  /** Writes the branches of a node's children, but not itself. */
  private writeChildren(node: Node): void {
    const { out } = this;
    let left = out.leftInPage;
    for (;;) {
      let child = largest(node, left);
      if (!child) {
        child = largest(node, Number.POSITIVE_INFINITY);
        if (!child) break;
        out.padToPage();
        left = PAGE_BYTES;
      }
      if (child.hasWrittenChildren || child.hasWrittenInBranch) {
        const bytes = this.measureBranch(child, out.position);
        if (bytes > left) {
          // too large for any page since its pointers have become longer, else one for a later page
          if (left === PAGE_BYTES) {
            this.writeChildren(child);
            left = out.leftInPage;
          }
          continue;
        }
      }
      child.position = this.write(child);
      child.branchBytes = 0;
      child.nodeBytes = 0;
      child.hasWrittenInBranch = false;
      child.hasWrittenChildren = false;
      left = out.leftInPage;
    }
    node.branchBytes = 0;
    node.hasWrittenChildren = true;
    node.hasWrittenInBranch = false;
    node.nodeBytes = this.measure(node, out.position);
  }

  /** Bytes of a branch that would be written at `position`. A branch is less than a page, so it can't nest deep. */
  private measureBranch(node: Node, position: number): number {
    if (node.hasWrittenInBranch) {
      let bytes = 0;
      for (let child = node.firstChild; child; child = child.next) bytes += this.measureBranch(child, position + bytes);
      node.branchBytes = bytes;
    }
    if (node.hasWrittenChildren || node.hasWrittenInBranch) {
      node.nodeBytes = this.measure(node, position + node.branchBytes);
    }
    return node.branchBytes + node.nodeBytes;
  }

  /** Measures what is held as if it were written now, from the next page on. */
  measureHeld(): void {
    let position = Math.ceil(this.out.position / PAGE_BYTES) * PAGE_BYTES;
    for (let d = 0; d <= this.depth; d++) {
      const onPath = d < this.depth ? this.path[d + 1] : undefined;
      for (let child = this.path[d]!.firstChild; child; child = child.next) {
        if (child !== onPath && child.position === NONE) position += this.measureBranch(child, position);
      }
    }
  }

  /** Bytes of the node alone, at `position`. */
  private measure(node: Node, position: number): number {
    return bytesAs(typeFor(node, position), node) + node.payloadLength;
  }

  /** Writes a branch, what it points to before the node; returns the node's position. */
  private write(node: Node): number {
    const { out } = this;
    const position = out.position + node.branchBytes;
    for (let child = node.firstChild; child; child = child.next) {
      if (child.position === NONE) child.position = this.write(child);
    }
    if (out.position !== position) {
      throw new InvariantError('trie branch of another size', { seen: out.position, expected: position });
    }
    writeNode(out.writer, node, position);
    this.releasePayload(node);
    this.releaseChildren(node);
    return position;
  }

  private take(transition: number): Node {
    const node = this.spare.pop() ?? new Node();
    node.transition = transition;
    return node;
  }

  private releaseBranch(node: Node): void {
    const nodes = [node];
    for (let each = nodes.pop(); each; each = nodes.pop()) {
      for (let child = each.firstChild; child; child = child.next) nodes.push(child);
      this.release(each);
    }
  }

  private releaseChildren(node: Node): void {
    let child = node.firstChild;
    while (child) {
      const next: Node | undefined = child.next;
      this.release(child);
      child = next;
    }
    node.firstChild = undefined;
    node.lastChild = undefined;
    node.childCount = 0;
  }

  private releasePayload(node: Node): void {
    if (node.payloadFlags === 0) return;
    this.sparePayloads.push(node.payload);
    node.payload = NO_PAYLOAD;
    node.payloadFlags = 0;
    node.payloadLength = 0;
  }

  private release(node: Node): void {
    this.releasePayload(node);
    node.firstChild = undefined;
    node.lastChild = undefined;
    node.next = undefined;
    node.childCount = 0;
    node.position = NONE;
    node.hasWrittenChildren = true;
    node.hasWrittenInBranch = false;
    this.spare.push(node);
  }
}

/** The largest branch of at most `limit` bytes that isn't written, of equal ones the last: its own children are likely to be nearer. */
function largest(node: Node, limit: number): Node | undefined {
  let found: Node | undefined;
  let most = 0;
  for (let child = node.firstChild; child; child = child.next) {
    if (child.position !== NONE) continue;
    const bytes = child.branchBytes + child.nodeBytes;
    if (bytes > limit || bytes < most) continue;
    found = child;
    most = bytes;
  }
  return found;
}

/** The longest pointer of a node at `position`: to the farthest child that is written, or to where the first of the others will be. */
function longestPointer(node: Node, position: number): number {
  let longest = 0;
  let isFirst = true;
  for (let child = node.firstChild; child; child = child.next) {
    let distance = 0;
    if (child.position !== NONE) distance = position - child.position;
    else if (isFirst) {
      distance = node.branchBytes - child.branchBytes;
      isFirst = false;
    }
    if (distance > longest) longest = distance;
    if (!node.hasWrittenChildren) break;
  }
  return longest;
}

/** The type that takes the least room; dense rather than sparse. */
function typeFor(node: Node, position: number): number {
  const { childCount } = node;
  if (childCount === 0) return PAYLOAD_ONLY;
  const distance = longestPointer(node, position);
  let width = 0;
  while (distance >= LIMITS[width]!) width++;
  if (childCount === 1) {
    // pointers of 4 and 12 bits take the place of the payload's flags
    const type = SINGLES[width]!;
    const leavesFlags = type !== SINGLE_NOPAYLOAD_4 && type !== SINGLE_NOPAYLOAD_12;
    return node.payloadFlags === 0 || leavesFlags ? type : SINGLES[width + 1]!;
  }
  const sparse = SPARSES[width]!;
  const dense = DENSES[width]!;
  return bytesAs(sparse, node) < bytesAs(dense, node) ? sparse : dense;
}

/** Bytes of a node of that type, without its payload. */
function bytesAs(type: number, node: Node): number {
  const bits = BITS[type]!;
  switch (SHAPE[type]) {
    case SINGLE:
      return type === SINGLE_NOPAYLOAD_4 ? 2 : type === SINGLE_NOPAYLOAD_12 ? 3 : 2 + (bits >> 3);
    case SPARSE:
      return 2 + node.childCount + ((node.childCount * bits + 7) >> 3);
    case DENSE:
      return 3 + (((node.lastChild!.transition - node.firstChild!.transition + 1) * bits + 7) >> 3);
    default:
      return 1;
  }
}

function writeNode(out: ByteWriter, node: Node, position: number): void {
  const type = typeFor(node, position);
  switch (SHAPE[type]) {
    case NONE_SHAPE:
      out.u8((type << 4) | node.payloadFlags);
      break;
    case SINGLE:
      writeSingle(out, type, node, position - node.firstChild!.position);
      break;
    case SPARSE:
      writeSparse(out, type, node, position);
      break;
    default:
      writeDense(out, type, node, position);
  }
  out.bytes(node.payload, 0, node.payloadLength);
}

function writeSingle(out: ByteWriter, type: number, node: Node, distance: number): void {
  const { transition } = node.firstChild!;
  if (type === SINGLE_NOPAYLOAD_4) {
    out.u8((type << 4) | distance);
    out.u8(transition);
  } else if (type === SINGLE_NOPAYLOAD_12) {
    out.u16((type << 12) | distance);
    out.u8(transition);
  } else {
    out.u8((type << 4) | node.payloadFlags);
    out.u8(transition);
    writeSized(out, distance, BITS[type]! >> 3);
  }
}

function writeSparse(out: ByteWriter, type: number, node: Node, position: number): void {
  out.u8((type << 4) | node.payloadFlags);
  out.u8(node.childCount);
  for (let child = node.firstChild; child; child = child.next) out.u8(child.transition);
  let i = 0;
  for (let child = node.firstChild; child; child = child.next) {
    writePointer(out, BITS[type]!, i++, position - child.position);
  }
}

function writeDense(out: ByteWriter, type: number, node: Node, position: number): void {
  const first = node.firstChild!.transition;
  out.u8((type << 4) | node.payloadFlags);
  out.u8(first);
  out.u8(node.lastChild!.transition - first);
  let i = 0;
  for (let child = node.firstChild; child; child = child.next) {
    for (; i < child.transition - first; i++) writePointer(out, BITS[type]!, i, 0);
    writePointer(out, BITS[type]!, i++, position - child.position);
  }
}

/** Pointer `i` of a node. Of 12 bits, two share three bytes. */
function writePointer(out: ByteWriter, bits: number, i: number, distance: number): void {
  if (bits !== 12) {
    writeSized(out, distance, bits >> 3);
  } else if (i & 1) {
    const shared = out.pos - 1;
    out.buf[shared] = out.buf[shared]! | (distance >> 8);
    out.u8(distance & 0xff);
  } else {
    out.u16(distance << 4);
  }
}
