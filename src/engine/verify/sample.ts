/**
 * What a sampled run verifies deeply, so that a few nights together cover all: SSTables, and of large ones slices, which are ranges of their tokens; the
 * rest is verified quickly.
 *
 *   n/m    the n-th of m parts, the same whenever it is asked for: seven nights are 1/7 … 7/7
 *   P%     P per cent of the bytes    } those whose deep verification lies longest back, by the state file; among equals an order that is another
 *   10G    so many bytes              } each day
 */
import { UsageError } from '../../bytes/errors.js';

export type Sample =
  | { readonly kind: 'part'; readonly part: number; readonly of: number }
  | { readonly kind: 'share'; readonly share: number }
  | { readonly kind: 'bytes'; readonly bytes: number };

/** Bytes of Data.db of a slice, about: an SSTable has as many as it takes, the same on every night. */
export const SLICE_BYTES = 256 << 20;

/** What of an SSTable, or of a slice of one, decides whether it is chosen. */
export type Candidate = {
  /** Name of the SSTable in its table: the same on every night. */
  readonly name: string;
  /** Of a slice its number, from 0: slices of an SSTable go to parts by turns. */
  readonly slice?: number;
  readonly bytes: number;
  /** When it was last verified deeply, unix seconds; absent: never, as far as is known. */
  readonly verifiedSeconds?: number;
};

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1 << 10, m: 1 << 20, g: 1 << 30, t: 2 ** 40 };

/** Bytes of `10G`, `500M`, `65536`. @throws UsageError naming `flag` */
export function parseBytes(text: string, flag: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text);
  const bytes = match ? Number(match[1]) * UNITS[match[2]!.toLowerCase()]! : 0;
  if (bytes >= 1) return Math.floor(bytes);
  throw new UsageError(`${flag} is no number of bytes`, { seen: text, expected: 'such as 500M or 10G' });
}

/** @throws UsageError */
export function parseSample(text: string): Sample {
  const part = /^(\d{1,6})\/(\d{1,6})$/.exec(text);
  if (part) {
    const [n, m] = [Number(part[1]), Number(part[2])];
    if (n >= 1 && n <= m) return { kind: 'part', part: n, of: m };
  }
  const share = /^(\d+(?:\.\d+)?)%$/.exec(text);
  if (share && Number(share[1]) > 0 && Number(share[1]) <= 100) return { kind: 'share', share: Number(share[1]) / 100 };
  if (/^\d+(?:\.\d+)?\s*[kmgt]?(?:i?b)?$/i.test(text)) return { kind: 'bytes', bytes: parseBytes(text, '--sample') };
  throw new UsageError('--sample is no sample', { seen: text, expected: 'a share (5%), bytes (10G) or a part (3/7)' });
}

/** Indexes of the candidates that are verified deeply; at least one, unless it is a part that has none. */
export function chooseSample(candidates: readonly Candidate[], sample: Sample, nowSeconds: number): Set<number> {
  if (sample.kind === 'part') {
    const { part, of } = sample;
    return new Set(
      candidates.flatMap(({ name, slice = 0 }, i) => ((hashOf(name) + slice) % of === part - 1 ? [i] : [])),
    );
  }
  const total = candidates.reduce((sum, { bytes }) => sum + bytes, 0);
  const budget = sample.kind === 'bytes' ? sample.bytes : total * sample.share;
  const day = Math.floor(nowSeconds / 86400);
  const ordered = candidates
    .map(({ name, slice = 0, bytes, verifiedSeconds = Number.NEGATIVE_INFINITY }, i) => ({
      i,
      bytes,
      verifiedSeconds,
      rank: hashOf(`${day} ${slice} ${name}`),
    }))
    .sort((a, b) =>
      a.verifiedSeconds === b.verifiedSeconds ? a.rank - b.rank : a.verifiedSeconds - b.verifiedSeconds,
    );
  const chosen = new Set<number>();
  let used = 0;
  for (const { i, bytes } of ordered) {
    if (chosen.size > 0 && used + bytes > budget) continue;
    chosen.add(i);
    used += bytes;
    if (used >= budget) break;
  }
  return chosen;
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text, 'utf8')) hash = Math.imul(hash ^ byte, 0x01000193);
  // its low bits hardly differ between names that end alike
  hash ^= hash >>> 15;
  return Math.imul(hash, 0x2c1b3c6d) >>> 0;
}
