/**
 * TimeWindowCompactionStrategy: SSTables of one window of time become one SSTable, and go as a whole when all in them has expired.
 *
 *   window of an SSTable    that of its newest write, from a multiple of compaction_window_size × unit since 1970 (UTC)
 *   newest window           min_threshold SSTables at least, then as SizeTieredCompactionStrategy groups them
 *   windows before          2 SSTables at least: the smallest, up to max_threshold
 *   none of these           the smallest SSTable that is worth it for its tombstones, where an option of such compactions is given
 *   and along with any      what is fully expired
 *
 * Windows are asked from the newest back. A node holds the newest window that it has seen since its start for the newest; here it is that of the
 * SSTables given.
 */
import { fullyExpiredSSTables } from '../compaction/fully-expired.js';
import { overlappingSSTables } from '../compaction/sstable-facts.js';
import { bySize, smallest } from './by-size.js';
import type { CompactionParams, Thresholds } from './options.js';
import { areText, countOf, sstablesText } from './reason.js';
import { liveOf, mostInterestingBucket, sizeTieredBuckets } from './size-tiered.js';
import type { Candidate, Decision, LeftAlone, Pick, Strategy, StrategyContext } from './strategy.js';
import type { TimeWindowOptions } from './time-window-options.js';
import { tombstoneJudge } from './tombstone-compaction.js';

export function timeWindowStrategy(options: TimeWindowOptions, params: CompactionParams): Strategy {
  const starts = new WeakMap<Candidate, bigint>();
  const startOf = (sstable: Candidate): bigint => {
    let start = starts.get(sstable);
    if (start === undefined) {
      start = windowStartMillis(sstable.maxTimestampMicros, options);
      starts.set(sstable, start);
    }
    return start;
  };
  return { next: (sstables, context) => nextTimeWindow(sstables, context, options, params, startOf) };
}

/** SSTables whose newest writes fall into the same time. */
export type TimeWindow<T> = { readonly startMillis: bigint; readonly sstables: readonly T[] };

/** What is to be compacted and why, but for the expired ones. */
type Choice<T> = Omit<Pick<T & Candidate>, 'output'>;

function nextTimeWindow<T extends Candidate>(
  sstables: readonly T[],
  context: StrategyContext,
  options: TimeWindowOptions,
  params: CompactionParams,
  startOf: (sstable: Candidate) => bigint,
): Decision<T> {
  const live = liveOf(sstables, context);
  const expired = new Set(expiredOf(sstables, live, context, options, params));
  const candidates = expired.size === 0 ? sstables : sstables.filter((sstable) => !expired.has(sstable));
  const windows = timeWindows(candidates, startOf);
  const newestMillis = newestWindow(windows);
  const { choice, pendingTasks } = chooseWindow(windows, newestMillis, options, params.thresholds);
  const hindered = new Map<T, string>();
  const chosen = choice ?? chooseTombstones(candidates, live, context, params, hindered);
  const pick = withExpired(chosen, [...expired]);
  return {
    picks: pick ? [pick] : [],
    // asked for at the end alone by who goes on and on
    get left() {
      return leftInWindows(windows, newestMillis, pick, options, params.thresholds, hindered);
    },
    pendingTasks,
  };
}

function expiredOf<T extends Candidate>(
  sstables: readonly T[],
  live: readonly Candidate[],
  { nowMillis, gcBeforeSeconds }: StrategyContext,
  { expiredCheckSeconds, ignoresOverlaps }: TimeWindowOptions,
  { onlyPurgeRepairedTombstones }: CompactionParams,
): T[] {
  // a node checks as often as that; the last time it did was never
  if (nowMillis <= expiredCheckSeconds * 1000) return [];
  if (sstables.every(({ maxLocalDeletionSeconds }) => maxLocalDeletionSeconds >= gcBeforeSeconds)) return [];
  const asked = new Set<Candidate>(sstables);
  const others = ignoresOverlaps ? [] : live.filter((sstable) => !asked.has(sstable));
  const overlaps = others.length > 0 ? overlappingSSTables(sstables, others, sstables[0]!.partitioner) : [];
  return fullyExpiredSSTables(sstables, overlaps, { gcBeforeSeconds, onlyPurgeRepairedTombstones, ignoresOverlaps });
}

const MAX_INT64 = 2n ** 63n - 1n;
const UNITS_OF_A_SECOND = { SECONDS: 1n, MILLISECONDS: 1000n, MICROSECONDS: 1_000_000n, NANOSECONDS: 1_000_000_000n };
const UNIT_SECONDS = { MINUTES: 60n, HOURS: 3600n, DAYS: 86_400n };

/** Windows that have SSTables, the newest first. */
function timeWindows<T>(sstables: readonly T[], startOf: (sstable: T) => bigint): TimeWindow<T>[] {
  const windows = new Map<bigint, T[]>();
  let last: { readonly start: bigint; readonly window: T[] } | undefined;
  for (const sstable of sstables) {
    const start = startOf(sstable);
    if (last?.start !== start) {
      last = { start, window: windows.get(start) ?? [] };
      windows.set(start, last.window);
    }
    last.window.push(sstable);
  }
  const sorted = [...windows].toSorted(([a], [b]) => (a < b ? 1 : -1));
  return sorted.map(([startMillis, inWindow]) => ({ startMillis, sstables: inWindow }));
}

/**
 * @param timestamp as written, in units of the option timestamp_resolution
 * @returns milliseconds since 1970; before it a window starts at its end, since what divides rounds to zero
 */
export function windowStartMillis(timestamp: bigint, options: TimeWindowOptions): bigint {
  const { timestampResolution, windowUnit, windowSize } = options;
  const perSecond = UNITS_OF_A_SECOND[timestampResolution];
  const seconds = saturated(perSecond === 1n ? timestamp * 1000n : timestamp / (perSecond / 1000n)) / 1000n;
  return saturated((seconds - (seconds % (UNIT_SECONDS[windowUnit] * BigInt(windowSize)))) * 1000n);
}

function saturated(value: bigint): bigint {
  if (value > MAX_INT64) return MAX_INT64;
  return value < -MAX_INT64 - 1n ? -MAX_INT64 - 1n : value;
}

/** Never before 1970. */
function newestWindow(windows: readonly TimeWindow<unknown>[]): bigint {
  const newest = windows[0]?.startMillis ?? 0n;
  return newest > 0n ? newest : 0n;
}

function chooseWindow<T extends Candidate>(
  windows: readonly TimeWindow<T>[],
  newestMillis: bigint,
  options: TimeWindowOptions,
  thresholds: Thresholds,
): { choice: Choice<T> | undefined; pendingTasks: number } {
  let choice: Choice<T> | undefined;
  let pendingTasks = 0;
  for (const window of windows) {
    const chosen =
      window.startMillis >= newestMillis
        ? chooseInNewest(window, options, thresholds)
        : chooseInOlder(window, options, thresholds);
    if (!chosen) continue;
    choice ??= chosen;
    const remaining = window.sstables.length - thresholds.max;
    pendingTasks += 1 + (remaining > thresholds.min ? Math.ceil(remaining / thresholds.max) : 0);
  }
  return { choice, pendingTasks };
}

function chooseInNewest<T extends Candidate>(
  window: TimeWindow<T>,
  options: TimeWindowOptions,
  thresholds: Thresholds,
): Choice<T> | undefined {
  if (window.sstables.length < thresholds.min) return undefined;
  const inputs = mostInterestingBucket(sizeTieredBuckets(window.sstables, options.sizeTiered), thresholds);
  if (inputs.length === 0) return undefined;
  const reason = `${windowText(window, options)}, the newest: ${sstablesText(inputs)}, of like size, min_threshold ${thresholds.min}`;
  return { kind: 'compaction', inputs, reason };
}

function chooseInOlder<T extends Candidate>(
  window: TimeWindow<T>,
  options: TimeWindowOptions,
  { max }: Thresholds,
): Choice<T> | undefined {
  const { sstables } = window;
  if (sstables.length < 2) return undefined;
  const inputs = smallest(sstables, max);
  const trimmed = inputs.length < sstables.length ? `, the ${max} smallest of ${sstables.length} (max_threshold)` : '';
  const reason = `${windowText(window, options)}, a past one: ${sstablesText(inputs)}${trimmed}`;
  return { kind: 'compaction', inputs, reason };
}

/** @param hindered gets the SSTables with many tombstones that stay nevertheless, and why */
function chooseTombstones<T extends Candidate>(
  candidates: readonly T[],
  live: readonly Candidate[],
  context: StrategyContext,
  params: CompactionParams,
  hindered: Map<T, string>,
): Choice<T> | undefined {
  if (!params.tombstones.isAsked) return undefined;
  const judge = tombstoneJudge(live, context, params);
  for (const sstable of bySize(candidates)) {
    const { isWorthIt, reason } = judge(sstable);
    if (isWorthIt) return { kind: 'tombstones', inputs: [sstable], reason: reason! };
    if (reason !== undefined) hindered.set(sstable, reason);
  }
  return undefined;
}

/** Expired SSTables go along with whatever is compacted. */
function withExpired<T extends Candidate>(choice: Choice<T> | undefined, expired: readonly T[]): Pick<T> | undefined {
  const output = { kind: 'one', level: 0 } as const;
  if (expired.length === 0) return choice && { ...choice, output };
  const gone = `${sstablesText(expired)} ${areText(expired)} fully expired`;
  if (!choice) return { kind: 'expired', inputs: expired, output, reason: gone };
  return { ...choice, inputs: [...choice.inputs, ...expired], output, reason: `${choice.reason}; and ${gone}` };
}

function leftInWindows<T extends Candidate>(
  windows: readonly TimeWindow<T>[],
  newestMillis: bigint,
  pick: Pick<T> | undefined,
  options: TimeWindowOptions,
  thresholds: Thresholds,
  hindered: ReadonlyMap<T, string>,
): LeftAlone<T>[] {
  const taken = new Set(pick?.inputs);
  const left = windows.flatMap((window) => {
    const rest = window.sstables.filter((sstable) => !taken.has(sstable) && !hindered.has(sstable));
    const name = windowText(window, options);
    const isNewest = window.startMillis >= newestMillis;
    if (!isNewest) return { sstables: rest, why: `${name}, a past one: ${whyLeftInOlder(window, taken, thresholds)}` };
    const reasons = whyLeftInNewest(window, rest, taken, options, thresholds);
    return reasons.map(({ sstables, why }) => ({ sstables, why: `${name}, the newest: ${why}` }));
  });
  for (const [sstable, why] of hindered) left.push({ sstables: [sstable], why });
  return left.filter(({ sstables }) => sstables.length > 0);
}

function whyLeftInOlder<T>({ sstables }: TimeWindow<T>, taken: ReadonlySet<T>, { max }: Thresholds): string {
  if (sstables.length === 1) return 'already a single SSTable';
  if (sstables.some((sstable) => taken.has(sstable))) return `beyond the ${max} SSTables of max_threshold`;
  return 'waits for a newer window';
}

function whyLeftInNewest<T extends Candidate>(
  { sstables }: TimeWindow<T>,
  rest: readonly T[],
  taken: ReadonlySet<T>,
  { sizeTiered }: TimeWindowOptions,
  { min, max }: Thresholds,
): LeftAlone<T>[] {
  const buckets = sizeTieredBuckets(sstables, sizeTiered);
  const picked = new Set(buckets.find((bucket) => bucket.length >= min && taken.has(bucket[0]!)));
  if (picked.size > 0) {
    const beyond = rest.filter((sstable) => picked.has(sstable));
    const unlike = rest.filter((sstable) => !picked.has(sstable));
    return [
      { sstables: beyond, why: `beyond the ${max} SSTables of max_threshold` },
      { sstables: unlike, why: 'not of like size with those that are taken' },
    ];
  }
  if (sstables.length < min) {
    return [{ sstables: rest, why: `${countOf(sstables.length)}, fewer than min_threshold ${min}` }];
  }
  return [{ sstables: rest, why: `no ${min} of its ${sstables.length} SSTables (min_threshold) are of like size` }];
}

/** "window 2026-11-20 (1 day)", "window 2026-11-20 06:00 (6 hours)"; times are of UTC. */
function windowText({ startMillis }: TimeWindow<unknown>, { windowUnit, windowSize }: TimeWindowOptions): string {
  const unit = windowUnit.toLowerCase().slice(0, -1);
  const size = windowSize === 1 ? `1 ${unit}` : `${windowSize} ${unit}s`;
  return `window ${startText(startMillis, windowUnit)} (${size})`;
}

const MAX_DATE_MILLIS = 8_640_000_000_000_000n;

function startText(startMillis: bigint, unit: TimeWindowOptions['windowUnit']): string {
  if (startMillis > MAX_DATE_MILLIS || startMillis < -MAX_DATE_MILLIS) return `at ${startMillis} ms`;
  const text = new Date(Number(startMillis)).toISOString().replace('T', ' ');
  return text.slice(0, text.indexOf(' ') + (unit === 'DAYS' ? 0 : 6));
}
