/**
 * File names of SSTables.
 *
 *   <version>-<id>-<format>-<Component>          oa-1-big-Data.db   da-3gxy_0abc_1de2f3ghijklmnopqr-bti-Data.db   nb-7-big-SAI+aa+idx+TermsData.db
 *   [<keyspace>-<table>-]<version>-<id>-<Component>   before 2.2: recognised only to be refused by name
 *
 * and of the directories they lie in:
 *
 *   <data>/<keyspace>/<table>-<32 hex digits>/[.<index>/][snapshots/<tag>/ | backups/]
 *
 * An id is a number, or a time-based UUID as 28 characters of base 36 (4 days, 4 seconds, 5 ticks of 100 ns, then 13 of the UUID's second half).
 */
import path from 'node:path';
import { UnsupportedError, UsageError } from '../bytes/errors.js';
import { type SSTableFormat, type Version, versionOf } from './version.js';

export type Descriptor = {
  readonly directory: string;
  readonly version: Version;
  readonly format: SSTableFormat;
  /** Generation: a number or a UUID-based id, as in the file name. */
  readonly id: string;
  /** `<version>-<id>-<format>`: what the names of all components begin with. */
  readonly prefix: string;
};

/** Components by the name after the last dash of the prefix. */
export const COMPONENT = {
  data: 'Data.db',
  index: 'Index.db',
  summary: 'Summary.db',
  partitions: 'Partitions.db',
  rows: 'Rows.db',
  filter: 'Filter.db',
  statistics: 'Statistics.db',
  compressionInfo: 'CompressionInfo.db',
  digest: 'Digest.crc32',
  crc: 'CRC.db',
  toc: 'TOC.txt',
} as const;

const NAME = /^([a-z]{2})-([0-9]+|[0-9a-z]{4}_[0-9a-z]{4}_[0-9a-z]{18})-([a-z]+)-(.+)$/;
const LEGACY = /^(?:[^-]+-[^-]+-)?(?:tmp-|tmplink-)?([a-l][a-z])-([0-9]+)-(?:big-)?([A-Za-z]+\.[a-z0-9]+)$/;

/** Splits a file name of today's form, whatever its version; `undefined` where it is none. */
export function splitName(
  name: string,
): { version: string; id: string; format: string; prefix: string; component: string } | undefined {
  const m = NAME.exec(name);
  if (!m) return undefined;
  const [, version, id, format, component] = m as unknown as [string, string, string, string, string];
  return { version, id, format, prefix: `${version}-${id}-${format}`, component };
}

/** @throws UsageError when `file` is not named like an SSTable component, UnsupportedError for versions that are not read */
export function parseDescriptor(file: string): { descriptor: Descriptor; component: string } {
  return parseNameIn(path.dirname(file), path.basename(file), file);
}

/** {@link parseDescriptor} of `file`, of which directory and name are known: of thousands in one directory. */
export function parseNameIn(
  directory: string,
  name: string,
  file: string,
): { descriptor: Descriptor; component: string } {
  const parts = splitName(name);
  if (!parts) {
    const legacy = LEGACY.exec(name);
    if (legacy) versionOf('big', legacy[1]!, file);
    throw new UsageError('is not named like an SSTable component', {
      file,
      seen: name,
      expected: '<version>-<id>-<big|bti>-<Component>, such as oa-1-big-Data.db',
    });
  }
  if (parts.format !== 'big' && parts.format !== 'bti') {
    throw new UnsupportedError(`SSTable format '${parts.format}' is not supported`, { file, expected: 'big or bti' });
  }
  const version = versionOf(parts.format, parts.version, file);
  return {
    descriptor: {
      directory,
      version,
      format: version.format,
      id: parts.id,
      prefix: parts.prefix,
    },
    component: parts.component,
  };
}

/** The directory asked for last, and what its files' paths begin with: thousands of one directory are asked for in a row. */
let lastDirectory = { directory: '', start: '' };

/** Path of one of its components. */
export function componentPath({ directory, prefix }: Descriptor, component: string): string {
  if (directory !== lastDirectory.directory) {
    lastDirectory = { directory, start: path.join(directory, 'x').slice(0, -1) };
  }
  return `${lastDirectory.start}${prefix}-${component}`;
}

/** Where a directory of SSTables stands. */
export type TableDirectory = {
  readonly keyspace: string;
  readonly table: string;
  /** 32 hex digits; `undefined` for directories without one (before 2.1, or made by hand). */
  readonly tableId?: string;
  readonly snapshot?: string;
  readonly backup: boolean;
  /** Name of the secondary index whose hidden table this is. */
  readonly index?: string;
};

/** Reads keyspace, table, id, snapshot and index off a directory's path. */
export function parseTableDirectory(directory: string): TableDirectory {
  const parts = path.resolve(directory).split(path.sep);
  let index: string | undefined;
  let snapshot: string | undefined;
  let backup = false;
  const last = () => parts[parts.length - 1] ?? '';
  if (last().startsWith('.')) index = parts.pop()!.slice(1);
  if (parts.length > 2 && parts[parts.length - 2] === 'snapshots') {
    snapshot = parts.pop();
    parts.pop();
  } else if (last() === 'backups') {
    backup = true;
    parts.pop();
  }
  const m = /^(.+)-([0-9a-f]{32})$/.exec(last());
  const table = m ? m[1]! : last();
  return {
    keyspace: parts[parts.length - 2] ?? '',
    table,
    ...(m && { tableId: m[2]! }),
    ...(snapshot !== undefined && { snapshot }),
    backup,
    ...(index !== undefined && { index }),
  };
}
