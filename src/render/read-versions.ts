/** Versions of cells: as objects for `--json`, as text, and as BigTable shows a row (row key → family:qualifier → timestamp, newest first → value). */
import { ByteWriter } from '../bytes/writer.js';
import { columnsOfKind, type Table, type View } from '../cql/schema.js';
import type { CqlType } from '../cql/type.js';
import { cellValueType, pathType } from '../cql/type-facts.js';
import type { CellHistory, RowHistory, TombstoneVersion, Verdict } from '../engine/read/versions.js';
import type { Column } from '../sstable/row.js';
import type { SerializationHeader } from '../sstable/serialization-header.js';
import { cellTextWriter } from './cell-text.js';
import { defaultKeyNames } from './partition-writer.js';
import { microsTimeText, secondsTimeText } from './time.js';

export type VersionNames = {
  /** Of the SSTables, by their place among the sources. */
  readonly sstables: readonly string[];
  /** Of the clustering columns. */
  readonly clustering: readonly string[];
  readonly clusteringTypes: readonly CqlType[];
};

export function versionNames(
  header: SerializationHeader,
  definition: Table | View | undefined,
  sstables: readonly string[],
): VersionNames {
  const known = definition ? columnsOfKind(definition, 'clustering').map(({ name }) => name) : [];
  const clustering = known.length === header.clusteringTypes.length ? known : defaultKeyNames(header).clustering;
  return { sstables, clustering, clusteringTypes: header.clusteringTypes };
}

const scratch = new ByteWriter(1024);

function textOf(type: CqlType, value: Uint8Array | null): string {
  if (value === null) return 'null';
  scratch.pos = 0;
  cellTextWriter(type)(value, 0, value.length, scratch);
  return scratch.view().toString('utf8');
}

function clusteringOf(row: RowHistory, { clustering, clusteringTypes }: VersionNames): Record<string, string> {
  if (row.isStatic) return {};
  return Object.fromEntries(row.clustering.map((value, i) => [clustering[i]!, textOf(clusteringTypes[i]!, value)]));
}

const valueText = (column: Column, value: Uint8Array, path?: Uint8Array) =>
  textOf(column.isComplex ? cellValueType(column.type, path) : column.type, value);

const qualifierOf = ({ column, path }: CellHistory) =>
  path ? `${column.name}[${textOf(pathType(column.type), path)}]` : column.name;

function verdictObject(verdict: Verdict, names: VersionNames): object {
  if (verdict.kind === 'shadowed') {
    return { kind: 'shadowed', sstable: names.sstables[verdict.source], timestampMicros: verdict.timestampMicros };
  }
  if (verdict.kind !== 'deleted') return verdict;
  const { scope, source, time } = verdict.by;
  return { kind: 'deleted', by: { scope, sstable: names.sstables[source], ...time } };
}

export function tombstoneObject(tombstone: TombstoneVersion, names: VersionNames): object {
  const { scope, column, source, time, verdict, purgeableFromSeconds } = tombstone;
  return {
    scope,
    column,
    sstable: names.sstables[source],
    ...time,
    verdict: verdictObject(verdict, names),
    purgeableFromSeconds,
  };
}

/** A row's versions, of `--json`. */
export function rowObject(row: RowHistory, names: VersionNames): object {
  return {
    static: row.isStatic,
    clustering: clusteringOf(row, names),
    liveness: row.liveness.map(({ source, liveness, verdict, purgeableFromSeconds }) => ({
      sstable: names.sstables[source],
      ...liveness,
      verdict: verdictObject(verdict, names),
      purgeableFromSeconds,
    })),
    tombstones: row.tombstones.map((tombstone) => tombstoneObject(tombstone, names)),
    cells: row.cells.map((history) => ({
      column: history.column.name,
      path: history.path && textOf(pathType(history.column.type), history.path),
      versions: history.versions.map(({ source, cell, verdict, purgeableFromSeconds }) => ({
        sstable: names.sstables[source],
        timestampMicros: cell.timestampMicros,
        value: cell.isTombstone ? undefined : valueText(history.column, cell.value, history.path),
        ttlSeconds: cell.ttlSeconds,
        localDeletionSeconds: cell.localDeletionSeconds,
        verdict: verdictObject(verdict, names),
        purgeableFromSeconds,
      })),
    })),
  };
}

function verdictText(verdict: Verdict, names: VersionNames, purgeable: number | undefined): string {
  const until = purgeable === undefined ? '' : `, purgeable from ${secondsTimeText(purgeable)}`;
  switch (verdict.kind) {
    case 'shadowed':
      return `shadowed by ${names.sstables[verdict.source]}, ${verdict.timestampMicros}`;
    case 'deleted': {
      const { scope, source, time } = verdict.by;
      return `deleted by ${scope} tombstone of ${names.sstables[source]}, ${time.markedForDeleteAtMicros}`;
    }
    case 'expired':
      return `expired ${secondsTimeText(verdict.atSeconds)}${until}`;
    case 'tombstone':
      return `tombstone${until}`;
    default:
      return verdict.kind === 'merged' ? 'part of the counter' : 'live';
  }
}

export function tombstoneText(tombstone: TombstoneVersion, names: VersionNames): string {
  const { scope, column, source, time, verdict, purgeableFromSeconds } = tombstone;
  const what = verdictText(verdict, names, purgeableFromSeconds);
  const { markedForDeleteAtMicros: at } = time;
  return `  (deletion of the ${column === undefined ? scope : `column ${column}`})\n    ${at} ${microsTimeText(at)} ${names.sstables[source]}\n      ${what}\n`;
}

function rowTitle(row: RowHistory, names: VersionNames): string {
  if (row.isStatic) return 'static row';
  const pairs = Object.entries(clusteringOf(row, names)).map(([name, value]) => `${name} = ${value}`);
  return pairs.length > 0 ? pairs.join(', ') : 'row';
}

/** A row's versions, a line for the version and one for its verdict. */
export function rowText(row: RowHistory, names: VersionNames): string {
  const lines = [`${rowTitle(row, names)}\n`];
  for (const { source, liveness, verdict, purgeableFromSeconds } of row.liveness) {
    const { timestampMicros: at } = liveness;
    lines.push(`  (row)\n    ${at} ${microsTimeText(at)} ${names.sstables[source]}\n`);
    lines.push(`      ${verdictText(verdict, names, purgeableFromSeconds)}\n`);
  }
  for (const tombstone of row.tombstones) lines.push(tombstoneText(tombstone, names));
  for (const history of row.cells) {
    lines.push(`  ${qualifierOf(history)}\n`);
    for (const { source, cell, verdict, purgeableFromSeconds } of history.versions) {
      const { timestampMicros: at } = cell;
      lines.push(`    ${at} ${microsTimeText(at)} ${names.sstables[source]}\n`);
      const value = cell.isTombstone ? '' : `${valueText(history.column, cell.value, history.path)}  `;
      lines.push(`      ${value}${verdictText(verdict, names, purgeableFromSeconds)}\n`);
    }
  }
  return lines.join('');
}

/** A row as BigTable shows it; deletions are versions without a value. */
export function bigTableText(key: string, row: RowHistory, names: VersionNames): string {
  const values = row.isStatic ? [] : Object.values(clusteringOf(row, names));
  const lines = [`${[key, ...values].join(':')}\n`];
  const family = row.isStatic ? 'static' : 'regular';
  for (const history of row.cells) {
    lines.push(`  ${family}:${qualifierOf(history)}\n`);
    for (const { cell, verdict } of history.versions) {
      const value = cell.isTombstone ? '' : ` ${valueText(history.column, cell.value, history.path)}`;
      const dead = verdict.kind === 'live' || verdict.kind === 'merged' ? '' : `  (${verdict.kind})`;
      lines.push(`    @ ${microsTimeText(cell.timestampMicros)}${value}${dead}\n`);
    }
  }
  return lines.join('');
}
