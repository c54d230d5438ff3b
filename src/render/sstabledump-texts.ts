/**
 * The fixed texts of Cassandra 5.0's `sstabledump`, in its two layouts, encoded once: `sstabledump.ts` writes them, and the kernel that helps it
 * (`dump-memory.ts`).
 */
import { Template } from '../bytes/writer.js';
import { maybeQuote } from '../cql/identifier.js';
import type { CqlType } from '../cql/type.js';
import { cellValueType, isMultiCell, pathType } from '../cql/type-facts.js';
import { jsonWriter, quotedStringWriter } from '../cql/values/json.js';
import type { ValueWriter } from '../cql/values/value-writer.js';
import type { Column } from '../sstable/row.js';
import type { SerializationHeader } from '../sstable/serialization-header.js';
import { jsonKind, type KernelColumn, type KernelSetup, stringKind } from './dump-memory.js';

export type DumpStyle = {
  /** `-l`: one partition a line, no white space. */
  readonly lines: boolean;
  /** `-t`: times as the numbers they are stored as. */
  readonly rawTimes: boolean;
  /** Decides "expired"; seconds since the epoch. */
  readonly nowSeconds: number;
  /** Whether the table is a secondary index's hidden one: partitions say so. */
  readonly isIndex?: boolean;
};

/** White space out, but for what stands within a name. A text may begin or end within quotes. */
function minify(text: string): string {
  return text.replace(/("[a-z][\w ]*")|\s+/g, (_, name?: string) => name ?? '');
}

/** What the text stands behind, which the next piece has to end. */
export const NOTHING = 0;
export const CELLS = 1;
export const NO_CELLS = 2;
export const MARKER = 3;

/** The fixed texts between the values: few and long ones, a copy has its price. */
export function templates({ lines, isIndex }: DumpStyle) {
  const t = (text: string) => new Template(lines ? minify(text) : text);
  const ends = ['', '\n        ]\n      }', ' ]\n      }', '\n      }'];
  const after = (text: string) => ends.map((end, i) => t(i === NOTHING ? text : `${end},${text}`));
  const partition = `\n  {\n    "table kind" : "${isIndex ? 'INDEX' : 'REGULAR'}",\n    "partition" : {\n      "key" : [ `;
  return {
    partition: t(partition),
    nextPartition: lines ? new Template(`\n${minify(partition)}`) : t(`,${partition}`),
    keySeparator: t(', '),
    position: t(' ],\n      "position" : '),
    partitionDeletion: t(',\n      "deletion_info" : '),
    rows: t('\n    },\n    "rows" : ['),
    endRows: ends.map((end, i) => t(i === NOTHING ? ' ]\n  }' : `${end}\n    ]\n  }`)),
    row: after('\n      {\n        "type" : "row",\n        "position" : '),
    staticRow: t('\n      {\n        "type" : "static_block",\n        "position" : '),
    clustering: t(',\n        "clustering" : [ '),
    endClustering: t(' ]'),
    liveness: t(',\n        "liveness_info" : { "tstamp" : "'),
    ttl: t('", "ttl" : '),
    expiresAt: t(', "expires_at" : "'),
    expired: t('", "expired" : true }'),
    notExpired: t('", "expired" : false }'),
    endTime: t('" }'),
    endInline: t(' }'),
    rowDeletion: t(',\n        "deletion_info" : '),
    cells: t(',\n        "cells" : ['),
    endTimeAndCells: t('" },\n        "cells" : ['),
    markedDeleted: t('{ "marked_deleted" : "'),
    localDeleteTime: t('", "local_delete_time" : "'),
    cellDeletion: t(', "deletion_info" : { "local_delete_time" : "'),
    complexDeletion: t(', "deletion_info" : '),
    tstamp: t(', "tstamp" : "'),
    quote: t('"'),
    cellTtl: t(', "ttl" : '),
    tstampBroken: t(',\n            "tstamp" : "'),
    endBroken: t('\n          }'),
    path: t(', "path" : [ '),
    endPath: t(' ]'),
    value: t(', "value" : '),
    bound: after('\n      {\n        "type" : "range_tombstone_bound"'),
    boundary: after('\n      {\n        "type" : "range_tombstone_boundary"'),
    start: t(',\n        "start" : {\n          "type" : '),
    end: t(',\n        "end" : {\n          "type" : '),
    inclusive: t('"inclusive"'),
    exclusive: t('"exclusive"'),
    boundClustering: t(',\n          "clustering" : [ '),
    boundDeletion: t(',\n          "deletion_info" : '),
    endBound: t('\n        }'),
    star: t('"*"'),
    null: t('null'),
  };
}

export type DumpTexts = ReturnType<typeof templates>;

/** What the hot loop needs of a column. Texts come as the row's first cell and as a further one. */
export type ColumnWriter = {
  readonly column: Column;
  /** `{ "name" : "x"` with the line break before it. */
  readonly name: readonly [first: Template, further: Template];
  /** The same up to the value, for simple columns. */
  readonly nameAndValue: readonly [first: Template, further: Template];
  readonly value: ValueWriter;
  readonly path: ValueWriter | undefined;
  readonly udt: Extract<CqlType, { kind: 'udt' }> | undefined;
  readonly fields: readonly { readonly name: Template; readonly value: ValueWriter }[];
};

export function columnWriter(column: Column, lines: boolean): ColumnWriter {
  const { type } = column;
  const name = JSON.stringify(maybeQuote(column.name));
  const t = (text: string): [Template, Template] => {
    const shape = (whole: string) => new Template((lines ? minify(whole) : whole).replace('NAME', () => name));
    return [shape(text), shape(`,${text}`)];
  };
  const udt = type.kind === 'udt' && isMultiCell(type) ? type : undefined;
  return {
    column,
    name: t('\n          { "name" : NAME'),
    nameAndValue: t('\n          { "name" : NAME, "value" : '),
    value: udt ? () => {} : jsonWriter(cellValueType(type)),
    path: isMultiCell(type) && !udt ? quotedStringWriter(pathType(type)) : undefined,
    udt,
    fields: (udt?.fields ?? []).map((f) => ({
      name: new Template(JSON.stringify(f.name)),
      value: jsonWriter(f.type),
    })),
  };
}

/** In the order of the kernel's numbers, see `kernel/dump-layout.lib.as.ts`; `nothing` fills those that have none. */
function kernelTexts(t: DumpTexts): Template[] {
  const nothing = new Template('');
  const texts = [
    t.partition,
    t.nextPartition,
    t.keySeparator,
    t.position,
    t.rows,
    t.clustering,
    t.endClustering,
    t.liveness,
    t.ttl,
    t.expiresAt,
    t.expired,
    t.notExpired,
    t.endTime,
    t.endInline,
    t.rowDeletion,
    t.cells,
    t.endTimeAndCells,
    t.markedDeleted,
    t.localDeleteTime,
    t.cellDeletion,
    t.complexDeletion,
    t.tstamp,
    t.quote,
    t.cellTtl,
    t.tstampBroken,
    t.endBroken,
    t.path,
    t.endPath,
    t.value,
    t.start,
    t.end,
    t.inclusive,
    t.exclusive,
    t.boundClustering,
    t.boundDeletion,
    t.endBound,
    t.star,
  ];
  while (texts.length < 40) texts.push(nothing);
  return [...texts, ...t.row, ...t.endRows, ...t.bound, ...t.boundary];
}

/** What writes the keys, clusterings and columns of a table. */
type TableWriters = {
  readonly keyComponents: readonly ValueWriter[];
  readonly clustering: readonly ValueWriter[];
  readonly regulars: readonly ColumnWriter[];
};

/** What the kernel needs, to write the same text. */
export function kernelSetup(
  t: DumpTexts,
  { keyType, clusteringTypes }: SerializationHeader,
  { rawTimes, nowSeconds }: DumpStyle,
  { keyComponents, clustering, regulars }: TableWriters,
): KernelSetup {
  const keyTypes = keyType.kind === 'composite' ? keyType.components : [keyType];
  return {
    texts: kernelTexts(t),
    key: keyTypes.map((type, i) => ({ kind: stringKind(type), write: keyComponents[i]! })),
    isComposite: keyType.kind === 'composite',
    clustering: clusteringTypes.map((type, i) => ({ kind: jsonKind(type), write: clustering[i]! })),
    columns: regulars.map(kernelColumn),
    rawTimes,
    nowSeconds,
  };
}

function kernelColumn({ column, name, nameAndValue, value, path, udt }: ColumnWriter): KernelColumn {
  const { type, isComplex } = column;
  return {
    value: { kind: udt ? 0 : jsonKind(cellValueType(type)), write: value },
    path: path && { kind: stringKind(pathType(type)), write: path },
    isComplex,
    type,
    texts: [...name, ...nameAndValue],
  };
}
