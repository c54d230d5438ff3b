/**
 * What a drill does to a commit log, as it is asked for:
 *
 *   lose-last      the writes of so many seconds before the end were never synced
 *   tear-at        a segment is cut at a byte of its file
 *   drop-segment   a segment's file is gone
 *   flip           a bit of a segment's file is the other one; bit 0 is the lowest of the first byte, bit 8 that of the second
 *
 * Segments are named by their id, by their file's name, as `first`, `last` (that holds anything) or `random`; places in them may be `random` too.
 * Random places are those that hold something: damage to the zeros behind costs nothing.
 */
import { UsageError } from '../../bytes/errors.js';
import type { SegmentFile } from '../../commitlog/commit-log-directory.js';

export type SegmentChoice = { readonly id: number } | 'first' | 'last' | 'random';

export type CrashRequest =
  | { readonly kind: 'lose-last'; readonly seconds: number }
  | { readonly kind: 'tear-at'; readonly segment: SegmentChoice; readonly offset: number | 'random' }
  | { readonly kind: 'drop-segment'; readonly segment: SegmentChoice | 'all' }
  | { readonly kind: 'flip'; readonly segment: SegmentChoice; readonly bit: number | 'random' };

/** What is done to one segment's file. */
export type Damage =
  | { readonly kind: 'tear-at'; readonly segment: SegmentFile; readonly offset: number }
  | { readonly kind: 'drop-segment'; readonly segment: SegmentFile }
  | { readonly kind: 'flip'; readonly segment: SegmentFile; readonly bit: number };

/** A segment, and how many of its bytes hold something. */
export type UsedSegment = { readonly file: SegmentFile; readonly usedBytes: number; readonly mutations: number };

/** `SEGMENT:OFFSET` or `random`. @throws UsageError */
export function parseTear(text: string): CrashRequest {
  const { segment, place } = parsePlace(text, '--tear-at', 'OFFSET');
  return { kind: 'tear-at', segment, offset: place };
}

/** `SEGMENT:BIT` or `random`. @throws UsageError */
export function parseFlip(text: string): CrashRequest {
  const { segment, place } = parsePlace(text, '--flip', 'BIT');
  return { kind: 'flip', segment, bit: place };
}

/** `SEGMENT` or `all`. @throws UsageError */
export function parseDrop(text: string): CrashRequest {
  if (text === 'all') return { kind: 'drop-segment', segment: 'all' };
  const segment = parseSegment(text);
  if (segment !== undefined) return { kind: 'drop-segment', segment };
  throw new UsageError('--drop-segment names no segment', {
    seen: text,
    expected: 'the id of a segment, the name of its file, first, last, random or all',
  });
}

function parsePlace(text: string, flag: string, what: string): { segment: SegmentChoice; place: number | 'random' } {
  if (text === 'random') return { segment: 'random', place: 'random' };
  const at = text.lastIndexOf(':');
  const segment = parseSegment(text.slice(0, Math.max(0, at)));
  const place = text.slice(at + 1);
  if (at > 0 && segment !== undefined && (place === 'random' || /^\d{1,15}$/.test(place))) {
    return { segment, place: place === 'random' ? place : Number(place) };
  }
  throw new UsageError(`${flag} is no place in a commit log`, {
    seen: text,
    expected: `SEGMENT:${what} as 1795225886036:8410189, last:random, or random`,
  });
}

function parseSegment(text: string): SegmentChoice | undefined {
  if (text === 'first' || text === 'last' || text === 'random') return text;
  const match = /^(?:CommitLog-\d{1,4}-)?(\d{1,16})(?:\.log)?$/.exec(text);
  return match ? { id: Number(match[1]) } : undefined;
}

/** Numbers from 0 up to, not including, `below`. */
export type Random = (below: number) => number;

/** The same numbers for the same seed (mulberry32, two draws a number so that large ranges are reached). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const draw = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
  return (below) => Math.floor(((draw() * 2 ** 21 + (draw() >>> 11)) / 2 ** 53) * below);
}

/**
 * The damage that `requests` come to.
 * @param segments as they are once what was never synced is gone, in the order of their ids
 * @throws UsageError for a segment that is not there, and a place beyond its end
 */
export function resolveDamage(
  requests: readonly CrashRequest[],
  segments: readonly UsedSegment[],
  random: Random,
): Damage[] {
  return requests.flatMap((request): Damage[] => {
    if (request.kind === 'lose-last') return [];
    if (request.kind === 'drop-segment') {
      if (request.segment === 'all') return segments.map(({ file }) => ({ kind: request.kind, segment: file }));
      return [{ kind: request.kind, segment: choose(request.segment, segments, random).file }];
    }
    const { file, usedBytes } = choose(request.segment, segments, random);
    if (request.kind === 'tear-at') {
      const offset = request.offset === 'random' ? random(usedBytes) : request.offset;
      within(offset, file.bytes, '--tear-at', file);
      return [{ kind: request.kind, segment: file, offset }];
    }
    const bit = request.bit === 'random' ? random(usedBytes * 8) : request.bit;
    within(bit, file.bytes * 8 - 1, '--flip', file);
    return [{ kind: request.kind, segment: file, bit }];
  });
}

function within(place: number, last: number, flag: string, { file }: SegmentFile): void {
  if (place <= last) return;
  throw new UsageError(`${flag} is beyond the end of the segment`, { file, seen: place, expected: `0 to ${last}` });
}

/** `random`: each byte that holds something has the same chance. */
function choose(choice: SegmentChoice, segments: readonly UsedSegment[], random: Random): UsedSegment {
  const holding = segments.filter(({ mutations }) => mutations > 0);
  if (typeof choice === 'object') {
    const found = segments.find(({ file }) => file.id === choice.id);
    if (found) return found;
    throw new UsageError('the commit log has no such segment', {
      seen: String(choice.id),
      expected:
        segments.length === 0
          ? 'none'
          : segments
              .map(({ file }) => String(file.id))
              .slice(0, 20)
              .join(', '),
      hint: 'lsmctl commitlog ls lists the segments',
    });
  }
  const [first, last] = [holding[0], holding.at(-1)];
  if (!first || !last) throw new UsageError('the commit log holds nothing that could be damaged');
  if (choice === 'first') return first;
  if (choice === 'last') return last;
  let at = random(holding.reduce((sum, { usedBytes }) => sum + usedBytes, 0));
  for (const segment of holding) {
    if (at < segment.usedBytes) return segment;
    at -= segment.usedBytes;
  }
  return last;
}
