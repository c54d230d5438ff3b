/**
 * The flags that mean the same everywhere, each defined once. A command picks what it knows:
 *
 *   static override flags = { now: nowFlag, limit: limitFlag, format: formatFlag(['json', 'csv'], 'json') };
 *
 * Commands take oclif's builders (`Args`, `Flags`) from here, never from the package: see `oclif.ts`.
 */
import { UsageError } from '../bytes/errors.js';
import { Args, Flags } from './oclif.js';

export { Args, Flags };

/** Unix seconds. The only place in lsmctl that reads the wall clock. */
function wallClockSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** `--now`: unix seconds; decides every expiry, purge and "expired" flag. */
export const nowFlag = Flags.custom<number>({
  summary: 'the time to judge expiry by: unix seconds or ISO 8601 (default: the wall clock)',
  helpValue: 'TIME',
  parse: async (text) => parseTimeSeconds(text, '--now'),
  default: async () => wallClockSeconds(),
  noCacheDefault: true,
})();

/** `--gc-grace`: seconds, in place of the schema's gc_grace_seconds. */
export const gcGraceFlag = Flags.custom<number>({
  char: 'g',
  summary: "gc_grace_seconds to use instead of the schema's: seconds, or 90m, 36h, 10d",
  helpValue: 'SECONDS',
  parse: async (text) => parseDurationSeconds(text, '--gc-grace'),
})();

export const schemaFlag = Flags.string({
  summary: 'take the schema from this CQL file, not from the data directory',
  helpValue: 'FILE',
});

export const keyspaceFlag = Flags.string({ char: 'K', summary: 'only this keyspace', helpValue: 'NAME' });

export const tableFlag = Flags.string({ char: 'T', summary: 'only this table', helpValue: 'NAME' });

export const limitFlag = Flags.integer({ summary: 'stop after this many', helpValue: 'N', min: 1 });

/** `--jobs`: worker threads. */
export const jobsFlag = Flags.integer({
  summary: 'worker threads (default: one a processor, where that pays)',
  helpValue: 'N',
  min: 1,
  max: 256,
});

export const yesFlag = Flags.boolean({
  char: 'y',
  summary: 'go ahead without asking; needed where there is no terminal',
});

export const outputFlag = Flags.string({
  char: 'o',
  summary: 'write to this file, which appears only when all is written (- is stdout)',
  helpValue: 'FILE',
});

/** `--format`, one of `formats`. */
export function formatFlag<const T extends string>(formats: readonly T[], standard: NoInfer<T>) {
  return Flags.option({
    char: 'f',
    summary: 'how to print it',
    options: formats,
    default: standard as T,
  })();
}

/** PATH: whatever the operator has at hand. */
export const pathArg = Args.string({
  description: 'data directory, keyspace, table, snapshot or backup directory, or any file of an SSTable',
});

/** PATH of commands on commit logs. */
export const logPathArg = Args.string({
  description: 'commit log directory (commitlog, cdc_raw, an archive), the directory above it, or segment files',
});

export const dataFlag = Flags.string({
  summary: 'data directory of the node whose log it is (default: the one beside the log); may be given often',
  helpValue: 'DIR',
  multiple: true,
  multipleNonGreedy: true,
});

export const cassandraYamlFlag = Flags.string({
  summary: 'the cassandra.yaml whose transparent_data_encryption_options name the key of encrypted segments',
  helpValue: 'FILE',
});

/**
 * Unix seconds of `text`: digits (an optional minus), or ISO 8601; a date without a zone is UTC.
 * @throws UsageError naming `flag`
 */
export function parseTimeSeconds(text: string, flag: string, numbers: 'seconds' | 'microseconds' = 'seconds'): number {
  if (/^-?\d{1,15}$/.test(text)) return inRange(Number(text), text, flag);
  const zoned = isoWithZone(text);
  const millis = zoned === undefined ? Number.NaN : Date.parse(zoned);
  if (Number.isNaN(millis)) {
    throw new UsageError(`${flag} is not a time`, {
      seen: text,
      expected: `unix ${numbers} or ISO 8601, as ${numbers === 'seconds' ? '1717200000' : '1717200000000000'} or 2024-06-01T00:00:00Z`,
    });
  }
  return Math.floor(millis / 1000);
}

/** Milliseconds taken for seconds would make all that expires expired. */
function inRange(seconds: number, text: string, flag: string): number {
  if (Math.abs(seconds) <= LAST_SECOND) return seconds;
  throw new UsageError(`${flag} is beyond the year 9999`, { seen: text, expected: 'unix seconds, not milliseconds' });
}

/** 9999-12-31T23:59:59Z */
const LAST_SECOND = 253_402_300_799;

/** Microseconds as they are stored, or ISO 8601 to the microsecond. @throws UsageError naming `flag` */
export function parseMicros(text: string, flag: string): bigint {
  const seconds = () => BigInt(parseTimeSeconds(text, flag, 'microseconds'));
  const fraction = /[.,](\d{1,6})/.exec(text)?.[1] ?? '';
  const micros = /^-?\d+$/.test(text) ? BigInt(text) : seconds() * 1_000_000n + BigInt(fraction.padEnd(6, '0'));
  if (micros !== BigInt.asIntN(64, micros)) {
    throw new UsageError(`${flag} is beyond the range of timestamps`, {
      seen: text,
      expected: 'a signed 64-bit number',
    });
  }
  return micros;
}

const SECONDS_OF: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 };

/** Seconds of `864000`, `90m`, `36h`, `10d`, `2w`. @throws UsageError naming `flag` */
export function parseDurationSeconds(text: string, flag: string): number {
  const match = /^(\d{1,10})([smhdw]?)$/.exec(text);
  if (!match) {
    throw new UsageError(`${flag} is not a duration`, {
      seen: text,
      expected: 'seconds, or a number with s, m, h, d or w',
    });
  }
  return Number(match[1]) * (SECONDS_OF[match[2]!] ?? 1);
}

/** `text` in the form that Date.parse reads in one way only, or `undefined` where it is not ISO 8601. */
function isoWithZone(text: string): string | undefined {
  const match = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?)(Z|[+-]\d{2}:?\d{2})?)?$/i.exec(
    text,
  );
  if (!match) return undefined;
  const [, date, time = '00:00', zone = 'Z'] = match;
  const colon = /^[+-]\d{4}$/.test(zone) ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone.toUpperCase();
  return `${date}T${time.replace(',', '.')}${colon}`;
}
