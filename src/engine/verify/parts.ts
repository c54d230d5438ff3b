/**
 * What an SSTable's small components say, each read for itself: one that is damaged or missing leaves the others readable. Larger ones (Data.db,
 * Index.db, the tries) are not opened here.
 */
import { LsmctlError } from '../../bytes/errors.js';
import { readWhole, type Storage } from '../../bytes/source.js';
import { type ChecksumFile, readChecksumFile } from '../../sstable/checksum-file.js';
import { type CompressionInfo, chunkOffset, readCompressionInfo } from '../../sstable/compression-info.js';
import { CHECKSUM_CHUNK_BYTES } from '../../sstable/data-writer.js';
import { COMPONENT, componentPath, type Descriptor } from '../../sstable/descriptor.js';
import { readDigest } from '../../sstable/digest.js';
import { type BloomFilter, readFilter } from '../../sstable/filter.js';
import type { StatsMetadata } from '../../sstable/metadata/stats.js';
import { type Partitioner, partitionerOf } from '../../sstable/partitioner.js';
import type { SerializationHeader } from '../../sstable/serialization-header.js';
import { METADATA_TYPES, readStatistics, type Statistics } from '../../sstable/statistics.js';
import { type IndexSummary, readSummary } from '../../sstable/summary.js';
import { compareToc, decodeToc, requiredComponents } from '../../sstable/toc.js';
import type { FindingLog } from './finding.js';
import type { RuleId } from './rules.js';

export type Parts = {
  readonly descriptor: Descriptor;
  /** Names of the files that are there, with their bytes. */
  readonly sizes: ReadonlyMap<string, number>;
  readonly statistics?: Statistics;
  readonly header?: SerializationHeader;
  readonly stats?: StatsMetadata;
  readonly partitioner?: Partitioner;
  readonly compression?: CompressionInfo;
  /** CompressionInfo.db is there, or should be. */
  readonly isCompressed: boolean;
  readonly checksums?: ChecksumFile;
  readonly digest?: number;
  readonly filter?: BloomFilter;
  readonly summary?: IndexSummary;
};

/** Reads them all, and logs what can't be read. */
export function readParts(
  storage: Storage,
  descriptor: Descriptor,
  components: readonly string[],
  log: FindingLog,
): Parts {
  const sizes = new Map<string, number>();
  for (const component of components) {
    const stat = storage.stat(componentPath(descriptor, component));
    if (stat) sizes.set(component, stat.size);
  }
  const named = checkToc(storage, descriptor, sizes, log);
  const attempt = <T>(rule: RuleId, component: string, read: () => T): T | undefined => {
    if (sizes.get(component) === undefined || isLostEmpty(component, sizes)) return undefined;
    return attempted(log, rule, component, read);
  };
  const statistics = attempt('statistics', COMPONENT.statistics, () => readStatistics(storage, descriptor));
  const { header, stats, partitioner } = statistics ? partsOf(statistics, log) : {};
  const compression = attempt('compression-info', COMPONENT.compressionInfo, () =>
    readCompressionInfo(storage, descriptor),
  );
  const checksums = attempt('crc-file', COMPONENT.crc, () => readChecksumFile(storage, descriptor));
  const digest = attempt('digest', COMPONENT.digest, () => readDigest(storage, descriptor));
  const filter = attempt('filter', COMPONENT.filter, () => readFilter(storage, descriptor));
  const summary = attempt('summary', COMPONENT.summary, () => readSummary(storage, descriptor));
  return {
    descriptor,
    sizes,
    isCompressed: sizes.has(COMPONENT.compressionInfo) || named.includes(COMPONENT.compressionInfo),
    ...(statistics && { statistics }),
    ...(header && { header }),
    ...(stats && { stats }),
    ...(partitioner && { partitioner }),
    ...(compression && { compression }),
    ...(checksums && { checksums }),
    ...(digest !== undefined && { digest }),
    ...(filter && { filter }),
    ...(summary && { summary }),
  };
}

function attempted<T>(log: FindingLog, rule: RuleId, component: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    log.addError(error.code === 'UNSUPPORTED' ? 'not-verified' : rule, error, { component });
    return undefined;
  }
}

/** Each part of Statistics.db for itself. */
function partsOf(statistics: Statistics, log: FindingLog): Pick<Parts, 'header' | 'stats' | 'partitioner'> {
  const part = <T>(read: () => T) => attempted(log, 'statistics', COMPONENT.statistics, read);
  const header = part(() => statistics.header);
  const stats = part(() => statistics.stats);
  const validation = part(() => statistics.validation);
  if (statistics.has('compaction')) part(() => statistics.compaction);
  for (const type of METADATA_TYPES) {
    if (statistics.has(type) || type !== 'compaction') continue;
    log.add('statistics', `has no ${type} metadata`, { component: COMPONENT.statistics });
  }
  const partitioner = validation && knownPartitioner(validation.partitioner, header, log);
  return { ...(header && { header }), ...(stats && { stats }), ...(partitioner && { partitioner }) };
}

function knownPartitioner(
  className: string,
  header: SerializationHeader | undefined,
  log: FindingLog,
): Partitioner | undefined {
  const partitioner = partitionerOf(className, header?.keyType);
  try {
    partitioner.tokenOf(new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0]));
    return partitioner;
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    log.addError('not-verified', error, { component: COMPONENT.statistics });
    return undefined;
  }
}

/** TOC.txt against the files that are there; returns the names in it. */
function checkToc(
  storage: Storage,
  descriptor: Descriptor,
  sizes: ReadonlyMap<string, number>,
  log: FindingLog,
): readonly string[] {
  const required = requiredComponents(descriptor).filter((component) => !sizes.has(component));
  for (const component of required) {
    log.add('component-missing', 'is missing, and no node opens an SSTable without it', { component });
  }
  for (const component of sizes.keys()) {
    if (isLostEmpty(component, sizes)) log.add('component-empty', 'is empty', { component, seen: '0 bytes' });
  }
  if (!sizes.has(COMPONENT.toc)) {
    log.add('toc-missing', 'is missing; a node makes it anew when it opens the SSTable', { component: COMPONENT.toc });
    return [];
  }
  const named = attempted(log, 'toc', COMPONENT.toc, () =>
    decodeToc(readWhole(storage, componentPath(descriptor, COMPONENT.toc), 1 << 20)),
  );
  if (!named) return [];
  const { missing, unnamed } = compareToc(named, [...sizes.keys()]);
  for (const component of missing.filter((name) => !required.includes(name))) {
    if (isComponentName(component)) {
      log.add('component-missing', 'is named by TOC.txt and missing', {
        component,
        severity: severityOfMissing(component),
      });
    } else {
      const seen = JSON.stringify(component.slice(0, 80));
      log.add('toc', 'has a name that no component can have', { component: COMPONENT.toc, seen });
    }
  }
  for (const component of unnamed)
    log.add('component-unnamed', 'is there, but TOC.txt does not name it', { component });
  return named;
}

const COMPONENT_NAME = /^[A-Za-z0-9+_]+\.(?:db|crc32|adler32|sha1|txt)$/;
const KNOWN = new Set<string>(Object.values(COMPONENT));

function isComponentName(name: string): boolean {
  return KNOWN.has(name) || (COMPONENT_NAME.test(name) && /^SAI\+|^SI_|^Scylla/.test(name));
}

/** What is made anew, or done without. Nodes that were killed before they saved it anew leave no Summary.db, and TOC.txt names it all the same. */
function severityOfMissing(component: string): 'error' | 'warning' | 'note' {
  if (component === COMPONENT.summary) return 'note';
  return component === COMPONENT.filter || component === COMPONENT.digest ? 'warning' : 'error';
}

/** Empty, and none of those that may be. Rows.db is where no partition has blocks; a filter and markers of indexes may be. */
function isLostEmpty(component: string, sizes: ReadonlyMap<string, number>): boolean {
  if (sizes.get(component) !== 0) return false;
  return KNOWN.has(component) && component !== COMPONENT.rows;
}

/** Whether the sizes of Data.db and of what stands beside it agree. Nothing of Data.db is read. */
export function checkSizes({ descriptor, sizes, compression, checksums, isCompressed }: Parts, log: FindingLog): void {
  const stored = sizes.get(COMPONENT.data);
  if (stored === undefined || stored === 0) return;
  if (isCompressed && !sizes.has(COMPONENT.compressionInfo) && !log.has('component-missing')) {
    log.add('component-missing', 'is missing, though TOC.txt names it', { component: COMPONENT.compressionInfo });
  }
  if (compression) checkChunkTable(compression, stored, log);
  if (!checksums || isCompressed) return;
  const { chunkSize } = checksums;
  if (chunkSize & (chunkSize - 1)) {
    // Cassandra writes 65,536, Scylla 4,096 too
    const place = { component: COMPONENT.crc, offset: 0, seen: chunkSize, expected: CHECKSUM_CHUNK_BYTES };
    log.add('crc-file', 'has a chunk size that is never written', place);
  }
  const chunks = Math.ceil(stored / checksums.chunkSize);
  const count = checksums.checksums.length / 4;
  // Scylla adds the checksum of a chunk of nothing
  if (count === chunks || count === chunks + 1) return;
  log.add('data-length', 'Data.db and CRC.db are not of the same length', {
    file: componentPath(descriptor, COMPONENT.data),
    component: COMPONENT.data,
    seen: `${stored} bytes, ${chunks} chunks`,
    expected: `${count} chunks of ${checksums.chunkSize} bytes`,
  });
}

const NO_LIMIT = 0x7fffffff;

const CHUNK_LENGTH_KEYS: Readonly<Record<string, number>> = { chunk_length_in_kb: 1024, chunk_length_kb: 1024 };

/** CompressionInfo.db in itself, and its last chunk against the end of Data.db. */
function checkChunkTable(info: CompressionInfo, stored: number, log: FindingLog): void {
  const component = COMPONENT.compressionInfo;
  let before = -1;
  let isAscending = true;
  const isRead = attempted(log, 'compression-info', component, () => {
    for (let chunk = 0; chunk < info.chunkCount; chunk++) {
      const offset = chunkOffset(info, chunk);
      if (offset <= before || (chunk === 0 && offset !== 0)) {
        const expected = chunk === 0 ? '0' : `above ${before}`;
        log.add('compression-info', 'chunk offsets do not ascend', { component, chunk, seen: offset, expected });
        isAscending = false;
      }
      before = offset;
    }
    return true;
  });
  if (!isRead) return;
  if (isAscending && before + 4 > stored) {
    log.add('data-length', 'Data.db ends before its last chunk', {
      component: COMPONENT.data,
      chunk: info.chunkCount - 1,
      seen: `${stored} bytes`,
      expected: `more than ${before + 4} bytes`,
    });
  }
  checkOptions(info, log);
}

function checkOptions({ options, chunkLength, maxCompressedLength }: CompressionInfo, log: FindingLog): void {
  // a chunk that does not shrink is the longest that is stored plain
  if (maxCompressedLength < 0 || (maxCompressedLength > chunkLength && maxCompressedLength !== NO_LIMIT)) {
    log.add('compression-info', 'impossible limit of compressed lengths', {
      component: COMPONENT.compressionInfo,
      seen: maxCompressedLength,
      expected: `at most ${chunkLength}, or none`,
    });
  }
  for (const [key, value] of options) {
    const unit = CHUNK_LENGTH_KEYS[key];
    if (unit === undefined || Number(value) * unit === chunkLength) continue;
    const place = { component: COMPONENT.compressionInfo, seen: `${key} ${value}`, expected: `${chunkLength} bytes` };
    log.add('compression-info', 'option contradicts the chunk length', place);
  }
}
