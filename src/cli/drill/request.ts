/** What a drill is asked for, by its flags. */
import { UsageError } from '../../bytes/errors.js';
import { type CrashRequest, parseDrop, parseFlip, parseTear } from '../../engine/drill/crash.js';
import type { Limit } from '../../engine/drill/report.js';

export type DrillFlags = {
  readonly 'lose-last'?: string | undefined;
  readonly 'tear-at'?: readonly string[] | undefined;
  readonly 'drop-segment'?: readonly string[] | undefined;
  readonly flip?: readonly string[] | undefined;
  readonly seed?: number | undefined;
  readonly keyspace?: string | undefined;
  readonly table?: string | undefined;
  readonly snapshot?: string | undefined;
  readonly backup?: string | undefined;
  readonly commitlog?: readonly string[] | undefined;
  readonly 'skip-corrupt': boolean;
  readonly 'sync-period': string;
  readonly 'max-loss'?: readonly string[] | undefined;
  readonly 'max-time'?: string | undefined;
  readonly work?: string | undefined;
  readonly keep: boolean;
  readonly schema?: string | undefined;
  readonly 'cassandra-yaml'?: string | undefined;
  readonly now: number;
  readonly jobs?: number | undefined;
};

/** In the order in which they take effect. @throws UsageError */
export function crashRequests(flags: DrillFlags): CrashRequest[] {
  const seconds = flags['lose-last'];
  return [
    ...(seconds === undefined ? [] : [{ kind: 'lose-last', seconds: parseSeconds(seconds, '--lose-last') } as const]),
    ...(flags['tear-at'] ?? []).map(parseTear),
    ...(flags.flip ?? []).map(parseFlip),
    ...(flags['drop-segment'] ?? []).map(parseDrop),
  ];
}

/** `10s` are seconds, `100` are writes. @throws UsageError */
export function limitsOf(flags: DrillFlags): Limit[] {
  const loss = (flags['max-loss'] ?? []).map((text): Limit => {
    if (/^\d{1,15}$/.test(text)) return { kind: 'max-loss-writes', limit: Number(text) };
    return { kind: 'max-loss-seconds', limit: parseSeconds(text, '--max-loss', 'writes (100) or time (10s, 5m)') };
  });
  const time = flags['max-time'];
  return [...loss, ...(time === undefined ? [] : [{ kind: 'max-time', limit: parseSeconds(time, '--max-time') } as const])]; // biome-ignore format: one line
}

const SECONDS_OF: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86400 };

/** Seconds of `10`, `10s`, `1.5s`, `500ms`, `5m`, `2h`, `1d`. @throws UsageError naming `flag` */
export function parseSeconds(text: string, flag: string, expected = 'a duration: 10s, 500ms, 5m, 2h'): number {
  const match = /^(\d{1,10}(?:\.\d{1,6})?)(ms|[smhd])?$/.exec(text);
  if (!match) throw new UsageError(`${flag} is not understood`, { seen: text, expected });
  return Number(match[1]) * SECONDS_OF[match[2] ?? 's']!;
}
