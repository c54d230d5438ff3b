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
import type { PagedOutput } from './paged-output.js';
import { NONE, PAGE_BYTES } from './trie.js';
import { NO_PAYLOAD, sizeOfNode, TrieNode, writeNode } from './trie-node.js';

/** Size of the position with its hash byte, or of an offset with a deletion time: no payload is longer. */
const MAX_PAYLOAD_BYTES = 20;

export class TrieWriter {
  private readonly out: PagedOutput;
  /** The path of the key added last: `path[depth]` is its node. */
  private readonly path: TrieNode[] = [];
  private depth = 0;
  private key = new Uint8Array(64);
  private keyLength = 0;
  private readonly spare: TrieNode[] = [];
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

  private push(parent: TrieNode, transition: number): TrieNode {
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

  private complete(node: TrieNode): void {
    let branchBytes = 0;
    let hasWritten = false;
    let hasWrittenBelow = false;
    for (let child = node.firstChild; child; child = child.next) {
      branchBytes += child.branchBytes + child.nodeBytes;
      if (child.position !== NONE) hasWritten = true;
      else if (child.hasWrittenChildren || child.hasWrittenInBranch) hasWrittenBelow = true;
    }
    node.branchBytes = branchBytes;
    node.nodeBytes = sizeOfNode(node, this.out.position);
    if (node.nodeBytes + branchBytes >= PAGE_BYTES) {
      this.writeChildren(node);
      return;
    }
    node.hasWrittenChildren = hasWritten;
    node.hasWrittenInBranch = hasWrittenBelow;
  }

  /** Writes the branches of a node's children, but not itself. */
  private writeChildren(node: TrieNode): void {
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
    node.nodeBytes = sizeOfNode(node, out.position);
  }

  /** Bytes of a branch that would be written at `position`. A branch is less than a page, so it can't nest deep. */
  private measureBranch(node: TrieNode, position: number): number {
    if (node.hasWrittenInBranch) {
      let bytes = 0;
      for (let child = node.firstChild; child; child = child.next) bytes += this.measureBranch(child, position + bytes);
      node.branchBytes = bytes;
    }
    if (node.hasWrittenChildren || node.hasWrittenInBranch) {
      node.nodeBytes = sizeOfNode(node, position + node.branchBytes);
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

  /** Writes a branch, what it points to before the node; returns the node's position. */
  private write(node: TrieNode): number {
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

  private take(transition: number): TrieNode {
    const node = this.spare.pop() ?? new TrieNode();
    node.transition = transition;
    return node;
  }

  private releaseBranch(node: TrieNode): void {
    const nodes = [node];
    for (let each = nodes.pop(); each; each = nodes.pop()) {
      for (let child = each.firstChild; child; child = child.next) nodes.push(child);
      this.release(each);
    }
  }

  private releaseChildren(node: TrieNode): void {
    let child = node.firstChild;
    while (child) {
      const next: TrieNode | undefined = child.next;
      this.release(child);
      child = next;
    }
    node.firstChild = undefined;
    node.lastChild = undefined;
    node.childCount = 0;
  }

  private releasePayload(node: TrieNode): void {
    if (node.payloadFlags === 0) return;
    this.sparePayloads.push(node.payload);
    node.payload = NO_PAYLOAD;
    node.payloadFlags = 0;
    node.payloadLength = 0;
  }

  private release(node: TrieNode): void {
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
function largest(node: TrieNode, limit: number): TrieNode | undefined {
  let found: TrieNode | undefined;
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
