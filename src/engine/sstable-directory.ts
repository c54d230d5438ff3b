/**
 * One directory of SSTables, by the names in it alone: one readdir, no stat of a component, nothing opened.
 *
 *   <version>-<id>-<format>-<Component>                  a component, grouped by what stands before it
 *   [<format>-]<version>_txn_<operation>_<uuid>.log      a transaction log
 *   *.tmp, tmp-*, tmplink-*                              temporary: a start of the node removes them
 *   manifest.json, schema.cql, ephemeral.snapshot        of a snapshot
 *   snapshots/, backups/, .<index>/                      directories of SSTables of their own
 */
import path from 'node:path';
import { LsmctlError } from '../bytes/errors.js';
import {
  COMPONENT,
  type Descriptor,
  parseNameIn,
  parseTableDirectory,
  splitName,
  type TableDirectory,
} from '../sstable/descriptor.js';
import { compareIds } from '../sstable/sstable-id.js';
import type { LeftoverSSTable } from './lifecycle/leftovers.js';

export type SSTableFiles = {
  readonly descriptor: Descriptor;
  /** Names of the components that are there (`Data.db`, …), sorted. */
  readonly components: readonly string[];
  readonly place: TableDirectory;
};

/** An SSTable whose version or format is not read: kept, with the reason. */
export type UnsupportedSSTable = {
  readonly directory: string;
  readonly prefix: string;
  readonly files: readonly string[];
  readonly error: LsmctlError;
};

export type DirectoryKind = 'live' | 'snapshot' | 'backup';

export type SSTableDirectory = {
  readonly path: string;
  readonly kind: DirectoryKind;
  readonly place: TableDirectory;
  /** With a Data.db, in order of generation. */
  readonly sstables: readonly SSTableFiles[];
  /** Components without a Data.db: a start of the node removes them. */
  readonly orphans: readonly SSTableFiles[];
  /** SSTables that a transaction log takes out of the data; empty until the logs are read. */
  readonly leftovers: readonly LeftoverSSTable[];
  readonly unsupported: readonly UnsupportedSSTable[];
  /** File names. */
  readonly transactionLogs: readonly string[];
  readonly temporary: readonly string[];
  /** manifest.json, schema.cql and ephemeral.snapshot, where they are. */
  readonly snapshotFiles: readonly string[];
  /** Names that mean nothing to Cassandra. */
  readonly foreign: readonly string[];
  /** Names of sub-directories that may hold SSTables: `snapshots`, `backups`, `.<index>`. */
  readonly subdirectories: readonly string[];
};

const TRANSACTION_LOG = /^(?:(?:[a-z]+-)?.{2}_)?txn_.*_.*\.log$/;
const TEMPORARY = /\.tmp$|^(?:[^-]+-[^-]+-)?tmp(?:link)?-|^tmp$/;
const COMPONENT_NAME = /^[A-Za-z0-9+_]+\.(?:db|crc32|adler32|sha1|txt)$/;
const SNAPSHOT_FILES = new Set(['manifest.json', 'schema.cql', 'ephemeral.snapshot']);
const LEGACY_COMPONENT = /^((?:[^-]+-[^-]+-)?[a-l][a-z]-[0-9]+(?:-big)?)-[A-Za-z]+\.(?:db|crc32|adler32|sha1|txt)$/;

export function isTransactionLogName(name: string): boolean {
  return TRANSACTION_LOG.test(name);
}

/** Whether `name` belongs to an SSTable, of whatever version. */
export function isComponentName(name: string): boolean {
  const parts = splitName(name);
  return (parts !== undefined && COMPONENT_NAME.test(parts.component)) || LEGACY_COMPONENT.test(name);
}

/** Sorts the `names` of a directory into what they are. */
export function classifyDirectory(directory: string, names: readonly string[]): SSTableDirectory {
  const place = parseTableDirectory(directory);
  const rest: string[] = [];
  const groups = groupNames(names, rest);
  const found = { transactionLogs: [], temporary: [], snapshotFiles: [], foreign: [], subdirectories: [] } as Record<
    'transactionLogs' | 'temporary' | 'snapshotFiles' | 'foreign' | 'subdirectories',
    string[]
  >;
  for (const name of rest) {
    if (TEMPORARY.test(name)) found.temporary.push(name);
    else if (isTransactionLogName(name)) found.transactionLogs.push(name);
    else if (SNAPSHOT_FILES.has(name)) found.snapshotFiles.push(name);
    else if (isSubdirectoryName(name, place)) found.subdirectories.push(name);
    else found.foreign.push(name);
  }
  return {
    path: directory,
    kind: place.snapshot !== undefined ? 'snapshot' : place.backup ? 'backup' : 'live',
    place,
    ...groupSSTables(directory, place, groups),
    leftovers: [],
    ...found,
  };
}

/**
 * Component file names by SSTable (`<version>-<id>-<format>`).
 * @param rest gets the other names
 */
export function groupNames(names: readonly string[], rest: string[] = []): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  let last: { readonly start: string; readonly group: string[] } | undefined;
  for (const name of names) {
    // most names follow another of their SSTable, and there may be many
    if (last && name.startsWith(last.start) && COMPONENT_NAME.test(name.slice(last.start.length))) {
      last.group.push(name);
      continue;
    }
    const prefix = prefixOf(name);
    if (prefix === undefined) {
      rest.push(name);
      continue;
    }
    const group = groups.get(prefix) ?? [];
    if (group.push(name) === 1) groups.set(prefix, group);
    last = { start: `${prefix}-`, group };
  }
  return groups;
}

function prefixOf(name: string): string | undefined {
  if (TEMPORARY.test(name)) return undefined;
  const parts = splitName(name);
  if (parts) return COMPONENT_NAME.test(parts.component) ? parts.prefix : undefined;
  return LEGACY_COMPONENT.exec(name)?.[1];
}

function isSubdirectoryName(name: string, place: TableDirectory): boolean {
  if (place.index !== undefined) return false;
  if (/^\.[\w-]+$/.test(name)) return true;
  return place.snapshot === undefined && !place.backup && (name === 'snapshots' || name === 'backups');
}

/** Names of a directory mostly come in order. */
function sorted(names: string[]): string[] {
  for (let i = 1; i < names.length; i++) if (names[i - 1]! > names[i]!) return names.sort();
  return names;
}

function groupSSTables(
  directory: string,
  place: TableDirectory,
  groups: ReadonlyMap<string, readonly string[]>,
): Pick<SSTableDirectory, 'sstables' | 'orphans' | 'unsupported'> {
  const sstables: SSTableFiles[] = [];
  const orphans: SSTableFiles[] = [];
  const unsupported: UnsupportedSSTable[] = [];
  const start = path.join(directory, 'x').slice(0, -1);
  const parent = path.dirname(`${start}x`);
  for (const [prefix, files] of groups) {
    try {
      const { descriptor } = parseNameIn(parent, files[0]!, start + files[0]!);
      const components = sorted(files.map((name) => name.slice(prefix.length + 1)));
      (components.includes(COMPONENT.data) ? sstables : orphans).push({ descriptor, components, place });
    } catch (error) {
      if (!(error instanceof LsmctlError)) throw error;
      unsupported.push({ directory, prefix, files, error });
    }
  }
  sstables.sort((a, b) => compareIds(a.descriptor.id, b.descriptor.id));
  orphans.sort((a, b) => compareIds(a.descriptor.id, b.descriptor.id));
  return { sstables, orphans, unsupported };
}
