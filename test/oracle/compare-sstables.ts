/**
 * Two SSTables side by side: one that Cassandra wrote, one that lsmctl wrote of the same. They are to be equal but for
 *
 *   the id, and the host in Statistics.db             left out
 *   components of secondary indexes                   left out: lsmctl writes none
 *   Data.db as stored, where a codec packs the same plain bytes otherwise, and what follows of it: chunk offsets, digest, compression ratio
 *                                                     told as `stored`, once
 */
import { existsSync, readFileSync } from 'node:fs';
import { diskStorage } from '../../src/bytes/source.js';
import { ByteWriter } from '../../src/bytes/writer.js';
import type { CqlType } from '../../src/cql/type.js';
import { jsonWriter } from '../../src/cql/values/json.js';
import { textOf } from '../../src/cql/values/value-writer.js';
import { readCompressionParameters } from '../../src/sstable/compression-info.js';
import { COMPONENT, componentPath, type Descriptor, parseDescriptor } from '../../src/sstable/descriptor.js';
import { readPartition } from '../../src/sstable/partition-view.js';
import type { Unfiltered } from '../../src/sstable/row.js';
import { openDescriptor, type SSTable } from '../../src/sstable/sstable.js';
import { readStatistics } from '../../src/sstable/statistics.js';
import { isIndexComponent, readToc } from '../../src/sstable/toc.js';

export type Difference = {
  /** `stored`: of compressed bytes only, whose plain bytes are equal. */
  readonly kind: 'content' | 'stored';
  readonly component: string;
  /** What of the component: a field, or the offset (of the plain bytes, for Data.db) of the first byte that differs. */
  readonly at: string | number;
  readonly expected: string;
  readonly seen: string;
  /** The partition, and the row or marker, that hold the byte; as both have them. */
  readonly where?: string;
};

/** Components whose bytes must be equal as they are. */
const EXACT: readonly string[] = [
  COMPONENT.index,
  COMPONENT.summary,
  COMPONENT.partitions,
  COMPONENT.rows,
  COMPONENT.filter,
];

/** A CRC.db that does not fit its data is a difference like any other. */
const TOLERANT = { onBadChunk: () => {} };

/** What differs between two SSTables, each named by its Data.db. Empty: nothing. @throws LsmctlError where one can't be read */
export async function compareSSTables(expected: string, seen: string): Promise<Difference[]> {
  const pair = [expected, seen].map((file) => parseDescriptor(file).descriptor) as [Descriptor, Descriptor];
  const [theirs, ours] = await Promise.all(pair.map((descriptor) => openDescriptor(diskStorage, descriptor, TOLERANT)));
  try {
    const data = compareData(theirs!, ours!);
    const isStored = data.length === 0 && differsAt(file(pair[0], COMPONENT.data), file(pair[1], COMPONENT.data)) >= 0;
    const differences = [
      ...data,
      ...EXACT.flatMap((component) => compareBytes(component, ...pair)),
      ...compareStatistics(...pair, isStored),
      ...compareCompression(...pair),
      ...compareToc(...pair),
    ];
    if (data.length > 0) return differences;
    if (isStored) return [...differences, storedDifference(...pair)];
    const rest = [COMPONENT.compressionInfo, COMPONENT.digest, COMPONENT.crc];
    return [...differences, ...rest.flatMap((component) => compareBytes(component, ...pair))];
  } finally {
    theirs!.close();
    ours!.close();
  }
}

/** For people, on a line or three. */
export function differenceText({ kind, component, at, expected, seen, where }: Difference): string {
  const place = typeof at === 'number' ? `at ${at}` : at;
  const head = `${component} ${place}${kind === 'stored' ? ' (plain bytes are equal)' : ''}: expected ${expected}, seen ${seen}`;
  return where ? `${head}\n${where}` : head;
}

function file(descriptor: Descriptor, component: string): Buffer {
  const path = componentPath(descriptor, component);
  return existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
}

/** Index of the first byte that differs, or -1. */
function differsAt(a: Uint8Array, b: Uint8Array): number {
  if (Buffer.compare(a, b) === 0) return -1;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return i;
  return length;
}

/** Some bytes before and after an offset, the one at it marked. */
function bytesAround(bytes: Uint8Array, at: number): string {
  const hex = (start: number, end: number) => Buffer.from(bytes.subarray(Math.max(0, start), end)).toString('hex');
  return `${hex(at - 12, at)}[${at < bytes.length ? hex(at, at + 1) : 'end'}]${hex(at + 1, at + 12)} of ${bytes.length} bytes`;
}

function bytesDifference(component: string, theirs: Uint8Array, ours: Uint8Array): Difference[] {
  const at = differsAt(theirs, ours);
  if (at < 0) return [];
  return [{ kind: 'content', component, at, expected: bytesAround(theirs, at), seen: bytesAround(ours, at) }];
}

function compareBytes(component: string, theirs: Descriptor, ours: Descriptor): Difference[] {
  const [a, b] = [theirs, ours].map((descriptor) => existsSync(componentPath(descriptor, component)));
  if (a !== b) {
    const says = (there: boolean | undefined) => (there ? 'a file' : 'no file');
    return [{ kind: 'content', component, at: 'presence', expected: says(a), seen: says(b) }];
  }
  return bytesDifference(component, file(theirs, component), file(ours, component));
}

function plainBytes({ data }: SSTable): Uint8Array {
  const bytes = new Uint8Array(data.length);
  data.read(0, bytes, 0, bytes.length, bytes.length);
  return bytes;
}

function compareData(theirs: SSTable, ours: SSTable): Difference[] {
  const [difference] = bytesDifference(COMPONENT.data, plainBytes(theirs), plainBytes(ours));
  if (!difference) return [];
  const at = Number(difference.at);
  return [{ ...difference, where: `  expected: ${placeOf(theirs, at)}\n  seen:     ${placeOf(ours, at)}` }];
}

/** The partition and the row or marker that hold a byte of the plain data, as text. */
export function placeOf(sstable: SSTable, offset: number): string {
  const cursor = sstable.cursor();
  let place = 'the end';
  while (cursor.nextPartition()) {
    if (cursor.partitionPosition > offset) break;
    const { header } = sstable;
    const partition = readPartition(cursor);
    const deletion = partition.deletion ? ` deleted ${deletionText(partition.deletion)}` : '';
    const key = `partition ${valueText(header.keyType, partition.key)} (at ${partition.position})${deletion}`;
    place = key;
    const all = partition.staticRow ? [partition.staticRow, ...partition.unfiltereds] : partition.unfiltereds;
    for (const unfiltered of all) {
      if (unfiltered.position > offset) break;
      place = `${key}, ${unfilteredText(unfiltered, header.clusteringTypes)}`;
    }
  }
  return place;
}

function valueText(type: CqlType, value: Uint8Array | null): string {
  if (value === null) return 'null';
  const hex = `0x${Buffer.from(value.subarray(0, 40)).toString('hex')}`;
  try {
    return value.length > 200
      ? `${hex}… (${value.length} bytes)`
      : textOf(jsonWriter(type), value, new ByteWriter(256));
  } catch {
    return hex;
  }
}

function deletionText(deletion: { markedForDeleteAtMicros: bigint; localDeletionSeconds: number }): string {
  return `${deletion.markedForDeleteAtMicros}/${deletion.localDeletionSeconds}`;
}

function unfilteredText(unfiltered: Unfiltered, types: readonly CqlType[]): string {
  const values = unfiltered.kind === 'row' ? unfiltered.clustering : unfiltered.values;
  const clustering = values.map((value, i) => valueText(types[i]!, value)).join(':');
  if (unfiltered.kind === 'marker') {
    const { boundKind, close, open, position } = unfiltered;
    const sides = [close && `closes ${deletionText(close)}`, open && `opens ${deletionText(open)}`].filter(Boolean);
    return `${boundKind} ${clustering} (at ${position}) ${sides.join(' ')}`;
  }
  const { liveness, deletion, cells, complexDeletions, position, isStatic } = unfiltered;
  const parts = [
    isStatic ? 'static row' : `row ${clustering}`,
    `(at ${position})`,
    liveness &&
      `live ${liveness.timestampMicros} ttl ${liveness.ttlSeconds ?? '-'}/${liveness.localExpirationSeconds ?? '-'}`,
    deletion && `deleted ${deletionText(deletion)}`,
    ...complexDeletions.map(({ column, deletion: of }) => `${column.name} deleted ${deletionText(of)}`),
    ...cells.slice(0, 12).map(cellText),
    cells.length > 12 && `… ${cells.length} cells`,
  ];
  return parts.filter(Boolean).join(' ');
}

function cellText(cell: Extract<Unfiltered, { kind: 'row' }>['cells'][number]): string {
  const path = cell.path ? `[${Buffer.from(cell.path).toString('hex')}]` : '';
  const expiry = `${cell.ttlSeconds ? ` ttl ${cell.ttlSeconds}` : ''}${cell.localDeletionSeconds ? `/${cell.localDeletionSeconds}` : ''}`;
  const value = cell.isTombstone ? 'tombstone' : Buffer.from(cell.value.subarray(0, 16)).toString('hex');
  return `{${cell.column.name}${path}=${value} @${cell.timestampMicros}${expiry}}`;
}

/** Fields of Statistics.db that tell who wrote it, and when. */
const IDENTITY = new Set(['stats.originatingHostId']);

function compareStatistics(theirs: Descriptor, ours: Descriptor, isStored: boolean): Difference[] {
  const [a, b] = [theirs, ours].map((descriptor) => readStatistics(diskStorage, descriptor)) as [
    ReturnType<typeof readStatistics>,
    ReturnType<typeof readStatistics>,
  ];
  const fields = [...differentFields(a.parts(), b.parts(), '')].filter(({ at }) => !IDENTITY.has(at));
  const wanted = fields.filter(({ at }) => !(isStored && at === 'stats.compressionRatio'));
  return wanted.map(({ at, expected, seen }) => ({
    kind: 'content',
    component: COMPONENT.statistics,
    at,
    expected,
    seen,
  }));
}

type FieldDifference = { readonly at: string; readonly expected: string; readonly seen: string };

/** The leaves in which two decoded values differ. Columns and types of the header are compared as stored. */
function* differentFields(a: unknown, b: unknown, path: string): Generator<FieldDifference> {
  if (isParent(a) && isParent(b) && Array.isArray(a) === Array.isArray(b)) {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
    for (const key of keys) {
      const below = path === '' ? key : `${path}.${key}`;
      if (!DERIVED.has(below)) yield* differentFields(a[key], b[key], below);
    }
    return;
  }
  const [expected, seen] = [leafText(a), leafText(b)];
  if (expected !== seen) yield { at: path, expected, seen };
}

/** Of the header, what is made from what is stored. */
const DERIVED = new Set([
  'header.keyType',
  'header.clusteringTypes',
  'header.staticColumns',
  'header.regularColumns',
  'stats.estimatedTombstoneDropTime.bins',
]);

function isParent(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !ArrayBuffer.isView(value);
}

function leafText(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString('hex')}`;
  if (ArrayBuffer.isView(value)) return `[${(value as Int32Array).join(' ')}]`;
  return Object.is(value, -0) ? '-0' : String(value);
}

function compareCompression(theirs: Descriptor, ours: Descriptor): Difference[] {
  const [a, b] = [theirs, ours].map((descriptor) => {
    const parameters = readCompressionParameters(diskStorage, descriptor);
    return parameters && { ...parameters, file: undefined };
  });
  const component = COMPONENT.compressionInfo;
  return [...differentFields(a, b, 'parameters')].map((field) => ({ kind: 'content', component, ...field }));
}

function compareToc(theirs: Descriptor, ours: Descriptor): Difference[] {
  const [a, b] = [theirs, ours].map((descriptor) =>
    readToc(diskStorage, descriptor)
      .filter((component) => !isIndexComponent(component))
      .sort()
      .join(' '),
  ) as [string, string];
  return a === b ? [] : [{ kind: 'content', component: COMPONENT.toc, at: 'names', expected: a, seen: b }];
}

function storedDifference(theirs: Descriptor, ours: Descriptor): Difference {
  const [a, b] = [file(theirs, COMPONENT.data), file(ours, COMPONENT.data)];
  const at = differsAt(a, b);
  return { kind: 'stored', component: COMPONENT.data, at, expected: bytesAround(a, at), seen: bytesAround(b, at) };
}
