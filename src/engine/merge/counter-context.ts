/**
 * A counter's value (Cassandra's CounterContext), integers big-endian:
 *
 *   i16 n | n × i16 index | shards: 16 bytes counter id | i64 clock | i64 count
 *
 * sorted by id. The header lists the shards that are not remote: `index` for a local one, `index − 32768` for a global one. n < 0 asks a reader to
 * forget the local ones (a streamed context). Global shards come from 2.1 and later; local and remote ones are older.
 */
import { CorruptError } from '../../bytes/errors.js';
import { compare64 } from '../../bytes/int64.js';

const SHARD_BYTES = 32;
const ID_BYTES = 16;

const REMOTE = 0;
const LOCAL = 1;
const GLOBAL = 2;

export type CounterSlice = { readonly buf: Uint8Array; readonly start: number; readonly end: number };

/** A context that is walked shard by shard. */
class ContextWalk {
  buf: Uint8Array = new Uint8Array(0);
  /** Position of the current shard. */
  at = 0;
  end = 0;
  private headerAt = 0;
  private headerEnd = 0;
  private body = 0;
  kind = REMOTE;

  begin({ buf, start, end }: CounterSlice): void {
    this.buf = buf;
    const n = Math.abs(i16(buf, start));
    this.headerAt = start + 2;
    this.headerEnd = start + 2 + n * 2;
    this.body = this.headerEnd;
    this.at = this.body;
    this.end = end;
    this.readKind();
  }

  get hasMore(): boolean {
    return this.end - this.at >= SHARD_BYTES;
  }

  next(): void {
    if (this.kind !== REMOTE) this.headerAt += 2;
    this.at += SHARD_BYTES;
    this.readKind();
  }

  private readKind(): void {
    this.kind = REMOTE;
    if (this.headerAt >= this.headerEnd) return;
    const listed = i16(this.buf, this.headerAt);
    const index = (this.at - this.body) / SHARD_BYTES;
    if (listed === index) this.kind = LOCAL;
    else if (listed + 32768 === index) this.kind = GLOBAL;
  }
}

const left = new ContextWalk();
const right = new ContextWalk();

/**
 * The two contexts as one, or `a` or `b` itself where that holds all of the other. A merged one is made with `allocate`, which gives an
 * array and the offset at which the context is to begin.
 */
export function mergeCounters(
  a: CounterSlice,
  b: CounterSlice,
  allocate: (length: number) => { buf: Uint8Array; start: number },
): CounterSlice {
  left.begin(a);
  right.begin(b);
  let [globals, locals, remotes] = [0, 0, 0];
  let leftHasAll = true;
  let rightHasAll = true;
  const count = (kind: number) => {
    if (kind === GLOBAL) globals++;
    else if (kind === LOCAL) locals++;
    else remotes++;
  };
  while (left.hasMore && right.hasMore) {
    const order = compareIds(left, right);
    if (order === 0) {
      const winner = compareShards();
      if (winner === undefined) leftHasAll = rightHasAll = false;
      else if (winner < 0) leftHasAll = false;
      else if (winner > 0) rightHasAll = false;
      count(Math.max(left.kind, right.kind));
      left.next();
      right.next();
    } else if (order > 0) {
      leftHasAll = false;
      count(right.kind);
      right.next();
    } else {
      rightHasAll = false;
      count(left.kind);
      left.next();
    }
  }
  if (left.hasMore) rightHasAll = false;
  else if (right.hasMore) leftHasAll = false;
  if (leftHasAll) return a;
  if (rightHasAll) return b;
  for (; left.hasMore; left.next()) count(left.kind);
  for (; right.hasMore; right.next()) count(right.kind);

  const headerBytes = 2 + (globals + locals) * 2;
  const length = headerBytes + (globals + locals + remotes) * SHARD_BYTES;
  const { buf, start } = allocate(length);
  const target = new DataView(buf.buffer, buf.byteOffset, buf.byteLength);
  target.setInt16(start, globals + locals);
  let header = start + 2;
  let body = start + headerBytes;
  const put = (walk: ContextWalk) => {
    const index = (body - start - headerBytes) / SHARD_BYTES;
    if (walk.kind !== REMOTE) {
      target.setInt16(header, walk.kind === GLOBAL ? index - 32768 : index);
      header += 2;
    }
    buf.set(walk.buf.subarray(walk.at, walk.at + SHARD_BYTES), body);
    body += SHARD_BYTES;
  };
  left.begin(a);
  right.begin(b);
  while (left.hasMore && right.hasMore) {
    const order = compareIds(left, right);
    if (order === 0) {
      const winner = compareShards();
      const at = body;
      put(winner === undefined || winner > 0 ? left : right);
      if (winner === undefined) addShard(target, at, right);
      left.next();
      right.next();
    } else if (order > 0) {
      put(right);
      right.next();
    } else {
      put(left);
      left.next();
    }
  }
  for (; left.hasMore; left.next()) put(left);
  for (; right.hasMore; right.next()) put(right);
  return { buf, start, end: start + length };
}

/** Two local shards of one id: clocks and counts add up. */
function addShard(target: DataView, at: number, walk: ContextWalk): void {
  const source = new DataView(walk.buf.buffer, walk.buf.byteOffset, walk.buf.byteLength);
  for (const field of [ID_BYTES, ID_BYTES + 8]) {
    const sum = target.getBigInt64(at + field) + source.getBigInt64(walk.at + field);
    target.setBigInt64(at + field, BigInt.asIntN(64, sum));
  }
}

/** Whether the left shard wins (1), the right one (−1), they are alike (0), or both are local and add up (undefined). */
function compareShards(): number | undefined {
  if (left.kind === GLOBAL || right.kind === GLOBAL) {
    if (left.kind !== right.kind) return left.kind === GLOBAL ? 1 : -1;
    return compareField(ID_BYTES) || compareField(ID_BYTES + 8);
  }
  if (left.kind === LOCAL || right.kind === LOCAL) {
    if (left.kind === right.kind) return undefined;
    return left.kind === LOCAL ? 1 : -1;
  }
  const clocks = compareField(ID_BYTES);
  if (clocks === 0) return compareField(ID_BYTES + 8);
  // negative clocks mark shards that were reset: the lower one is newer, and any beats none but positive ones
  const [l, r] = [i32(left.buf, left.at + ID_BYTES), i32(right.buf, right.at + ID_BYTES)];
  const rightIsPositive = r > 0 || (r === 0 && !isZero(right));
  if (l >= 0) return rightIsPositive && clocks > 0 ? 1 : -1;
  return rightIsPositive || clocks < 0 ? 1 : -1;
}

function isZero(walk: ContextWalk): boolean {
  for (let i = 0; i < 8; i++) if (walk.buf[walk.at + ID_BYTES + i] !== 0) return false;
  return true;
}

function compareIds(a: ContextWalk, b: ContextWalk): number {
  for (let i = 0; i < ID_BYTES; i++) {
    const d = a.buf[a.at + i]! - b.buf[b.at + i]!;
    if (d !== 0) return d;
  }
  return 0;
}

function compareField(offset: number): number {
  const c = compare64(
    i32(left.buf, left.at + offset),
    i32(left.buf, left.at + offset + 4),
    i32(right.buf, right.at + offset),
    i32(right.buf, right.at + offset + 4),
  );
  return c > 0 ? 1 : c < 0 ? -1 : 0;
}

/** Whether the reader of a context is to forget its local shards. */
export function clearsLocal(buf: Uint8Array, start: number): boolean {
  return i16(buf, start) < 0;
}

/** A context whose local shards have become remote ones; the same one where it had none. @throws CorruptError */
export function withoutLocal(
  slice: CounterSlice,
  allocate: (length: number) => { buf: Uint8Array; start: number },
): CounterSlice {
  const { buf: from, start: at, end } = slice;
  const n = Math.abs(i16(from, at));
  if (2 + n * 2 > end - at) {
    throw new CorruptError('a counter lists more shards than fit in it', { seen: n, expected: `${end - at} bytes` });
  }
  let globals = 0;
  for (let i = 0; i < n; i++) if (i16(from, at + 2 + i * 2) < 0) globals++;
  if (globals === n) return slice;
  const length = end - at - (n - globals) * 2;
  const { buf, start } = allocate(length);
  const target = new DataView(buf.buffer, buf.byteOffset, buf.byteLength);
  target.setInt16(start, globals);
  let header = start + 2;
  for (let i = 0; i < n; i++) {
    const listed = i16(from, at + 2 + i * 2);
    if (listed >= 0) continue;
    target.setInt16(header, listed);
    header += 2;
  }
  buf.set(from.subarray(at + 2 + n * 2, end), header);
  return { buf, start, end: start + length };
}

function i16(buf: Uint8Array, at: number): number {
  return ((buf[at]! << 24) >> 16) | buf[at + 1]!;
}

function i32(buf: Uint8Array, at: number): number {
  return (buf[at]! << 24) | (buf[at + 1]! << 16) | (buf[at + 2]! << 8) | buf[at + 3]!;
}
