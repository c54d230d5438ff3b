/** A node of a trie that is being written: its size, type and bytes (trie.ts draws them). */
import type { ByteWriter } from '../../bytes/writer.js';
import { writeSized } from './paged-output.js';
import {
  BITS,
  DENSE,
  NONE,
  NONE_SHAPE,
  SHAPE,
  SINGLE,
  SINGLE_NOPAYLOAD_4,
  SINGLE_NOPAYLOAD_12,
  SPARSE,
} from './trie.js';

/** By the width that a node's longest pointer takes: that width's limit, and the types that have room for it. */
const LIMITS = [0x10, 0x100, 0x1000, 0x10000, 2 ** 24, 2 ** 32, 2 ** 40, Number.POSITIVE_INFINITY];
const SINGLES = [1, 2, 3, 4, 12, 13, 14, 15];
const SPARSES = [5, 5, 6, 7, 8, 9, 9, 15];
const DENSES = [10, 10, 10, 11, 12, 13, 14, 15];
const PAYLOAD_ONLY = 0;

export const NO_PAYLOAD = new Uint8Array(0);

/** A node that isn't written, or to which one that isn't written will point. */
export class TrieNode {
  transition = 0;
  /** Children in the order of their transitions. */
  firstChild: TrieNode | undefined;
  lastChild: TrieNode | undefined;
  next: TrieNode | undefined;
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

/** Bytes of the node alone, at `position`. */
export function sizeOfNode(node: TrieNode, position: number): number {
  return bytesAs(typeFor(node, position), node) + node.payloadLength;
}

/** The longest pointer of a node at `position`: to the farthest child that is written, or to where the first of the others will be. */
function longestPointer(node: TrieNode, position: number): number {
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
function typeFor(node: TrieNode, position: number): number {
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
function bytesAs(type: number, node: TrieNode): number {
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

/** Appends the node at `position`. Its children are written. */
export function writeNode(out: ByteWriter, node: TrieNode, position: number): void {
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

function writeSingle(out: ByteWriter, type: number, node: TrieNode, distance: number): void {
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

function writeSparse(out: ByteWriter, type: number, node: TrieNode, position: number): void {
  out.u8((type << 4) | node.payloadFlags);
  out.u8(node.childCount);
  for (let child = node.firstChild; child; child = child.next) out.u8(child.transition);
  let i = 0;
  for (let child = node.firstChild; child; child = child.next) {
    writePointer(out, BITS[type]!, i++, position - child.position);
  }
}

function writeDense(out: ByteWriter, type: number, node: TrieNode, position: number): void {
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
