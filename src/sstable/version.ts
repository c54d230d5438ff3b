/**
 * SSTable versions and what differs between them, as one table of named features (Cassandra's BigFormat.BigVersion and BtiFormat.BtiVersion).
 *
 *   ma 3.0.0   mb 3.0.7   mc 3.0.8   md 3.0.18/3.11.4   me 3.0.25/3.11.11   na 4.0-rc1   nb 4.0.0   nc (5.0 pre-release)   oa 5.0   da 5.0 (BTI)
 */
import { UnsupportedError } from '../bytes/errors.js';

export type SSTableFormat = 'big' | 'bti';

export type Version = {
  readonly name: string;
  readonly format: SSTableFormat;
  /** StatsMetadata has the commit log position from which its data came (mb). */
  readonly hasCommitLogLowerBound: boolean;
  /** StatsMetadata has intervals of commit log positions instead of one (mc). */
  readonly hasCommitLogIntervals: boolean;
  /** Legacy min/max clustering values can be trusted (md–nc). */
  readonly hasAccurateMinMax: boolean;
  /** StatsMetadata has min/max clustering values as two lists (ma–nc). */
  readonly hasLegacyMinMax: boolean;
  /** StatsMetadata names the host that wrote the file (me, nb). */
  readonly hasOriginatingHostId: boolean;
  /** CompressionInfo.db has maxCompressedLength, and chunks may be stored plain (na). */
  readonly hasMaxCompressedLength: boolean;
  readonly hasPendingRepair: boolean;
  readonly hasIsTransient: boolean;
  /** Statistics.db has CRC-32s after its table of contents and each component (na). */
  readonly hasMetadataChecksum: boolean;
  /** The bits of Filter.db are stored in 64-bit words of big-endian byte order, not byte after byte (before na). */
  readonly hasOldBfFormat: boolean;
  /** StatsMetadata has the covered clusterings as one slice (oa). */
  readonly hasImprovedMinMax: boolean;
  readonly hasPartitionLevelDeletionsPresenceMarker: boolean;
  /** StatsMetadata has the first and last key (oa). */
  readonly hasKeyRange: boolean;
  /** Deletion times are unsigned 32-bit, and live ones one byte (oa). */
  readonly hasUIntDeletionTime: boolean;
  readonly hasTokenSpaceCoverage: boolean;
};

function big(name: string): Version {
  return {
    name,
    format: 'big',
    hasCommitLogLowerBound: name >= 'mb',
    hasCommitLogIntervals: name >= 'mc',
    hasAccurateMinMax: name >= 'md' && name < 'oa',
    hasLegacyMinMax: name < 'oa',
    hasOriginatingHostId: name >= 'nb' || name === 'me',
    hasMaxCompressedLength: name >= 'na',
    hasPendingRepair: name >= 'na',
    hasIsTransient: name >= 'na',
    hasMetadataChecksum: name >= 'na',
    hasOldBfFormat: name < 'na',
    hasImprovedMinMax: name >= 'oa',
    hasPartitionLevelDeletionsPresenceMarker: name >= 'oa',
    hasKeyRange: name >= 'oa',
    hasUIntDeletionTime: name >= 'oa',
    hasTokenSpaceCoverage: name >= 'oa',
  };
}

const VERSIONS: ReadonlyMap<string, Version> = new Map<string, Version>([
  ...['ma', 'mb', 'mc', 'md', 'me', 'na', 'nb', 'nc', 'oa'].map((name): [string, Version] => [
    `big-${name}`,
    big(name),
  ]),
  ['bti-da', { ...big('oa'), name: 'da', format: 'bti', hasAccurateMinMax: true }],
]);

const UPGRADED_BY: readonly [test: RegExp, hint: string][] = [
  [/^[a-h]/, 'written by Cassandra 1.1 or older: sstableupgrade of 1.2, then 2.0, 2.1 and 3.11 brings it up'],
  [/^i/, 'written by Cassandra 1.2: sstableupgrade of 2.0, then 2.1, then 3.11 brings it up'],
  [/^j/, 'written by Cassandra 2.0: sstableupgrade of 2.1, then 3.11 brings it up'],
  [/^k/, 'written by Cassandra 2.1: sstableupgrade of 3.0 or 3.11 brings it up'],
  [/^l/, 'written by Cassandra 2.2: sstableupgrade of 3.0 or 3.11 brings it up'],
  [/^m[s-z]/, "ScyllaDB's own format: read it with ScyllaDB's tools"],
  [/^p|^e/, 'written by Cassandra 6.0 (alpha): not read yet'],
];

/** @throws UnsupportedError naming the version and, where known, the release that can upgrade it */
export function versionOf(format: string, name: string, file?: string): Version {
  const found = VERSIONS.get(`${format}-${name}`);
  if (found) return found;
  const hint = UPGRADED_BY.find(([test]) => test.test(name))?.[1];
  throw new UnsupportedError(`SSTable version '${name}' (format ${format}) is not supported`, {
    ...(file !== undefined && { file }),
    seen: `${name}-${format}`,
    expected: 'ma to nc or oa (big), da (bti)',
    ...(hint !== undefined && { hint }),
  });
}

/** In which version SSTables of these are written anew: the last one of the newest release line among them. */
export function latestWritten(versions: readonly Version[]): Version {
  const newest = versions.reduce((latest, version) => (version.name > latest.name ? version : latest));
  if (newest.format === 'bti') return versionOf('bti', 'da');
  const last = { m: 'me', n: 'nb', o: 'oa' }[newest.name[0]!];
  if (last === undefined)
    throw new UnsupportedError(`SSTable version '${newest.name}' is not written`, { expected: 'me, nb, oa or da' });
  return versionOf('big', last);
}
