/**
 * Walks all of a trie (Partitions.db, a partition's in Rows.db) in order, with the bytes that lead to each payload, and checks on the way that a
 * search would take the same path: transitions ascend, every leaf has a payload.
 */
import { NONE, type PagedFile, TrieWalker } from '../../sstable/bti/trie.js';

/** No key's form is as long. */
const MAX_DEPTH = 1 << 18;

export class TrieCursor {
  readonly walker: TrieWalker;
  /** Bytes that lead to the payload: `path[0, depth)`. */
  path = new Uint8Array(64);
  depth = 0;
  /** Whether the node has children. */
  hasChildren = false;
  private readonly file: PagedFile;
  private nodes = new Float64Array(64);
  private nextChild = new Int32Array(64);
  private lastTransition = new Int32Array(64);
  private isStarted = false;

  constructor(file: PagedFile, root: number) {
    this.file = file;
    this.walker = new TrieWalker(file, root);
  }

  /** Goes to the next payload; the walker stands on its node. `false` at the end. @throws CorruptError */
  next(): boolean {
    const { walker } = this;
    if (!this.isStarted) {
      this.isStarted = true;
      walker.go(walker.root);
      this.enter(0, walker.root);
      if (this.isAtPayload()) return true;
    }
    while (this.depth >= 0) {
      const { depth } = this;
      if (walker.position !== this.nodes[depth]) walker.go(this.nodes[depth]!);
      const i = this.nextChild[depth]!++;
      if (i >= walker.range) {
        if (walker.range === 0 && walker.payloadFlags === 0) {
          throw this.file.corrupt('trie leaf without a payload', walker.position);
        }
        this.depth--;
        continue;
      }
      const child = walker.child(i);
      if (child === NONE) continue;
      const transition = walker.transition(i);
      if (transition <= this.lastTransition[depth]!) {
        throw this.file.corrupt('trie transitions do not ascend', walker.position, { seen: transition });
      }
      this.lastTransition[depth] = transition;
      if (depth + 1 >= this.path.length) this.grow();
      this.path[depth] = transition;
      walker.go(child);
      this.enter(depth + 1, child);
      if (this.isAtPayload()) return true;
    }
    return false;
  }

  private enter(depth: number, node: number): void {
    if (depth > MAX_DEPTH) throw this.file.corrupt('trie is too deep', node);
    this.depth = depth;
    this.nodes[depth] = node;
    this.nextChild[depth] = 0;
    this.lastTransition[depth] = -1;
  }

  private isAtPayload(): boolean {
    this.hasChildren = this.walker.range > 0;
    return this.walker.payloadFlags > 0;
  }

  private grow(): void {
    const length = this.path.length * 2;
    const path = new Uint8Array(length);
    path.set(this.path);
    this.path = path;
    const nodes = new Float64Array(length);
    nodes.set(this.nodes);
    this.nodes = nodes;
    this.nextChild = grown(this.nextChild, length);
    this.lastTransition = grown(this.lastTransition, length);
  }
}

function grown(array: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const next = new Int32Array(length);
  next.set(array);
  return next;
}
