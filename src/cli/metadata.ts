/** The loop of `lsmctl metadata`: every SSTable is tried, one that can't be read is told and passed over. */
import { LsmctlError, UsageError } from '../bytes/errors.js';
import type { Storage } from '../bytes/source.js';
import type { PathProblem } from '../engine/data-directory.js';
import type { ScanOverview } from '../engine/scan-overview.js';
import type { SSTableFiles } from '../engine/sstable-directory.js';
import { readSSTableMetadata, type SSTableMetadata } from '../engine/sstable-metadata.js';
import type { Descriptor } from '../sstable/descriptor.js';
import { EXIT, type ExitCode, errorObject, errorText, reportOf } from './exit.js';
import { Flags, parseDurationSeconds } from './flags.js';
import { notice } from './output.js';

export const METADATA_FORMATS = ['auto', 'page', 'table', 'sstablemetadata'] as const;

/** As `--gc-grace` elsewhere, but the schema is not asked: 0 where it is not given, as sstablemetadata does. */
export const metadataGcGraceFlag = Flags.custom<number>({
  char: 'g',
  summary: 'tombstones are droppable so long after their deletion: seconds, or 90m, 36h, 10d',
  helpValue: 'SECONDS',
  parse: async (text) => parseDurationSeconds(text, '--gc-grace'),
  default: 0,
})();

/** Pages of more SSTables than this are no summary any more. */
const MAX_PAGES = 4;

/** @throws UsageError where sstablemetadata's `-s` is asked of another format */
export function checkScan(scan: boolean, format: MetadataFormat | 'json'): void {
  if (!scan || format === 'sstablemetadata') return;
  throw new UsageError('--scan belongs to the sstablemetadata format', { expected: '--format sstablemetadata' });
}

export type MetadataFormat = Exclude<(typeof METADATA_FORMATS)[number], 'auto'>;

export function chooseFormat(format: (typeof METADATA_FORMATS)[number], count: number): MetadataFormat {
  if (format !== 'auto') return format;
  return count > MAX_PAGES ? 'table' : 'page';
}

/** What went wrong on the way, for `--json` and the exit code. */
export class Failures {
  readonly objects: object[] = [];
  exitCode: ExitCode = EXIT.clean;

  /** Tells of an SSTable that could not be read. @throws all but errors with facts */
  add(error: unknown): void {
    if (!(error instanceof LsmctlError)) throw error;
    const report = reportOf(error);
    if (report.stack !== undefined) throw error;
    notice(errorText(report).trimEnd());
    this.objects.push((errorObject(report) as { error: object }).error);
    this.fail(error.code === 'CORRUPT' ? EXIT.corrupt : EXIT.usage);
  }

  /** Tells of what the search for SSTables passed over; only a version that is not read is a failure. */
  addProblem({ kind, path, message, hint }: PathProblem): void {
    notice(`lsmctl: ${path}: ${message}${hint === undefined ? '' : `\nhint: ${hint}`}`);
    this.objects.push({ code: kind.toUpperCase(), file: path, message, hint });
    if (kind === 'unsupported' || kind === 'unreadable') this.fail(EXIT.usage);
  }

  private fail(code: ExitCode): void {
    if (code > this.exitCode) this.exitCode = code;
  }
}

/** The tool compares versions as text: BTI's `da` is too old for it. */
function isScanned({ version }: Descriptor): boolean {
  return version.name >= 'ma';
}

/** As {@link eachMetadata}, with a scan of the whole SSTable before, where sstablemetadata has one. */
export async function* eachScanned<T>(
  storage: Storage,
  sstables: readonly SSTableFiles[],
  failures: Failures,
  make: (metadata: SSTableMetadata, scan?: ScanOverview) => T,
): AsyncGenerator<T> {
  const passed = sstables.find(({ descriptor }) => !isScanned(descriptor));
  if (passed)
    notice(
      `lsmctl: sstablemetadata -s scans no SSTables of version ${passed.descriptor.version.name}: nor does --scan`,
    );
  const [{ openDescriptor }, { scanOverview }, { startProgress }] = await Promise.all([
    import('../sstable/sstable.js'),
    import('../engine/scan-overview.js'),
    import('./progress.js'),
  ]);
  const scan = async (descriptor: Descriptor): Promise<ScanOverview> => {
    const sstable = await openDescriptor(storage, descriptor);
    const progress = await startProgress('scanning', sstable.data.length);
    try {
      return scanOverview(sstable, progress.update);
    } finally {
      progress.stop();
      sstable.close();
    }
  };
  for (const { descriptor, components } of sstables) {
    let made: T;
    try {
      const metadata = readSSTableMetadata(storage, descriptor, components);
      made = make(metadata, isScanned(descriptor) ? await scan(descriptor) : undefined);
    } catch (error) {
      failures.add(error);
      continue;
    }
    yield made;
  }
}

/** What `make` makes of each SSTable's metadata, as far as it can be had. Data.db is not opened. */
export function* eachMetadata<T>(
  storage: Storage,
  sstables: readonly SSTableFiles[],
  failures: Failures,
  make: (metadata: SSTableMetadata) => T,
): Generator<T> {
  for (const { descriptor, components } of sstables) {
    let made: T;
    try {
      made = make(readSSTableMetadata(storage, descriptor, components));
    } catch (error) {
      failures.add(error);
      continue;
    }
    yield made;
  }
}
