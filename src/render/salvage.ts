/** What `lsmctl salvage` kept and could not keep: object and text. */
import path from 'node:path';
import { ByteWriter } from '../bytes/writer.js';
import type { ClusteringPrefix } from '../cql/clustering.js';
import { stringWriter } from '../cql/values/string.js';
import type { KeyName, Loss, LossCause } from '../engine/salvage/loss.js';
import type { SalvageResult } from '../engine/salvage/salvage-sstable.js';
import { COMPONENT } from '../sstable/descriptor.js';
import type { SerializationHeader } from '../sstable/serialization-header.js';
import { bytesText, countText } from './bytes.js';
import { plainText } from './plain-text.js';

type KeyReport = { readonly key: string; readonly token: string };

export type LossReport =
  | {
      readonly kind: 'partitions';
      readonly cause: LossCause;
      /** Plain bytes of Data.db. */
      readonly start: number;
      readonly end: number;
      /** Lost are tokens after `after` and before `before`; `null`: to the end of the SSTable. */
      readonly after: KeyReport | null;
      readonly before: KeyReport | null;
      /** `null`: the index does not tell. */
      readonly count: number | null;
      /** Those that the index names, at most a thousand. */
      readonly keys: readonly KeyReport[];
    }
  | {
      readonly kind: 'rows';
      readonly cause: LossCause;
      readonly partition: KeyReport;
      readonly start: number;
      readonly end: number;
      /** Clustering of the row kept before and after; `null`: from the beginning, to the end of the partition. */
      readonly after: string | null;
      readonly before: string | null;
      readonly isHeaderLost: boolean;
      readonly isStaticLost: boolean;
      readonly isRangeCut: boolean;
    };

export type SalvageReport = {
  /** Up to the component's name. */
  readonly source: string;
  /** `null` where nothing was kept, or written. */
  readonly output: string | null;
  readonly outputBytes: number | null;
  readonly kept: { readonly partitions: number; readonly rows: number; readonly rangeTombstoneBounds: number };
  readonly losses: readonly LossReport[];
  /** What is wrong beside the data. */
  readonly notes: readonly string[];
  readonly isRepairDropped: boolean;
};

export function salvageReport(result: SalvageResult): SalvageReport {
  const { source, written, header } = result;
  return {
    source: path.join(source.directory, source.prefix),
    output: written ? path.join(written.descriptor.directory, written.descriptor.prefix) : null,
    outputBytes: written?.bytesOnDisk ?? null,
    kept: { partitions: result.partitions, rows: result.rows, rangeTombstoneBounds: result.markers },
    losses: result.losses.map((loss) => lossReport(loss, header)),
    notes: result.notes,
    isRepairDropped: result.isRepairDropped,
  };
}

function lossReport(loss: Loss, header: SerializationHeader): LossReport {
  const nameOf = ({ key, token }: KeyName): KeyReport => ({ key: valueText(header.keyType, key), token });
  if (loss.kind === 'partitions') {
    const { kind, cause, start, end, after, before, keys, count } = loss;
    return {
      kind,
      cause,
      start,
      end,
      after: after ? nameOf(after) : null,
      before: before ? nameOf(before) : null,
      count: count ?? null,
      keys: keys.map(nameOf),
    };
  }
  const { after, before, partition, ...rest } = loss;
  return {
    ...rest,
    partition: nameOf(partition),
    after: after ? placeText(after, header) : null,
    before: before ? placeText(before, header) : null,
  };
}

function placeText({ values }: ClusteringPrefix, { clusteringTypes }: SerializationHeader): string {
  return `(${values.map((value, i) => (value === null ? 'null' : valueText(clusteringTypes[i]!, value))).join(', ')})`;
}

function valueText(type: SerializationHeader['keyType'], value: Uint8Array): string {
  try {
    const out = new ByteWriter(64);
    stringWriter(type)(value, 0, value.length, out);
    return out.toString();
  } catch {
    return `0x${Buffer.from(value).toString('hex')}`;
  }
}

/** Losses of an SSTable, and keys of a loss, that are told one by one. */
const MAX_LOSSES = 20;
const MAX_KEYS = 8;

/** Lines of text, the last one ended. */
export function salvageText(reports: readonly SalvageReport[], isDry: boolean): string {
  return reports.map((report) => `${section(report, isDry).join('\n')}\n`).join('\n');
}

function section(report: SalvageReport, isDry: boolean): string[] {
  const { kept, losses, output, outputBytes } = report;
  const bounds = kept.rangeTombstoneBounds === 0 ? '' : `, ${counted(kept.rangeTombstoneBounds, 'range tombstone bound')}`; // biome-ignore format: one line
  const where = output === null ? [] : [`  ${isDry ? 'would be written to' : 'written to'} ${plainText(output)} (${bytesText(outputBytes ?? 0)})`]; // biome-ignore format: one line
  return [
    plainText(report.source),
    `  kept: ${counted(kept.partitions, 'partition')}, ${counted(kept.rows, 'row')}${bounds}`,
    ...where,
    ...report.notes.map((note) => `  note: ${plainText(note)}`),
    ...(report.isRepairDropped ? ['  note: not marked as repaired any more, as data is missing'] : []),
    ...(losses.length === 0 ? ['  lost: nothing'] : losses.slice(0, MAX_LOSSES).flatMap(lossLines)),
    ...(losses.length > MAX_LOSSES ? [`  and ${countText(losses.length - MAX_LOSSES)} more (--json has all)`] : []),
  ];
}

function lossLines(loss: LossReport): string[] {
  const why = `    because: ${causeText(loss.cause)}`;
  if (loss.kind === 'partitions') {
    const count = loss.count === null ? 'an unknown number of partitions' : counted(loss.count, 'partition');
    const from = loss.after ? `after token ${loss.after.token}` : 'from the beginning';
    const to = loss.before ? `before token ${loss.before.token}` : 'to the end';
    const more = loss.keys.length > MAX_KEYS ? `, and ${countText(loss.keys.length - MAX_KEYS)} more` : '';
    const keys = loss.keys.slice(0, MAX_KEYS).map(({ key }) => plainText(key));
    return [
      `  lost: ${count}, ${from}, ${to}`,
      ...(keys.length > 0 ? [`    keys: ${keys.join(', ')}${more}`] : []),
      why,
    ];
  }
  const from = loss.after === null ? 'from its beginning' : `after ${plainText(loss.after)}`;
  const to = loss.before === null ? 'to its end' : `before ${plainText(loss.before)}`;
  const also = [
    loss.isHeaderLost && 'key and deletion are taken from its index',
    loss.isStaticLost && 'the static row is lost, if there was one',
    loss.isRangeCut && 'a range tombstone is cut to the rows that are kept',
  ].filter((text) => text !== false);
  return [
    `  lost: rows of partition ${plainText(loss.partition.key)}, ${from}, ${to}`,
    ...also.map((text) => `    ${text}`),
    why,
  ];
}

function causeText({ message, component, chunk, offset }: LossCause): string {
  const where = [
    component ?? COMPONENT.data,
    chunk === undefined ? undefined : `chunk ${countText(chunk)}`,
    offset === undefined ? undefined : `offset ${countText(offset)}`,
  ].filter((text) => text !== undefined);
  return `${where.join(', ')}: ${plainText(message)}`;
}

function counted(count: number, what: string): string {
  return `${countText(count)} ${what}${count === 1 ? '' : 's'}`;
}
