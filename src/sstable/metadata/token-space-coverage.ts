/**
 * The share of the token range between an SSTable's first and last key, as UnifiedCompactionStrategy records it in what it flushes and
 * compacts (ShardManager.rangeSpanned); other strategies record none (NaN). Tokens of Murmur3Partitioner; of partitioners that can't split
 * their range it is 1.
 */

/** Tokens above `left` up to `right`; `right` at the minimum is the end of the ring. None wraps around. */
export type TokenRange = { readonly left: bigint; readonly right: bigint };

export const MIN_TOKEN = -(2n ** 63n);
export const WHOLE_RING: readonly TokenRange[] = [{ left: MIN_TOKEN, right: MIN_TOKEN }];

/**
 * 0–1, of what the node owns: `localRanges`, ascending. The sum is of doubles, in their order: a node that owns the whole ring in several
 * ranges can get another last digit than one with {@link WHOLE_RING}.
 */
export function tokenSpaceCoverage(first: bigint, last: bigint, localRanges: readonly TokenRange[] = WHOLE_RING) {
  const covered = { left: first, right: BigInt.asIntN(64, last + 1n) };
  let size = 0;
  for (const range of localRanges) {
    const common = intersection(range, covered);
    if (common) size += sizeOf(common);
  }
  return size;
}

/** The ranges of a node that owns the whole ring by these tokens. */
export function wholeRingRanges(tokens: readonly bigint[]): TokenRange[] {
  const bounds = [...new Set([MIN_TOKEN, ...tokens])].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return bounds.map((left, i) => ({ left, right: bounds[i + 1] ?? MIN_TOKEN }));
}

function intersection(a: TokenRange, b: TokenRange): TokenRange | undefined {
  const { left } = a.left > b.left ? a : b;
  const right = a.right === MIN_TOKEN ? b.right : b.right === MIN_TOKEN || a.right < b.right ? a.right : b.right;
  return right === MIN_TOKEN || left < right ? { left, right } : undefined;
}

/** The distance modulo 2^64, scaled so that the ring has size 1. */
function sizeOf({ left, right }: TokenRange): number {
  const size = Number(BigInt.asIntN(64, right - left)) * 2 ** -64;
  return size > 0 ? size : size + 1;
}
