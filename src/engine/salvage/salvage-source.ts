/**
 * Opens what there is of a damaged SSTable for a salvage. Data.db and the serialization header (Statistics.db) it can't do without, nor, where the data
 * is compressed, without CompressionInfo.db (see restore.ts for how these may be had again); everything else may be missing or damaged. No byte is taken for good that no checksum covers:
 *
 *   compressed     each chunk's own CRC-32
 *   uncompressed   the chunk's in CRC.db; where that is missing or damaged, Digest.crc32 over the whole
 */
import { crc32 } from '../../bytes/crc32.js';
import { CorruptError, LsmctlError, UsageError } from '../../bytes/errors.js';
import type { Storage } from '../../bytes/source.js';
import { readChecksumFile } from '../../sstable/checksum-file.js';
import { readCompressionParameters } from '../../sstable/compression-info.js';
import { DataCursor } from '../../sstable/data-cursor.js';
import { type DataFile, openDataFile } from '../../sstable/data-file.js';
import { COMPONENT, componentPath, type Descriptor } from '../../sstable/descriptor.js';
import { readDigest } from '../../sstable/digest.js';
import { readKeyRange } from '../../sstable/key-range.js';
import {
  compareDecorated,
  type DecoratedKey,
  decorate,
  type Partitioner,
  partitionerOf,
} from '../../sstable/partitioner.js';
import { readStatistics } from '../../sstable/statistics.js';
import { readToc } from '../../sstable/toc.js';
import { IndexHints } from './index-hints.js';
import type { SalvageSource } from './salvage.js';
import { type SalvagedStatistics, salvageStatistics } from './statistics-salvage.js';

export type OpenSalvageOptions = {
  /** Also take bytes that no checksum covers. */
  readonly acceptsUnchecked: boolean;
};

export type OpenedSalvage = {
  readonly source: SalvageSource;
  readonly statistics: SalvagedStatistics;
  /** What is wrong beside the data itself. */
  readonly notes: readonly string[];
  close(): void;
};

/** @throws CorruptError, UsageError, UnsupportedError where nothing can be salvaged, or only with `acceptsUnchecked` */
export async function openSalvage(
  storage: Storage,
  descriptor: Descriptor,
  options: OpenSalvageOptions,
): Promise<OpenedSalvage> {
  const statistics = salvageStatistics(storage, descriptor);
  const notes = [...statistics.notes];
  const { data, chunkLength } = await openData(storage, descriptor, options, notes);
  const keys = new DataCursor(data);
  const keyAt = (position: number) => {
    keys.seek(position);
    return keys.bytes(keys.u16());
  };
  const { header, validation } = statistics;
  const hintsFor = (partitioner: Partitioner) =>
    new IndexHints({
      storage,
      descriptor,
      partitioner,
      clusteringTypes: header.clusteringTypes,
      keyAt,
    });
  try {
    const partitioner = validation
      ? partitionerOf(validation.partitioner, header.keyType)
      : partitionerByOrder(hintsFor, componentPath(descriptor, COMPONENT.statistics), notes);
    const hints = hintsFor(partitioner);
    const close = () => {
      hints.close();
      data.close();
    };
    const lastKey = tolerate(() => readKeyRange(storage, descriptor, readStatistics(storage, descriptor))?.last, notes);
    return { source: { descriptor, header, partitioner, data, chunkLength, hints, lastKey }, statistics, notes, close };
  } catch (error) {
    data.close();
    throw error;
  }
}

const BLOCK_BYTES = 1 << 20;
/** Keys at random are in some order as often as this many have orders: once in 40,000 times. */
const MIN_ORDERED_KEYS = 8;
const MAX_ORDERED_KEYS = 1000;

type OpenedData = { readonly data: DataFile; readonly chunkLength: number };

async function openData(
  storage: Storage,
  descriptor: Descriptor,
  options: OpenSalvageOptions,
  notes: string[],
): Promise<OpenedData> {
  const compression = readCompressionParameters(storage, descriptor);
  if (compression) return { data: await openDataFile(storage, descriptor), chunkLength: compression.chunkLength };
  const crc = tolerate(() => readChecksumFile(storage, descriptor), notes);
  const unchecked = withoutChecksums(storage, descriptor);
  if (hasDigest(storage, descriptor, crc !== undefined, notes) || (!crc && options.acceptsUnchecked)) {
    const data = await openDataFile(unchecked, descriptor);
    return { data, chunkLength: data.length };
  }
  if (!crc) {
    throw new CorruptError('no checksum tells which bytes are good', {
      file: componentPath(descriptor, COMPONENT.data),
      component: COMPONENT.data,
      hint: 'put back CRC.db or Digest.crc32 of a snapshot or backup, or add --unchecked to keep whatever can be decoded',
    });
  }
  let isOpen = false;
  const onBadChunk = (error: CorruptError) => {
    if (isOpen) throw error;
    notes.push(`${COMPONENT.data}: ${error.message}`);
  };
  const data = await openDataFile(storage, descriptor, { onBadChunk });
  isOpen = true;
  return { data, chunkLength: crc.chunkSize };
}

/** Whether Data.db is, as a whole, what its digest says; and what makes it certain that it is not compressed. */
function hasDigest(storage: Storage, descriptor: Descriptor, hasCrc: boolean, notes: string[]): boolean {
  const isPlain = hasCrc || tolerate(() => readToc(storage, descriptor).includes(COMPONENT.crc), notes);
  const expected = tolerate(() => readDigest(storage, descriptor), notes);
  if (!isPlain || expected === undefined) return false;
  const source = storage.open(componentPath(descriptor, COMPONENT.data));
  try {
    const buffer = new Uint8Array(Math.min(source.size, BLOCK_BYTES));
    let crc = 0;
    for (let at = 0; at < source.size; ) {
      const n = source.read(at, buffer, 0, Math.min(buffer.length, source.size - at));
      if (n === 0) break;
      crc = crc32(buffer.subarray(0, n), crc);
      at += n;
    }
    return crc >>> 0 === expected;
  } finally {
    source.close();
  }
}

/** As though there were no CRC.db. */
function withoutChecksums(storage: Storage, descriptor: Descriptor): Storage {
  const file = componentPath(descriptor, COMPONENT.crc);
  return {
    open: (name) => storage.open(name),
    list: (directory) => storage.list(directory),
    stat: (name) => (name === file ? undefined : storage.stat(name)),
  };
}

/** Where Statistics.db does not tell it: the one by which the keys of the index, at least so many, are in order. @throws CorruptError */
function partitionerByOrder(
  hintsFor: (partitioner: Partitioner) => IndexHints,
  file: string,
  notes: string[],
): Partitioner {
  const candidates = ['Murmur3Partitioner', 'RandomPartitioner', 'ByteOrderedPartitioner'];
  const fitting = candidates
    .map((name) => partitionerOf(`org.apache.cassandra.dht.${name}`))
    .filter((partitioner) => {
      const hints = hintsFor(partitioner);
      try {
        return areInOrder(hints, partitioner);
      } finally {
        hints.close();
      }
    });
  const [only] = fitting;
  if (!only || fitting.length > 1) {
    throw new CorruptError('the partitioner is lost, and too few keys are left to tell it by their order', {
      file,
      component: COMPONENT.statistics,
      hint: 'put back Statistics.db of a snapshot or backup of this very SSTable, and salvage again',
    });
  }
  notes.push(`${COMPONENT.statistics}: the partitioner is lost; by the order of the keys it is ${only.name}`);
  return only;
}

function areInOrder(hints: IndexHints, partitioner: Partitioner): boolean {
  let before: DecoratedKey | undefined;
  let count = 0;
  for (let hint = hints.from(0); hint && count < MAX_ORDERED_KEYS; hint = hints.from(hint.dataPosition + 1)) {
    if (!hint.key) continue;
    const key = decorate(partitioner, hint.key);
    if (before && compareDecorated(partitioner, before, key) >= 0) return false;
    before = key;
    count++;
  }
  return count >= MIN_ORDERED_KEYS;
}

function tolerate<T>(read: () => T, notes: string[]): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    if (!(error instanceof UsageError)) notes.push(`${error.facts.component ?? error.facts.file}: ${error.message}`);
    return undefined;
  }
}
