/** Holds what a salvage kept against the intact SSTable: nothing is changed or invented, and what is missing is among what is told as lost. */

import { memoryOutput } from '../../../src/bytes/sink.js';
import { diskStorage, type Storage } from '../../../src/bytes/source.js';
import { loadCompression } from '../../../src/codec/compression-params.js';
import { type ClusteringPrefix, compareClustering } from '../../../src/cql/clustering.js';
import type { Loss } from '../../../src/engine/salvage/loss.js';
import { Salvage } from '../../../src/engine/salvage/salvage.js';
import { openSalvage } from '../../../src/engine/salvage/salvage-source.js';
import { type SalvageResult, salvageSSTable } from '../../../src/engine/salvage/salvage-sstable.js';
import { isWrong } from '../../../src/engine/verify/finding.js';
import { verifySSTable } from '../../../src/engine/verify/verify-sstable.js';
import { jsonLine } from '../../../src/render/json.js';
import { type Descriptor, parseDescriptor } from '../../../src/sstable/descriptor.js';
import type { DeletionTime, Partition, Unfiltered } from '../../../src/sstable/row.js';
import { openDescriptor } from '../../../src/sstable/sstable.js';
import { SSTableWriter } from '../../../src/sstable/sstable-writer.js';
import { latestWritten } from '../../../src/sstable/version.js';

/** A row or marker, with the range deletion in effect at it. */
type Item = {
  readonly text: string;
  readonly place: ClusteringPrefix;
  readonly isRow: boolean;
  readonly open: string;
  readonly start: number;
  readonly end: number;
};

export type Content = {
  readonly key: string;
  readonly deletion: string;
  readonly statics: string;
  readonly items: readonly Item[];
  /** Plain bytes. */
  readonly start: number;
  end: number;
};

const deletionText = (deletion: DeletionTime | undefined): string =>
  deletion ? `${deletion.markedForDeleteAtMicros} ${deletion.localDeletionSeconds}` : '';

function textOf(unfiltered: Unfiltered): string {
  return jsonLine({ ...unfiltered, position: 0 });
}

function itemsOf(unfiltereds: readonly Unfiltered[]): Item[] {
  let open = '';
  return unfiltereds.map((unfiltered, i) => {
    const isRow = unfiltered.kind === 'row';
    const place: ClusteringPrefix = isRow ? { kind: 'CLUSTERING', values: unfiltered.clustering } : { kind: unfiltered.boundKind, values: unfiltered.values }; // biome-ignore format: one line
    const at = open;
    if (!isRow) open = deletionText(unfiltered.open);
    return {
      text: textOf(unfiltered),
      place,
      isRow,
      open: at,
      start: unfiltered.position,
      end: unfiltereds[i + 1]?.position ?? Number.POSITIVE_INFINITY,
    };
  });
}

/** Everything of an SSTable. */
export async function contentsOf(storage: Storage, descriptor: Descriptor): Promise<Content[]> {
  const sstable = await openDescriptor(storage, descriptor);
  try {
    const contents: Content[] = [];
    for (const partition of sstable.partitions()) {
      const before = contents.at(-1);
      if (before) before.end = partition.position;
      contents.push({ ...contentOf(partition), end: sstable.data.length });
    }
    return contents;
  } finally {
    sstable.close();
  }
}

function contentOf(partition: Partition): Content {
  const { key, deletion, staticRow, position } = partition;
  return {
    key: Buffer.from(key).toString('hex'),
    deletion: deletionText(deletion),
    statics: staticRow ? textOf(staticRow) : '',
    items: itemsOf([...partition.unfiltereds]),
    start: position,
    end: 0,
  };
}

export type Run = { readonly result: SalvageResult; readonly output: Storage; readonly descriptor: Descriptor };

/** Salvages into memory. */
export async function salvageInMemory(storage: Storage, source: Descriptor, acceptsUnchecked = false): Promise<Run> {
  const version = latestWritten([source.version]);
  const prefix = `${version.name}-1-${source.format}`;
  const { descriptor } = parseDescriptor(`/salvaged/${prefix}-Data.db`);
  const output = memoryOutput();
  const result = await salvageSSTable(storage, source, { output, descriptor }, { acceptsUnchecked });
  return { result, output, descriptor };
}

/**
 * An SSTable in memory with the partitions of another, in small chunks and blocks: damage then hits a part of it.
 * @param chunkLength 0: not compressed
 */
export async function inSmallPieces(
  source: Descriptor,
  chunkLength: number,
  storage: Storage = diskStorage,
): Promise<{ readonly files: Map<string, Uint8Array>; readonly descriptor: Descriptor }> {
  const files = new Map<string, Uint8Array>();
  const version = latestWritten([source.version]);
  const { descriptor } = parseDescriptor(`/pieces/${version.name}-1-${source.format}-Data.db`);
  const opened = await openSalvage(storage, source, { acceptsUnchecked: false });
  const compression =
    chunkLength === 0
      ? undefined
      : await loadCompression({
          compressor: 'LZ4Compressor',
          options: [],
          chunkLength,
          maxCompressedLength: 0x7fffffff,
        });
  const writer = new SSTableWriter({
    output: memoryOutput(files),
    descriptor,
    header: opened.source.header,
    partitioner: opened.source.partitioner,
    layout: { columnIndexBytes: 512, bloomFilterFpChance: 0.01, minIndexInterval: 4, compression },
    origin: { level: 3, repairedAtMillis: 1_700_000_000_000, isTransient: false, commitLogIntervals: [] },
    expectedKeys: 100,
    isOpenedEarly: false,
  });
  const { losses } = new Salvage(opened.source, writer).run();
  if (losses.length > 0) throw new Error(`${source.prefix} is not sound`);
  writer.finish();
  writer.publish();
  opened.close();
  return { files, descriptor };
}

/** What is wrong with a salvage; empty where nothing is. */
export async function judge(
  original: readonly Content[],
  run: Run,
  compareTypes: Parameters<typeof compareClustering>[0],
): Promise<string[]> {
  const wrong: string[] = [];
  const compare = compareClustering(compareTypes);
  const kept = run.result.written ? await contentsOf(run.output, run.descriptor) : [];
  if (run.result.written && run.result.losses.length > 0) wrong.push(...(await unsound(run)));
  const byKey = new Map(original.map((content) => [content.key, content]));
  const keptKeys = new Map(kept.map((content) => [content.key, content]));
  for (const content of kept) {
    const real = byKey.get(content.key);
    if (!real) wrong.push(`invented partition ${content.key}`);
    else wrong.push(...judgePartition(real, content, run.result.losses, compare));
  }
  if (kept.length !== run.result.partitions)
    wrong.push(`${kept.length} partitions kept, ${run.result.partitions} told`);
  for (const real of original) {
    if (!keptKeys.has(real.key) && !isToldLost(real, run.result.losses))
      wrong.push(`partition ${real.key} is missing and not told`);
  }
  return wrong;
}

/** What verify finds in the output. */
async function unsound({ output, descriptor }: Run): Promise<string[]> {
  const components = output.list(descriptor.directory).map((name) => name.slice(descriptor.prefix.length + 1));
  const place = { keyspace: 'salvaged', table: 'salvaged', backup: false };
  const { findings } = await verifySSTable(output, { descriptor, components, place }, { level: 'deep', nowSeconds: 1_800_000_000 }); // biome-ignore format: one line
  return findings.filter(isWrong).map(({ rule, message, component }) => `unsound: ${rule} ${component}: ${message}`);
}

function judgePartition(
  real: Content,
  seen: Content,
  losses: readonly Loss[],
  compare: (a: ClusteringPrefix, b: ClusteringPrefix) => number,
): string[] {
  const wrong: string[] = [];
  const lost = losses.filter(
    (loss) => loss.kind === 'rows' && Buffer.from(loss.partition.key).toString('hex') === real.key,
  );
  if (seen.deletion !== real.deletion) wrong.push(`${real.key}: deletion ${seen.deletion} for ${real.deletion}`);
  if (seen.statics !== real.statics) {
    const isTold = lost.some((loss) => loss.kind === 'rows' && loss.isStaticLost);
    if (seen.statics !== '' || !isTold) wrong.push(`${real.key}: static row differs`);
  }
  let at = 0;
  const keptTexts = new Set<number>();
  seen.items.forEach((item, i) => {
    const found = real.items.findIndex((other, j) => j >= at && other.text === item.text);
    if (found >= 0) {
      if (item.isRow && real.items[found]!.open !== item.open) wrong.push(`${real.key}: row under '${item.open}', was under '${real.items[found]!.open}'`); // biome-ignore format: one line
      keptTexts.add(found);
      at = found + 1;
      return;
    }
    if (item.isRow) {
      wrong.push(`${real.key}: invented row ${item.text.slice(0, 200)}`);
      return;
    }
    // a bound that was made: beside a row that was kept, or what is left of a boundary
    const values = jsonLine(item.place.values);
    const neighbour = item.place.kind.endsWith('START_BOUND') ? seen.items[i + 1] : seen.items[i - 1];
    const isBesideRow = neighbour?.isRow === true && jsonLine(neighbour.place.values) === values;
    const isHalf = real.items.some(({ place }) => place.kind.endsWith('BOUNDARY') && jsonLine(place.values) === values);
    if (!isBesideRow && !isHalf) wrong.push(`${real.key}: invented bound ${item.text}`);
    if (!lost.some((loss) => loss.kind === 'rows' && loss.isRangeCut))
      wrong.push(`${real.key}: a range is cut and not told`);
  });
  if (seen.items.length > 0 && seen.items.at(-1)!.place.kind.endsWith('START_BOUND'))
    wrong.push(`${real.key}: a range stays open`);
  real.items.forEach((item, i) => {
    if (keptTexts.has(i)) return;
    const isTold = lost.some((loss) => {
      if (loss.kind !== 'rows') return false;
      const isAfter = !loss.after || compare(item.place, loss.after) >= 0;
      return isAfter && (!loss.before || compare(item.place, loss.before) <= 0);
    });
    if (!isTold) wrong.push(`${real.key}: ${item.isRow ? 'row' : 'bound'} ${i} is missing and not told`);
  });
  return wrong;
}

function isToldLost(real: Content, losses: readonly Loss[]): boolean {
  return losses.some((loss) => {
    if (loss.kind === 'partitions') return loss.start < real.end && (!loss.before || real.start < loss.end);
    return Buffer.from(loss.partition.key).toString('hex') === real.key && !loss.before && !loss.after;
  });
}
