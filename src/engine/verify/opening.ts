/** Data.db and the index of an SSTable, opened to be verified; what can't be opened is a finding. */
import { LsmctlError } from '../../bytes/errors.js';
import type { Storage } from '../../bytes/source.js';
import { loadCodec } from '../../codec/load.js';
import { COMPONENT, componentPath } from '../../sstable/descriptor.js';
import { CASSANDRA_P } from '../../sstable/metadata/hyper-log-log.js';
import { checkedCompressed } from './checked-compressed.js';
import type { CheckedData } from './checked-data.js';
import { checkedPlain } from './checked-plain.js';
import type { FindingLog } from './finding.js';
import { BigIndexCursor, BtiIndexCursor, type IndexCursor } from './index-cursor.js';
import type { Parts } from './parts.js';

export async function openData(
  storage: Storage,
  parts: Parts,
  isEager: boolean,
  log: FindingLog,
): Promise<CheckedData | undefined> {
  const { descriptor, compression, isCompressed, checksums, sizes } = parts;
  if (!sizes.get(COMPONENT.data) || (isCompressed && !compression)) return undefined;
  try {
    const codec = compression && (await loadCodec(compression.compressor, compression.file));
    const source = storage.open(componentPath(descriptor, COMPONENT.data));
    return compression && codec
      ? checkedCompressed(source, compression, codec, isEager)
      : checkedPlain(source, checksums);
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    log.addError('not-verified', error);
    return undefined;
  }
}

export function openIndex(storage: Storage, parts: Parts, log: FindingLog): IndexCursor | undefined {
  const { descriptor, partitioner, sizes } = parts;
  const component = descriptor.format === 'big' ? COMPONENT.index : COMPONENT.partitions;
  if (!sizes.get(component)) return undefined;
  try {
    if (descriptor.format === 'big') return new BigIndexCursor(storage, descriptor);
    return new BtiIndexCursor(storage, descriptor, partitioner);
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    if (!log.has('index')) log.addError('index', error, { component });
    return undefined;
  }
}

/** Keys of indexes on collections are of a type that the header of 4.x does not tell: neither is their order. */
export function hasKnownOrder({ header, partitioner }: Parts): boolean {
  return !(partitioner?.name === 'LocalPartitioner' && header?.keyType.kind === 'map' && header.keyType.multiCell);
}

/** Scylla's files have a sketch of another precision; what their statistics count follows rules of its own. */
export function isForeignWriter({ statistics, sizes }: Parts): boolean {
  if (sizes.has('Scylla.db')) return true;
  try {
    return statistics?.has('compaction') === true && statistics.compaction.cardinalityEstimator.p !== CASSANDRA_P;
  } catch {
    return false;
  }
}
