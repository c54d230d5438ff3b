/** What SELECT JSON * answers from SSTables, for tests: rows as objects, from the merged view of a table. */
import { ByteWriter } from '../../../src/bytes/writer.js';
import { columnsOfKind, type Table, type View } from '../../../src/cql/schema.js';
import type { CqlType } from '../../../src/cql/type.js';
import { componentsOf } from '../../../src/cql/values/structure.js';
import { type LiveColumn, type LiveRow, readLive } from '../../../src/engine/merge/live-view.js';
import { jsonValueWriter } from '../../../src/render/json-value.js';
import type { SSTable } from '../../../src/sstable/sstable.js';

type Json = unknown;

function jsonOf(type: CqlType, bytes: Uint8Array): Json {
  const out = new ByteWriter();
  jsonValueWriter(type)(bytes, 0, bytes.length, out);
  const value = JSON.parse(out.toString());
  const isNumber = type.kind === 'native' && (type.name === 'double' || type.name === 'float');
  return isNumber && typeof value === 'string' ? null : value; // NaN and infinities
}

function keyOf(type: CqlType, bytes: Uint8Array): string {
  const value = jsonOf(type, bytes);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function columnJson({ column: { type }, cells }: LiveColumn): Json {
  if (type.kind === 'list' && type.multiCell) return cells.map(({ value }) => jsonOf(type.element, value));
  if (type.kind === 'set' && type.multiCell) return cells.map(({ path }) => jsonOf(type.element, path!));
  if (type.kind === 'map' && type.multiCell) {
    return Object.fromEntries(cells.map(({ path, value }) => [keyOf(type.key, path!), jsonOf(type.value, value)]));
  }
  if (type.kind === 'udt' && type.multiCell) {
    const byField = new Map(cells.map(({ path, value }) => [(path![0]! << 8) | path![1]!, value]));
    return Object.fromEntries(
      type.fields.map(({ name, type: field }, i) => [name, byField.has(i) ? jsonOf(field, byField.get(i)!) : null]),
    );
  }
  return jsonOf(type, cells[0]!.value);
}

function partsOf(key: Uint8Array, components: readonly CqlType[]): Uint8Array[] {
  const found = componentsOf({ kind: 'composite', components }, key, 0, key.length);
  return found.map(({ start, end }) => key.subarray(start, end));
}

/** Rows of the table in these SSTables, one line each in the form that {@link normalLine} gives, sorted. */
export function selectLines(sstables: readonly SSTable[], definition: Table | View, nowSeconds: number): string[] {
  const of = (kind: 'partition_key' | 'clustering' | 'static' | 'regular') => columnsOfKind(definition, kind);
  const [keys, clusterings, statics, regulars] = [of('partition_key'), of('clustering'), of('static'), of('regular')];
  const dropped = 'droppedColumns' in definition ? definition.droppedColumns : [];
  const droppedAt = new Map(dropped.map(({ name, droppedTimeMicros }) => [name, droppedTimeMicros]));
  const cellsOf = (row: LiveRow | undefined, names: readonly { name: string }[]) =>
    names.map(({ name }): [string, Json] => {
      const column = row?.cells.get(name);
      const at = droppedAt.get(name);
      const cells = column?.cells.filter(({ timestampMicros }) => at === undefined || timestampMicros > at) ?? [];
      return [name, cells.length > 0 ? columnJson({ ...column!, cells }) : null];
    });
  return readLive(sstables, nowSeconds)
    .flatMap(({ key, staticRow, rows }) => {
      const parts = keys.length === 1 ? [key] : partsOf(key, keys.map(({ type }) => type)); // biome-ignore format: one line
      const keyCells = keys.map(({ name, type }, i): [string, Json] => [name, jsonOf(type, parts[i]!)]);
      const staticCells = cellsOf(staticRow, statics);
      const lines = rows.map((row): [string, Json][] => [
        ...keyCells,
        ...clusterings.map(({ name, type }, i): [string, Json] => [name, jsonOf(type, row.clustering[i]!)]),
        ...staticCells,
        ...cellsOf(row, regulars),
      ]);
      if (lines.length > 0 || !staticRow) return lines;
      const nothing = [...clusterings, ...regulars].map(({ name }): [string, Json] => [name, null]);
      return [[...keyCells, ...staticCells, ...nothing]];
    })
    .map((cells) => normalLine(Object.fromEntries(cells)))
    .sort();
}

/** A row of SELECT JSON with its columns in order and timestamps as ISO 8601 has them. */
export function normalLine(row: object): string {
  const sorted = Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(sorted, (_, value) =>
    typeof value === 'string' ? value.replace(/^(-?\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{3}Z)$/, '$1T$2') : value,
  );
}
