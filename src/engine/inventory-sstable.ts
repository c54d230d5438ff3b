/** What is told of one SSTable without opening Data.db: names and sizes of its files, TOC.txt, Statistics.db, the head of CompressionInfo.db. */
import path from 'node:path';
import { CorruptError, LsmctlError } from '../bytes/errors.js';
import type { Storage } from '../bytes/source.js';
import { readCompressionParameters, readLastChunkOffset } from '../sstable/compression-info.js';
import { COMPONENT, componentPath, type Descriptor, parseTableDirectory, splitName } from '../sstable/descriptor.js';
import { histogramCount } from '../sstable/metadata/estimated-histogram.js';
import type { HyperLogLog } from '../sstable/metadata/hyper-log-log.js';
import { idTimestampMillis } from '../sstable/sstable-id.js';
import { readStatistics } from '../sstable/statistics.js';
import { compareToc, readToc, requiredComponents } from '../sstable/toc.js';
import type { Finding } from './inventory-finding.js';
import type { SSTableFiles, UnsupportedSSTable } from './sstable-directory.js';

/** A value that could not be had, and why. */
export type Unmeasured = { readonly unmeasured: string };

export type RepairState =
  | { readonly kind: 'unrepaired' }
  | { readonly kind: 'repaired'; readonly atMillis: number }
  | { readonly kind: 'pending'; readonly session: string };

export type SSTableStatistics = {
  readonly level: number;
  readonly repair: RepairState;
  readonly isTransient: boolean;
  /** The sum of the histogram of partition sizes: an estimate, as Cassandra takes it. */
  readonly partitionsEstimate: number;
  readonly rows: number;
  readonly cells: number;
  /** The sum of the histogram of drop times: deleted and expiring cells, rows, ranges and partitions. An estimate: the histogram is lossy. */
  readonly tombstonesEstimate: number;
  /** Absent where nothing has a timestamp. */
  readonly minTimestampMicros?: bigint;
  readonly maxTimestampMicros?: bigint;
};

export type InventorySSTable = {
  /** `<version>-<id>-<format>`. */
  readonly name: string;
  readonly directory: string;
  readonly version: string;
  readonly format: string;
  readonly id: string;
  /** When a UUID-based id was made. */
  readonly createdMillis?: number;
  /** The secondary index whose hidden table it is of. */
  readonly index?: string;
  /** All components together. */
  readonly diskBytes: number;
  /** Of Data.db before compression. */
  readonly uncompressedBytes: number | Unmeasured;
  /** Class name without package; absent where it is not compressed. */
  readonly compressor?: string;
  readonly statistics: SSTableStatistics | Unmeasured;
};

export type ExaminedSSTable = {
  readonly entry: InventorySSTable;
  /** Absent where it could not be read. */
  readonly keys: HyperLogLog | undefined;
  readonly findings: readonly Finding[];
};

export function isMeasured<T>(value: T | Unmeasured): value is T {
  return !(typeof value === 'object' && value !== null && 'unmeasured' in value);
}

export function examineSSTable(storage: Storage, files: SSTableFiles): ExaminedSSTable {
  const { descriptor, components, place } = files;
  const sizes = new Map<string, number>();
  for (const component of components) {
    const stat = storage.stat(componentPath(descriptor, component));
    if (stat) sizes.set(component, stat.size);
  }
  const createdMillis = idTimestampMillis(descriptor.id);
  const read = readParts(storage, descriptor, sizes);
  const entry: InventorySSTable = {
    name: descriptor.prefix,
    directory: descriptor.directory,
    version: descriptor.version.name,
    format: descriptor.format,
    id: descriptor.id,
    ...(createdMillis !== undefined && { createdMillis }),
    ...(place.index !== undefined && { index: place.index }),
    diskBytes: [...sizes.values()].reduce((sum, size) => sum + size, 0),
    uncompressedBytes: read.uncompressedBytes,
    ...(read.compressor !== undefined && { compressor: read.compressor }),
    statistics: read.statistics,
  };
  return { entry, keys: read.keys, findings: [...read.findings, ...componentFindings(storage, descriptor, sizes)] };
}

/** An SSTable of a version that is not read: the names and sizes of its files tell what they can. */
export function examineUnsupported(storage: Storage, sstable: UnsupportedSSTable): InventorySSTable {
  const { directory, prefix, files, error } = sstable;
  const sizes = files.map((name) => storage.stat(path.join(directory, name))?.size ?? 0);
  const index = parseTableDirectory(directory).index;
  const unmeasured = { unmeasured: error.message };
  return {
    name: prefix,
    directory,
    ...partsOfPrefix(prefix),
    ...(index !== undefined && { index }),
    diskBytes: sizes.reduce((sum, size) => sum + size, 0),
    uncompressedBytes: unmeasured,
    statistics: unmeasured,
  };
}

/** `<version>-<id>-<format>`, before 2.2 `<keyspace>-<table>-<version>-<id>`. */
function partsOfPrefix(prefix: string): Pick<InventorySSTable, 'version' | 'format' | 'id'> {
  const { version, format, id } = splitName(`${prefix}-${COMPONENT.data}`) ?? {};
  if (version !== undefined) return { version, format: format!, id: id! };
  const words = prefix.replace(/-big$/, '').split('-');
  return { version: words.at(-2) ?? prefix, format: 'big', id: words.at(-1)! };
}

type ReadParts = Pick<InventorySSTable, 'uncompressedBytes' | 'compressor' | 'statistics'> & {
  readonly keys: HyperLogLog | undefined;
  readonly findings: readonly Finding[];
};

function readParts(storage: Storage, descriptor: Descriptor, sizes: ReadonlyMap<string, number>): ReadParts {
  const findings: Finding[] = [];
  const attempt = <T>(component: string, read: () => T): T | Unmeasured => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof LsmctlError)) throw error;
      if (sizes.get(component)) findings.push(damage(descriptor, component, error));
      return { unmeasured: sizes.has(component) ? `${component}: ${error.message}` : `no ${component}` };
    }
  };
  const compression = attempt(COMPONENT.compressionInfo, () =>
    sizes.has(COMPONENT.compressionInfo) ? readCompressionParameters(storage, descriptor) : undefined,
  );
  const file = attempt(COMPONENT.statistics, () => readStatistics(storage, descriptor));
  const statistics = isMeasured(file) ? attempt(COMPONENT.statistics, () => statisticsOf(file.stats)) : file;
  const sketch = isMeasured(statistics) && isMeasured(file) && attempt(COMPONENT.statistics, () => file.compaction);
  const keys = sketch && isMeasured(sketch) ? sketch.cardinalityEstimator : undefined;
  const plain = sizes.get(COMPONENT.data);
  if (plain && isMeasured(compression) && compression) {
    const last = attempt(COMPONENT.compressionInfo, () => readLastChunkOffset(storage, descriptor));
    if (isMeasured(last) && last > plain) findings.push(cutShort(descriptor, plain, last));
  }
  if (!isMeasured(compression)) return { uncompressedBytes: compression, statistics, keys, findings };
  return {
    uncompressedBytes: compression?.dataLength ?? plain ?? { unmeasured: `no ${COMPONENT.data}` },
    ...(compression && { compressor: compression.compressor.replace(/^.*\./, '') }),
    statistics,
    keys,
    findings,
  };
}

const DAMAGE_HINT = 'take the SSTable from a replica or a snapshot, or scrub the table';

/** What an error in a component means: only one of its bytes speaks of damage. */
function damage(descriptor: Descriptor, component: string, error: LsmctlError): Finding {
  const file = componentPath(descriptor, component);
  if (!(error instanceof CorruptError)) {
    const { hint } = error.facts;
    return { kind: 'unreadable', path: file, message: error.message, ...(hint !== undefined && { hint }) };
  }
  return {
    kind: 'damaged',
    path: file,
    message: error.message,
    ...(error.facts.offset !== undefined && { offset: error.facts.offset }),
    hint: DAMAGE_HINT,
  };
}

function cutShort(descriptor: Descriptor, size: number, lastChunk: number): Finding {
  return {
    kind: 'damaged',
    path: componentPath(descriptor, COMPONENT.data),
    message: `ends before its last chunk, which begins at ${lastChunk}`,
    offset: size,
    hint: DAMAGE_HINT,
  };
}

type Stats = ReturnType<typeof readStatistics>['stats'];

/** What a collector of timestamps starts from: nothing had one. */
const NO_MIN_TIMESTAMP = (1n << 63n) - 1n;
const NO_MAX_TIMESTAMP = -(1n << 63n);

function statisticsOf(stats: Stats): SSTableStatistics {
  const { minTimestampMicros, maxTimestampMicros } = stats;
  const hasSpan =
    minTimestampMicros <= maxTimestampMicros &&
    minTimestampMicros !== NO_MIN_TIMESTAMP &&
    maxTimestampMicros !== NO_MAX_TIMESTAMP;
  return {
    level: stats.sstableLevel,
    repair:
      stats.pendingRepair !== undefined
        ? { kind: 'pending', session: stats.pendingRepair }
        : stats.repairedAtMillis > 0
          ? { kind: 'repaired', atMillis: stats.repairedAtMillis }
          : { kind: 'unrepaired' },
    isTransient: stats.isTransient,
    partitionsEstimate: histogramCount(stats.estimatedPartitionSize),
    rows: stats.totalRows,
    cells: stats.totalColumnsSet,
    tombstonesEstimate: stats.estimatedTombstoneDropTime.bins.reduce((sum, bin) => sum + bin.count, 0),
    ...(hasSpan && { minTimestampMicros, maxTimestampMicros }),
  };
}

/** Rows.db has nothing in it where no partition is wide; SAI's markers of completion tell by being there. */
function mayBeEmpty(component: string): boolean {
  return component === COMPONENT.rows || /^SAI\+.*Complete\.db$/.test(component);
}

function componentFindings(storage: Storage, descriptor: Descriptor, sizes: ReadonlyMap<string, number>): Finding[] {
  const findings: Finding[] = [];
  const add = (kind: Finding['kind'], component: string, message: string, hint?: string) => {
    const file = componentPath(descriptor, component);
    findings.push({ kind, path: file, message, ...(hint !== undefined && { hint }) });
  };
  const required = requiredComponents(descriptor).filter((component) => !sizes.has(component));
  for (const component of required)
    add('missing-component', component, 'is missing, and no node opens an SSTable without it');
  for (const [component, size] of sizes) {
    if (size > 0 || mayBeEmpty(component)) continue;
    const isData = component === COMPONENT.data;
    add('empty-component', component, 'is empty', isData ? 'a start of the node removes the whole SSTable' : undefined);
  }
  if (!sizes.has(COMPONENT.toc)) {
    add('no-toc', COMPONENT.toc, 'is missing; a node makes it anew when it opens the SSTable');
    return findings;
  }
  try {
    const { missing, unnamed } = compareToc(readToc(storage, descriptor), [...sizes.keys()]);
    for (const component of missing.filter((name) => !required.includes(name))) {
      add('missing-component', component, 'is named by TOC.txt and missing');
    }
    for (const component of unnamed) add('unnamed-component', component, 'is there, but TOC.txt does not name it');
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    findings.push({
      kind: 'unreadable',
      path: error.facts.file ?? componentPath(descriptor, COMPONENT.toc),
      message: error.message,
    });
  }
  return findings;
}
