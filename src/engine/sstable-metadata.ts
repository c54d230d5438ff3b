/** All that is known of an SSTable without opening Data.db or its index: Statistics.db, the head of CompressionInfo.db, sizes of the files. */
import { LsmctlError, withFacts } from '../bytes/errors.js';
import type { Storage } from '../bytes/source.js';
import { type CompressionParameters, readCompressionParameters } from '../sstable/compression-info.js';
import { COMPONENT, componentPath, type Descriptor } from '../sstable/descriptor.js';
import { type KeyRange, readKeyRange } from '../sstable/key-range.js';
import { readStatistics, type Statistics } from '../sstable/statistics.js';

export type ComponentSize = { readonly component: string; readonly bytes: number };

export type SSTableMetadata = {
  readonly descriptor: Descriptor;
  readonly statistics: Statistics;
  /** `undefined`: not compressed. */
  readonly compression?: CompressionParameters;
  /** Absent where it could not be had, {@link SSTableMetadata.unmeasured} says why. */
  readonly keyRange?: KeyRange;
  /** Of `components`, in their order. */
  readonly sizes: readonly ComponentSize[];
  /** What could not be had beside Statistics.db, and why. */
  readonly unmeasured: readonly { readonly what: 'compression' | 'keyRange'; readonly cause: string }[];
};

/**
 * Damage to Statistics.db is an error; damage to CompressionInfo.db or Summary.db leaves what they would tell unmeasured.
 * @param components names of the SSTable's files, to tell their sizes
 * @throws UsageError, CorruptError, UnsupportedError
 */
export function readSSTableMetadata(
  storage: Storage,
  descriptor: Descriptor,
  components: readonly string[] = [],
): SSTableMetadata {
  const statistics = readStatistics(storage, descriptor);
  const unmeasured: { what: 'compression' | 'keyRange'; cause: string }[] = [];
  const attempt = <T>(what: 'compression' | 'keyRange', read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof LsmctlError)) throw error;
      unmeasured.push({ what, cause: `${error.facts.component ?? ''} ${error.message}`.trim() });
      return undefined;
    }
  };
  try {
    const compression = attempt('compression', () => readCompressionParameters(storage, descriptor));
    statistics.parts(); // a part that can't be read is told now, before anything is printed
    const keyRange = attempt('keyRange', () => readKeyRange(storage, descriptor, statistics));
    if (!keyRange && unmeasured.every(({ what }) => what !== 'keyRange')) {
      unmeasured.push({ what: 'keyRange', cause: `no ${COMPONENT.summary}` });
    }
    return {
      descriptor,
      statistics,
      ...(compression && { compression }),
      ...(keyRange && { keyRange }),
      sizes: sizesOf(storage, descriptor, components),
      unmeasured,
    };
  } catch (error) {
    throw withFacts(error, { file: statistics.file });
  }
}

/** Bytes on disk, of the components that were looked at. */
export function totalBytes(metadata: SSTableMetadata): number {
  return metadata.sizes.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Plain bytes of Data.db; `undefined` where they are not known. */
export function uncompressedBytes({ compression, sizes, unmeasured }: SSTableMetadata): number | undefined {
  if (compression) return compression.dataLength;
  if (unmeasured.some(({ what }) => what === 'compression')) return undefined;
  return sizes.find(({ component }) => component === COMPONENT.data)?.bytes;
}

function sizesOf(storage: Storage, descriptor: Descriptor, components: readonly string[]): ComponentSize[] {
  return components.flatMap((component) => {
    const stat = storage.stat(componentPath(descriptor, component));
    return stat ? [{ component, bytes: stat.size }] : [];
  });
}
