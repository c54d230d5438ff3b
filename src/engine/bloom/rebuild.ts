/**
 * A new Filter.db for an SSTable, from all keys of its index, as a node makes one that it misses. Nothing else depends on the file: Digest.crc32
 * covers Data.db alone. TOC.txt gets its name where it lacks it, and Statistics.db, which says what chance the filter was made with, the new chance.
 *
 * The filter comes first: what a crash leaves out of TOC.txt or Statistics.db does not mislead a node, which takes both from the directory and the
 * schema.
 */
import { InvariantError } from '../../bytes/errors.js';
import { type Hash128, murmur3 } from '../../bytes/murmur3.js';
import type { OutputStorage } from '../../bytes/sink.js';
import { readWhole, type Storage } from '../../bytes/source.js';
import { COMPONENT, componentPath, type Descriptor } from '../../sstable/descriptor.js';
import { decodeFilter, isHashPresent } from '../../sstable/filter.js';
import { makeFilterBuilder } from '../../sstable/filter-builder.js';
import { encodeStatistics, readStatistics } from '../../sstable/statistics.js';
import { encodeToc, readToc } from '../../sstable/toc.js';
import { replaceComponent } from '../lifecycle/replace-component.js';
import { type FilterFacts, factsOf } from './filter-inspection.js';
import { walkKeys } from './key-walk.js';

export type RebuiltFilter = {
  readonly keys: number;
  readonly bytes: Uint8Array;
  readonly facts: FilterFacts;
};

/** More keys than were expected by this share: the filter is sized anew. */
const TOLERANCE = 0.02;

/**
 * The filter of all keys, for a chance below 1; asked for each of them in the form in which it will be read.
 * @param expectedKeys of Statistics.db, which need not be right
 * @throws CorruptError (the index), UnsupportedError for a chance that no filter of Cassandra's can have
 */
export async function buildFilter(
  storage: Storage,
  descriptor: Descriptor,
  expectedKeys: number,
  fpChance: number,
): Promise<RebuiltFilter> {
  const hash: Hash128 = new Int32Array(4);
  const builder = makeFilterBuilder(expectedKeys, fpChance);
  if (!builder) throw new InvariantError('a filter of chance 1 has no bits');
  const { keys } = await walkKeys(storage, descriptor, (bytes, start, end) => {
    builder.addHash(murmur3(bytes, start, end, hash));
  });
  if (Math.abs(keys - expectedKeys) > expectedKeys * TOLERANCE) return buildFilter(storage, descriptor, keys, fpChance);
  const bytes = builder.encode(descriptor.version);
  builder.filter.release();
  const filter = decodeFilter(bytes, descriptor.version);
  await walkKeys(storage, descriptor, (key, start, end) => {
    if (!isHashPresent(filter, murmur3(key, start, end, hash))) {
      throw new InvariantError('the new filter denies a key that it was made from');
    }
  });
  return { keys, bytes, facts: factsOf(filter) };
}

export type ReplacedComponents = {
  readonly components: readonly string[];
  /** Statistics.db still names the old chance: it is laid out in a way that lsmctl does not write. */
  readonly keepsOldChance: boolean;
};

/** Puts `filter` in place of the SSTable's own, in steps that a crash leaves whole. @throws UsageError */
export function replaceFilter(
  output: OutputStorage,
  descriptor: Descriptor,
  filter: Uint8Array,
  fpChance: number,
): ReplacedComponents {
  replaceComponent(output, descriptor, COMPONENT.filter, filter);
  const components: string[] = [COMPONENT.filter];
  if (addToToc(output, descriptor)) components.push(COMPONENT.toc);
  const statistics = withChance(output, descriptor, fpChance);
  if (statistics instanceof Uint8Array) {
    replaceComponent(output, descriptor, COMPONENT.statistics, statistics);
    components.push(COMPONENT.statistics);
  }
  return { components, keepsOldChance: statistics === 'kept' };
}

/** Where there is no TOC.txt a node writes one of what it finds. */
function addToToc(output: OutputStorage, descriptor: Descriptor): boolean {
  if (!output.stat(componentPath(descriptor, COMPONENT.toc))) return false;
  const named = readToc(output, descriptor);
  if (named.includes(COMPONENT.filter)) return false;
  replaceComponent(output, descriptor, COMPONENT.toc, encodeToc([...named, COMPONENT.filter]));
  return true;
}

/** Statistics.db with another chance; `same` where it has that already. */
function withChance(storage: Storage, descriptor: Descriptor, fpChance: number): Uint8Array | 'same' | 'kept' {
  const statistics = readStatistics(storage, descriptor);
  if (statistics.validation.bloomFilterFpChance === fpChance) return 'same';
  const parts = statistics.parts();
  const before = readWhole(storage, statistics.file);
  if (Buffer.compare(encodeStatistics(parts, descriptor.version), before) !== 0) return 'kept';
  const validation = { ...statistics.validation, bloomFilterFpChance: fpChance };
  return encodeStatistics({ ...parts, validation }, descriptor.version);
}
