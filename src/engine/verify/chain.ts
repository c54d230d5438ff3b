/**
 * From a finding to what it costs and what to do: bytes → chunks → partitions and their tokens → rows at risk → where the same partitions can still
 * be read → the next commands.
 *
 * The partitions are those that the index gives for the plain bytes that are damaged. Another SSTable of the table holds other writes of a
 * partition; a copy (same generation, in a snapshot or backup) holds the very ones, unless it is a hard link to the damaged bytes.
 */
import path from 'node:path';
import { LsmctlError } from '../../bytes/errors.js';
import type { Storage } from '../../bytes/source.js';
import { COMPONENT, componentPath } from '../../sstable/descriptor.js';
import { isPresent, readFilter } from '../../sstable/filter.js';
import type { Partitioner } from '../../sstable/partitioner.js';
import { openDescriptor, type SSTable } from '../../sstable/sstable.js';
import { END } from '../../sstable/unfiltered-cursor.js';
import { resolvePaths } from '../data-directory.js';
import type { SSTableFiles } from '../sstable-directory.js';
import { type Finding, isWrong, type PartitionName } from './finding.js';
import { nameOf } from './key-check.js';
import { commandsFor } from './next-commands.js';
import type { SSTableReport } from './verify-sstable.js';

/** Another place that has partitions of a finding. */
export type Elsewhere = {
  /** Path up to the component's name. */
  readonly sstable: string;
  /** `copy`: the same SSTable, with the very rows; else it holds other writes of the partitions. */
  readonly isCopy: boolean;
  readonly place: 'live' | 'snapshot' | 'backup';
  /** The damaged file is a hard link to the same bytes: of no use. */
  readonly sharesBytes?: boolean;
  /** Of the partitions asked for, those that it has, and those that can be read there to their end. */
  readonly found: number;
  readonly readable: number;
};

export type Chain = {
  /** Plain bytes [start, end) of Data.db. */
  readonly plainRange?: readonly [start: number, end: number];
  readonly partitions?: {
    readonly count: number;
    readonly first?: PartitionName;
    readonly last?: PartitionName;
    /** Tokens as nodetool repair -st (exclusive) -et takes them; absent where the partitioner has none that can be repaired by. */
    readonly tokens?: { readonly after: string; readonly upTo: string };
  };
  /** Of the SSTable's rows, by the share of bytes: an estimate, unless all are meant. */
  readonly rows?: { readonly estimate: number; readonly of: number; readonly isExact: boolean };
  /** How many of the partitions were looked for elsewhere. */
  readonly asked?: number;
  readonly elsewhere: readonly Elsewhere[];
  /** What to run next, as shell commands. */
  readonly next: readonly string[];
};

/** Keys of a finding that are looked for in other SSTables. */
const ASKED_KEYS = 16;
/** Findings of one SSTable that get a chain with partitions. */
const MAX_CHAINS = 20;
/** Other SSTables that are searched. */
const MAX_OTHERS = 500;

/** `report` with a chain in each of its findings that is worse than a note. */
export async function withChains(storage: Storage, files: SSTableFiles, report: SSTableReport): Promise<SSTableReport> {
  if (!report.findings.some(isWrong)) return report;
  const looked = await lookUp(storage, files, report.findings);
  const findings: Finding[] = [];
  for (const finding of report.findings) {
    if (!isWrong(finding)) {
      findings.push(finding);
      continue;
    }
    const found = looked.get(finding);
    const elsewhere = found ? await elsewhereOf(storage, files, finding, found.keys) : [];
    const chain: Chain = {
      ...(finding.plainRange && { plainRange: finding.plainRange }),
      ...(found && { partitions: found.partitions, ...(found.rows && { rows: found.rows }), asked: found.keys.length }),
      elsewhere,
      next: [],
    };
    findings.push({ ...finding, chain: { ...chain, next: commandsFor(finding, chain, files) } });
  }
  return { ...report, findings };
}

type Found = {
  readonly partitions: NonNullable<Chain['partitions']>;
  readonly keys: readonly Uint8Array[];
  readonly rows?: NonNullable<Chain['rows']>;
};

/** The partitions that findings concern, by one walk over the index. */
async function lookUp(storage: Storage, files: SSTableFiles, all: readonly Finding[]): Promise<Map<Finding, Found>> {
  const found = new Map<Finding, Found>();
  const findings = all.filter((one) => isWrong(one) && (rangeOf(one) || one.partition)).slice(0, MAX_CHAINS);
  if (findings.length === 0) return found;
  let sstable: SSTable;
  try {
    sstable = await openDescriptor(storage, files.descriptor, { onBadChunk() {} });
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    return found;
  }
  try {
    const { partitioner } = sstable;
    const gathered = findings.map((finding) => new Gathered(finding));
    gather(storage, sstable, gathered);
    for (const one of gathered) {
      const result = one.finish(partitioner, sstable);
      if (result) found.set(one.finding, result);
    }
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
  } finally {
    sstable.close();
  }
  return found;
}

function rangeOf({ plainRange }: Finding): readonly [number, number] | undefined {
  return plainRange;
}

/** What the index gives for one finding. */
class Gathered {
  readonly finding: Finding;
  count = 0;
  bytes = 0;
  first: Uint8Array | undefined;
  last: Uint8Array | undefined;
  /** Keys of the neighbours, where those of the partitions themselves can't be read. */
  before: Uint8Array | undefined;
  after: Uint8Array | undefined;
  readonly keys: Uint8Array[] = [];

  constructor(finding: Finding) {
    this.finding = finding;
  }

  take(key: Uint8Array | undefined, start: number, end: number): void {
    const range = rangeOf(this.finding);
    const isIn = range
      ? start < range[1] && end > range[0]
      : key !== undefined && Buffer.from(key).toString('hex') === this.finding.partition?.key;
    if (!isIn) {
      if (this.count === 0) this.before = key ?? this.before;
      else this.after ??= key;
      return;
    }
    this.count++;
    this.bytes += end - start;
    if (!key) return;
    this.first ??= key;
    this.last = key;
    if (this.keys.length < ASKED_KEYS) this.keys.push(key);
  }

  finish(partitioner: Partitioner, sstable: SSTable): Found | undefined {
    const { count, first, last, keys } = this;
    if (count === 0) return undefined;
    const tokens = tokensOf(partitioner, this);
    const { totalRows } = sstable.statistics.stats;
    const isExact = this.bytes >= sstable.data.length;
    const estimate = isExact
      ? totalRows
      : Math.min(totalRows, Math.max(1, Math.round((totalRows * this.bytes) / sstable.data.length)));
    return {
      partitions: {
        count,
        ...(first && { first: nameOf(partitioner, first) }),
        ...(last && { last: nameOf(partitioner, last) }),
        ...(tokens && { tokens }),
      },
      keys,
      rows: { estimate, of: totalRows, isExact },
    };
  }
}

/** Walks the index; keys that only a damaged Data.db has are left unknown. */
function gather(storage: Storage, sstable: SSTable, gathered: readonly Gathered[]): void {
  const index = sstable.openIndex(storage);
  try {
    let key: Uint8Array | undefined;
    let start = -1;
    const tell = (end: number) => {
      if (start >= 0) for (const one of gathered) one.take(key, start, end);
    };
    for (const entry of index.entries()) {
      tell(entry.dataPosition);
      start = entry.dataPosition;
      key = entry.key ?? keyAt(sstable, start);
    }
    tell(sstable.data.length);
  } finally {
    index.close();
  }
}

function keyAt(sstable: SSTable, position: number): Uint8Array | undefined {
  try {
    return sstable.keyAt(position);
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    return undefined;
  }
}

/** From the token before the first partition to that of the last; of the neighbours where those are not known. */
function tokensOf(partitioner: Partitioner, { first, last, before, after, count, keys }: Gathered) {
  const isWhole = keys.length === Math.min(count, ASKED_KEYS);
  const from = isWhole ? first : before;
  const to = isWhole ? last : (after ?? last);
  if (partitioner.name !== 'Murmur3Partitioner' && partitioner.name !== 'RandomPartitioner') return undefined;
  const token = (key: Uint8Array) => BigInt(partitioner.tokenText(partitioner.tokenOf(key)));
  const lowest = partitioner.name === 'Murmur3Partitioner' ? -(2n ** 63n) : -1n;
  const highest = partitioner.name === 'Murmur3Partitioner' ? 2n ** 63n - 1n : 2n ** 127n;
  const start = from ? token(from) - (isWhole ? 1n : 0n) : lowest;
  return { after: String(start < lowest ? lowest : start), upTo: String(to ? token(to) : highest) };
}

/** Where the partitions are besides, and whether they can be read there. */
async function elsewhereOf(
  storage: Storage,
  files: SSTableFiles,
  finding: Finding,
  keys: readonly Uint8Array[],
): Promise<Elsewhere[]> {
  if (keys.length === 0) return [];
  const list: Elsewhere[] = [];
  for (const other of othersOf(storage, files)) {
    const isCopy = other.descriptor.prefix === files.descriptor.prefix;
    const { place: at } = other;
    const place = at.snapshot !== undefined ? 'snapshot' : at.backup ? 'backup' : 'live';
    const sharesBytes = isCopy && isSameFile(storage, finding.file, componentPath(other.descriptor, path.basename(finding.file).slice(files.descriptor.prefix.length + 1))); // biome-ignore format: one line
    const sstable = componentPath(other.descriptor, '').slice(0, -1);
    if (sharesBytes) {
      list.push({ sstable, isCopy, place, sharesBytes, found: keys.length, readable: 0 });
      continue;
    }
    const { found, readable } = await countReadable(storage, other, keys);
    if (found > 0) list.push({ sstable, isCopy, place, found, readable });
  }
  return list.sort((a, b) => Number(b.isCopy) - Number(a.isCopy) || b.readable - a.readable);
}

/** SSTables of the same table: live ones, those of its snapshots and backups. */
function othersOf(storage: Storage, { descriptor, place }: SSTableFiles): SSTableFiles[] {
  const levels = (place.snapshot !== undefined ? 2 : place.backup ? 1 : 0) + (place.index !== undefined ? 1 : 0);
  let root = descriptor.directory;
  for (let i = 0; i < levels; i++) root = path.dirname(root);
  try {
    return resolvePaths(storage, [root], { snapshots: true })
      .directories.filter((directory) => directory.place.index === place.index)
      .flatMap(({ sstables }) => sstables)
      .filter((other) => path.resolve(other.descriptor.directory, other.descriptor.prefix) !== path.resolve(descriptor.directory, descriptor.prefix)) // biome-ignore format: one line
      .slice(0, MAX_OTHERS);
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    return [];
  }
}

function isSameFile(storage: Storage, a: string, b: string): boolean {
  const [x, y] = [storage.stat(a), storage.stat(b)];
  return x !== undefined && y !== undefined && x.inode === y.inode;
}

async function countReadable(
  storage: Storage,
  { descriptor, components }: SSTableFiles,
  keys: readonly Uint8Array[],
): Promise<{ found: number; readable: number }> {
  let found = 0;
  let readable = 0;
  try {
    const filter = components.includes(COMPONENT.filter) ? readFilter(storage, descriptor) : undefined;
    const wanted = filter ? keys.filter((key) => isPresent(filter, key)) : keys;
    if (wanted.length === 0) return { found, readable };
    const sstable = await openDescriptor(storage, descriptor);
    try {
      const index = sstable.openIndex(storage);
      try {
        for (const key of wanted) {
          const entry = index.find(key);
          if (!entry) continue;
          found++;
          if (isReadable(sstable, entry.dataPosition)) readable++;
        }
      } finally {
        index.close();
      }
    } finally {
      sstable.close();
    }
  } catch (error) {
    // a damaged neighbour: what could be counted counts
    if (!(error instanceof LsmctlError)) throw error;
  }
  return { found, readable };
}

function isReadable(sstable: SSTable, position: number): boolean {
  try {
    const cursor = sstable.cursor(position);
    if (!cursor.nextPartition()) return false;
    for (let kind = cursor.nextUnfiltered(); kind !== END; kind = cursor.nextUnfiltered()) {
      while (cursor.nextColumn()) while (cursor.nextCell());
    }
    return true;
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    return false;
  }
}
