/**
 * What is in a data directory: keyspaces, tables, SSTables, snapshots, and what looks wrong. Data.db is never opened: all comes from names,
 * sizes, TOC.txt, Statistics.db, CompressionInfo.db and transaction logs.
 */
import { UsageError } from '../bytes/errors.js';
import type { Storage } from '../bytes/source.js';
import { findKeyspace, findTable, isSystemKeyspace, type Schema } from '../cql/schema.js';
import type { ResolvedPaths } from './data-directory.js';
import { directoryFindings, pathFindings, transactionFindings } from './inventory-directory.js';
import { type Finding, isWrong } from './inventory-finding.js';
import {
  type ExaminedSSTable,
  examineSSTable,
  examineUnsupported,
  type InventorySSTable,
  isMeasured,
} from './inventory-sstable.js';
import type { TransactionOutcome } from './lifecycle/transaction-outcome.js';
import { type PartitionCount, PartitionEstimate, sumPartitions } from './partition-estimate.js';
import { addUsage, type Holder, holderOf, snapshotUsage, type UsageBytes } from './snapshot-usage.js';
import type { SSTableDirectory } from './sstable-directory.js';

export type InventoryOptions = {
  readonly keyspace?: string;
  readonly table?: string;
  /** Also keyspaces of Cassandra's own; they are shown unasked where the paths lead to nothing else. */
  readonly system?: boolean;
  /** For compaction options. */
  readonly schema?: Schema;
  /** The schema has every table of the node, so what it lacks was dropped. */
  readonly schemaIsWhole?: boolean;
};

export type RepairBytes = {
  readonly repairedBytes: number;
  readonly pendingBytes: number;
  readonly unrepairedBytes: number;
};

/** Sums over SSTables; of those whose Statistics.db could be read, `unmeasured` are the others. */
export type InventoryTotals = {
  readonly sstables: number;
  readonly diskBytes: number;
  readonly uncompressedBytes: number;
  readonly unmeasured: number;
  readonly rows: number;
  readonly tombstonesEstimate: number;
  readonly minTimestampMicros?: bigint;
  readonly maxTimestampMicros?: bigint;
  readonly repair: RepairBytes;
} & PartitionCount;

export type InventorySnapshot = {
  readonly kind: 'snapshot' | 'backup';
  /** Of a snapshot. */
  readonly tag?: string;
  readonly directories: readonly string[];
  readonly sstables: number;
  readonly usage: UsageBytes;
};

export type InventoryTable = {
  readonly keyspace: string;
  readonly table: string;
  readonly tableId?: string;
  readonly directories: readonly string[];
  /** Its id is not in the schema. Absent where no schema is there that has all tables. */
  readonly isDropped?: boolean;
  /** From the schema: `class`, without package, and its options. */
  readonly compaction?: Readonly<Record<string, string>>;
  readonly totals: InventoryTotals;
  /** SSTables by level, where any has one above 0. */
  readonly levels?: readonly number[];
  /** `<version>-<format>`, in order of their age. */
  readonly versions: readonly string[];
  readonly sstables: readonly InventorySSTable[];
  readonly snapshots: readonly InventorySnapshot[];
};

export type InventoryKeyspace = { readonly name: string; readonly tables: readonly InventoryTable[] };

export type SnapshotTotal = Omit<InventorySnapshot, 'directories'> & { readonly tables: number };

export type Inventory = {
  readonly keyspaces: readonly InventoryKeyspace[];
  /** Keyspaces of Cassandra's own that were left out. */
  readonly hiddenKeyspaces: readonly string[];
  readonly totals: InventoryTotals;
  /** By tag, over all tables. */
  readonly snapshots: readonly SnapshotTotal[];
  readonly transactions: readonly TransactionOutcome[];
  readonly findings: readonly Finding[];
};

/** @throws UsageError where a filter leaves nothing */
export function takeInventory(storage: Storage, resolved: ResolvedPaths, options: InventoryOptions = {}): Inventory {
  const { hidden } = keyspacesOf(resolved, options);
  const selected = resolved.directories.filter(
    ({ place }) =>
      !hidden.includes(place.keyspace) &&
      (options.keyspace === undefined || place.keyspace === options.keyspace) &&
      (options.table === undefined || place.table === options.table),
  );
  if (selected.length === 0 && resolved.directories.length > 0) throw nothingSelected(resolved.directories, options);
  const findings: Finding[] = [...pathFindings(resolved.problems)];
  const tables = groupTables(selected).map((group) => examineTable(storage, group, options, findings));
  const paths = new Set(selected.map((directory) => directory.path));
  const transactions = resolved.transactions.filter((t) => t.replicas.some((file) => paths.has(parentOf(file))));
  findings.push(...transactions.flatMap(transactionFindings));
  return {
    keyspaces: groupKeyspaces(tables),
    hiddenKeyspaces: hidden,
    totals: totalsOf(tables.flatMap((table) => table.sstables), sumPartitions(tables.map((table) => table.totals))), // biome-ignore format: one line
    snapshots: snapshotTotals(tables),
    transactions,
    findings: [...findings.filter(isWrong), ...findings.filter((finding) => !isWrong(finding))],
  };
}

/** Keyspaces that the paths lead to: those that an inventory shows, and Cassandra's own that it leaves out. */
export function keyspacesOf(
  { directories }: ResolvedPaths,
  { keyspace, system = false }: Pick<InventoryOptions, 'keyspace' | 'system'>,
): { readonly shown: readonly string[]; readonly hidden: readonly string[] } {
  const names = [...new Set(directories.map(({ place }) => place.keyspace))].sort();
  const isHidden = (name: string) => !system && keyspace === undefined && isSystemKeyspace(name);
  const hidden = names.every(isHidden) ? [] : names.filter(isHidden);
  const shown = names.filter((name) => !hidden.includes(name) && (keyspace === undefined || name === keyspace));
  return { shown, hidden };
}

function parentOf(file: string): string {
  return file.slice(0, Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')));
}

function nothingSelected(directories: readonly SSTableDirectory[], options: InventoryOptions): UsageError {
  const within = directories.filter(
    ({ place }) => options.keyspace === undefined || place.keyspace === options.keyspace,
  );
  const what = within.length === 0 ? `keyspace ${options.keyspace}` : `table ${options.table}`;
  const there = within.length === 0 ? directories.map((d) => d.place.keyspace) : within.map((d) => d.place.table);
  const list = [...new Set(there)].sort();
  const shown = list.slice(0, 20).join(', ');
  return new UsageError(`no ${what} here`, {
    expected: list.length > 20 ? `one of ${shown} and ${list.length - 20} more` : `one of ${shown}`,
  });
}

/** Directories by keyspace, table and id: a table may lie on several disks, and a dropped one has a namesake of another id. */
function groupTables(directories: readonly SSTableDirectory[]): SSTableDirectory[][] {
  const groups = new Map<string, SSTableDirectory[]>();
  for (const directory of directories) {
    const { keyspace, table, tableId = '' } = directory.place;
    const key = `${keyspace}\0${table}\0${tableId}`;
    const group = groups.get(key);
    if (group) group.push(directory);
    else groups.set(key, [directory]);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, group]) => group);
}

function groupKeyspaces(tables: readonly InventoryTable[]): InventoryKeyspace[] {
  const byName = new Map<string, InventoryTable[]>();
  for (const table of tables) {
    const group = byName.get(table.keyspace);
    if (group) group.push(table);
    else byName.set(table.keyspace, [table]);
  }
  return [...byName].map(([name, of]) => ({ name, tables: of }));
}

/**
 * One table. Where the paths lead to snapshots or backups alone, their SSTables are what is listed: somebody looks at a restore.
 */
function examineTable(
  storage: Storage,
  directories: readonly SSTableDirectory[],
  { schema, schemaIsWhole }: InventoryOptions,
  findings: Finding[],
): InventoryTable {
  const { keyspace, table, tableId } = directories[0]!.place;
  const live = directories.filter((directory) => directory.kind === 'live');
  const listed = live.length > 0 ? live : directories;
  const known = schema && findTable(schema, keyspace, table);
  const isDropped = schema && schemaIsWhole ? isDroppedTable(schema, keyspace, table, tableId) : undefined;
  if (isDropped) findings.push(droppedFinding(listed[0]!, keyspace, table));
  const examined: Omit<ExaminedSSTable, 'keys'>[] = [];
  const partitions = new PartitionEstimate();
  for (const directory of directories) {
    findings.push(...directoryFindings(storage, directory));
    if (!listed.includes(directory)) continue;
    for (const sstable of directory.sstables) {
      const { entry, findings: own, keys } = examineSSTable(storage, sstable);
      examined.push({ entry, findings: own });
      if (isMeasured(entry.statistics) && entry.index === undefined) {
        partitions.add(entry.statistics.partitionsEstimate, keys);
      }
    }
    for (const sstable of directory.unsupported) {
      examined.push({ entry: examineUnsupported(storage, sstable), findings: [] }); // told with its directory
    }
  }
  findings.push(...examined.flatMap((sstable) => sstable.findings));
  const sstables = examined.map((sstable) => sstable.entry);
  const own = sstables.filter((sstable) => sstable.index === undefined);
  const levels = levelsOf(own);
  const compaction = !isDropped && known?.options.compaction;
  return {
    keyspace,
    table,
    ...(tableId !== undefined && { tableId }),
    directories: listed.map((directory) => directory.path),
    ...(isDropped !== undefined && { isDropped }),
    ...(compaction && { compaction: withShortClass(compaction) }),
    totals: totalsOf(sstables, partitions.total()),
    ...(levels && { levels }),
    versions: [...new Set(sstables.map((sstable) => `${sstable.version}-${sstable.format}`))].sort(),
    sstables,
    snapshots: snapshotsOf(directories, snapshotUsage(storage, directories)),
  };
}

/** Keyspaces whose tables stand in no schema table: they are made of code. */
const WITHOUT_SCHEMA: ReadonlySet<string> = new Set(['system', 'system_schema', 'system_cluster_metadata']);

/** `undefined`: can't be told. */
function isDroppedTable(schema: Schema, keyspace: string, table: string, tableId?: string): boolean | undefined {
  if (tableId === undefined || WITHOUT_SCHEMA.has(keyspace)) return undefined;
  if (!findKeyspace(schema, keyspace)) return true;
  const known = findTable(schema, keyspace, table);
  if (!known) return true;
  return known.id === undefined ? undefined : known.id.replaceAll('-', '') !== tableId;
}

function droppedFinding(directory: SSTableDirectory, keyspace: string, table: string): Finding {
  return {
    kind: 'dropped-table',
    path: directory.path,
    message: `the schema has no table ${keyspace}.${table} with this id`,
    hint: 'dropped, or made anew under the same name: the directory can go when its snapshots are not wanted',
  };
}

function withShortClass(options: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return options.class === undefined ? options : { ...options, class: options.class.replace(/^.*\./, '') };
}

function levelsOf(sstables: readonly InventorySSTable[]): number[] | undefined {
  const counts: number[] = [];
  for (const { statistics } of sstables) {
    if (!isMeasured(statistics) || statistics.level < 0 || statistics.level > 30) continue;
    while (counts.length <= statistics.level) counts.push(0);
    counts[statistics.level]!++;
  }
  return counts.length > 1 ? counts : undefined;
}

function totalsOf(sstables: readonly InventorySSTable[], partitions: PartitionCount): InventoryTotals {
  const sums = { disk: 0, plain: 0, unmeasured: 0, rows: 0, tombstones: 0 };
  const repair = { repaired: 0, pending: 0, unrepaired: 0 };
  let min: bigint | undefined;
  let max: bigint | undefined;
  for (const { diskBytes, uncompressedBytes, statistics, index } of sstables) {
    sums.disk += diskBytes;
    if (isMeasured(uncompressedBytes)) sums.plain += uncompressedBytes;
    if (!isMeasured(statistics) || !isMeasured(uncompressedBytes)) sums.unmeasured++;
    if (!isMeasured(statistics)) continue;
    repair[statistics.repair.kind] += diskBytes;
    // Rows of a hidden index table are none of its table's.
    if (index !== undefined) continue;
    sums.rows += statistics.rows;
    sums.tombstones += statistics.tombstonesEstimate;
    const { minTimestampMicros: from, maxTimestampMicros: to } = statistics;
    if (from !== undefined && (min === undefined || from < min)) min = from;
    if (to !== undefined && (max === undefined || to > max)) max = to;
  }
  return {
    sstables: sstables.length,
    diskBytes: sums.disk,
    uncompressedBytes: sums.plain,
    unmeasured: sums.unmeasured,
    ...partitions,
    rows: sums.rows,
    tombstonesEstimate: sums.tombstones,
    ...(min !== undefined && { minTimestampMicros: min }),
    ...(max !== undefined && { maxTimestampMicros: max }),
    repair: { repairedBytes: repair.repaired, pendingBytes: repair.pending, unrepairedBytes: repair.unrepaired },
  };
}

function snapshotsOf(
  directories: readonly SSTableDirectory[],
  usage: ReadonlyMap<Holder, UsageBytes>,
): InventorySnapshot[] {
  return [...usage].map(([holder, bytes]) => {
    const own = directories.filter((directory) => holderOf(directory) === holder);
    const tag = own[0]?.place.snapshot;
    return {
      kind: tag === undefined ? 'backup' : 'snapshot',
      ...(tag !== undefined && { tag }),
      directories: own.map((directory) => directory.path),
      sstables: own.reduce((sum, { sstables, unsupported }) => sum + sstables.length + unsupported.length, 0),
      usage: bytes,
    };
  });
}

function snapshotTotals(tables: readonly InventoryTable[]): SnapshotTotal[] {
  const byName = new Map<string, SnapshotTotal>();
  for (const { directories: _, ...snapshot } of tables.flatMap((table) => table.snapshots)) {
    const key = `${snapshot.kind} ${snapshot.tag ?? ''}`;
    const sum = byName.get(key);
    if (!sum) byName.set(key, { ...snapshot, tables: 1 });
    else {
      const usage = addUsage(sum.usage, snapshot.usage);
      byName.set(key, { ...sum, tables: sum.tables + 1, sstables: sum.sstables + snapshot.sstables, usage });
    }
  }
  return [...byName.values()];
}
