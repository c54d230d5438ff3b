/** The text of `commitlog ls`: 80 columns, no colour. */
import path from 'node:path';
import type { CdcIndex } from '../commitlog/commit-log-directory.js';
import type { SegmentDescriptor } from '../commitlog/segment-descriptor.js';
import type { SegmentFault } from '../commitlog/segment-fault.js';
import { isSystemKeyspace } from '../cql/schema.js';
import {
  type IdHole,
  type LogTotals,
  type SegmentContent,
  sumTotals,
  type TableContent,
  type TimeSpan,
} from '../engine/commitlog-inventory.js';
import type { SchemaSource } from '../engine/schema-loader.js';
import { bytesText, countText } from './bytes.js';
import { tableText } from './table.js';
import { microsTimeText } from './time.js';
import { plural, wrapWords } from './words.js';

export type ListedSegment = {
  readonly file: string;
  readonly id: number;
  readonly version: number;
  readonly bytes: number;
  readonly cdc?: CdcIndex | { readonly unmeasured: string } | undefined;
  readonly descriptor?: SegmentDescriptor;
  readonly content?: Omit<SegmentContent, 'tables'>;
  /** Why nothing is known of its content. */
  readonly unmeasured?: string;
  readonly hint?: string | undefined;
};

export type LogListing = {
  readonly segments: readonly ListedSegment[];
  /** Largest first. */
  readonly tables: readonly TableContent[];
  readonly totals: LogTotals;
  readonly holes: readonly IdHole[];
  readonly persisted:
    | { readonly sstables: number; readonly foreign: number; readonly hostId: string | undefined }
    | { readonly unmeasured: string };
  readonly schema: SchemaSource | undefined;
};

const WIDTH = 80;
const right = 'right' as const;

export function listingText(listing: LogListing, showsSystem: boolean): string {
  const blocks = [segmentsText(listing), tablesText(listing, showsSystem), findingsText(listing), summaryText(listing)];
  return blocks.filter((block) => block !== '').join('\n\n');
}

function segmentsText({ segments, persisted }: LogListing): string {
  const isMeasured = !('unmeasured' in persisted);
  const rows = segments.map((segment) => {
    const { content, descriptor } = segment;
    const name = path.basename(segment.file, '.log').replace(/^CommitLog-/, '');
    if (!content) return [name, 'unread', bytesText(segment.bytes)];
    return [
      name,
      formText(descriptor),
      bytesText(segment.bytes),
      countText(content.end.sections),
      countText(content.mutations),
      ...(isMeasured ? [countText(content.dirtyMutations)] : []),
      dayTime(content.span?.lastMicros),
    ];
  });
  const columns = [
    { title: 'segment' },
    { title: 'stored' },
    { title: 'size', align: right },
    { title: 'sections', align: right },
    { title: 'mutations', align: right },
    ...(isMeasured ? [{ title: 'dirty', align: right }] : []),
    { title: 'last write' },
  ];
  return tableText(columns, rows, { width: WIDTH });
}

function formText(descriptor: SegmentDescriptor | undefined): string {
  if (descriptor?.encryption) return 'encrypted';
  return descriptor?.compression?.className.replace(/^.*\.|Compressor$/g, '') ?? 'plain';
}

function isSystem({ table }: TableContent): boolean {
  return table !== undefined && isSystemKeyspace(table.keyspace);
}

function tablesText({ tables, persisted }: LogListing, showsSystem: boolean): string {
  const isMeasured = !('unmeasured' in persisted);
  const shown = tables.filter((table) => showsSystem || !isSystem(table));
  if (shown.length === 0) return '';
  const rows = shown.map((content) => [
    content.table ? `${content.table.keyspace}.${content.table.name}` : content.tableId,
    countText(content.mutations),
    bytesText(content.bytes),
    ...(isMeasured ? [countText(content.dirtyMutations), bytesText(content.dirtyBytes)] : []),
    dayTime(content.span?.lastMicros),
  ]);
  const columns = [
    { title: 'table' },
    { title: 'mutations', align: right },
    { title: 'size', align: right },
    ...(isMeasured
      ? [
          { title: 'dirty', align: right },
          { title: 'dirty size', align: right },
        ]
      : []),
    { title: 'last write' },
  ];
  const hidden = tables.length - shown.length;
  const more = hidden > 0 ? `\nand ${countText(hidden)} tables of Cassandra's own (--system shows them)` : '';
  return tableText(columns, rows, { width: WIDTH }) + more;
}

/** To the second: "2026-11-21 09:54:12". */
function dayTime(micros: bigint | undefined): string {
  return micros === undefined ? '' : microsTimeText(micros).slice(0, 19).replace('T', ' ');
}

function findingsText({ segments, holes, tables, schema }: LogListing): string {
  const lines: string[] = [];
  for (const { file, content, unmeasured, hint } of segments) {
    const name = path.basename(file);
    if (unmeasured !== undefined) lines.push(`${name}: ${unmeasured}${hint === undefined ? '' : ` (${hint})`}`);
    const faults = content?.faults ?? [];
    if (faults.length > 0) lines.push(`${name}: ${faultLine(faults[0]!)}${more(faults.length - 1)}`);
  }
  for (const { after, before, missing } of holes) {
    lines.push(
      `${countText(missing)} of the ids between ${after} and ${before} are not here: flushed and removed, or lost`,
    );
  }
  const unknown = tables.filter(({ table }) => !table || table.origin === 'log');
  if (unknown.length > 0 && schema) {
    const mutations = unknown.reduce((sum, table) => sum + table.mutations, 0);
    lines.push(`${countText(mutations)} mutations are of tables that the schema does not have: a node drops them`);
  }
  if (lines.length === 0) return '';
  return ['Looks wrong, or is good to know:', ...lines.map((line) => `  ${line}`)].join('\n');
}

function faultLine({ message, position, section }: SegmentFault): string {
  return `${message} (${section === undefined ? '' : `section ${section}, `}position ${position})`;
}

function more(count: number): string {
  return count > 0 ? `, and ${countText(count)} more: \`lsmctl commitlog verify\` tells what that costs` : '';
}

function summaryText({ segments, tables, totals, persisted }: LogListing): string {
  // defaults that a node writes at its start have a timestamp of 0
  const own = tables.filter((table) => !isSystem(table));
  const { span } = sumTotals(own.length > 0 ? own : tables);
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
  const lines = [
    `${plural(segments.length, 'segment')}, ${bytesText(bytes)}; ${plural(totals.mutations, 'mutation')}, ${bytesText(totals.bytes)}${spanText(span)}`,
  ];
  if ('unmeasured' in persisted) lines.push(`what SSTables hold already is not known: ${persisted.unmeasured}`);
  else {
    lines.push(
      `dirty: ${plural(totals.dirtyMutations, 'mutation')}, ${bytesText(totals.dirtyBytes)} that none of ${plural(persisted.sstables, 'SSTable')} holds: a start replays them`,
    );
    if (persisted.hostId === undefined) {
      lines.push("the data directory has no system.local: all its SSTables are taken for this node's own");
    } else if (persisted.foreign > 0) {
      lines.push(`${plural(persisted.foreign, 'SSTable')} of another host, or of none, say nothing of this log`);
    }
  }
  return lines.flatMap((line) => wrapWords(line, 0)).join('\n');
}

function spanText(span: TimeSpan | undefined): string {
  return span ? `, written ${dayTime(span.firstMicros)} to ${dayTime(span.lastMicros)}` : '';
}

/** The same for `--json`. */
export function listingJson(listing: LogListing): object {
  const totals = ({ mutations, bytes, dirtyMutations, dirtyBytes, span }: LogTotals) => {
    const isMeasured = !('unmeasured' in listing.persisted);
    return {
      mutations,
      bytes,
      ...(isMeasured && { dirtyMutations, dirtyBytes }),
      ...(span && { firstWriteMicros: span.firstMicros, lastWriteMicros: span.lastMicros }),
    };
  };
  return {
    schemaSource: listing.schema,
    persisted: listing.persisted,
    totals: totals(listing.totals),
    segments: listing.segments.map(({ content, descriptor, ...segment }) => ({
      ...segment,
      ...(descriptor && { stored: formText(descriptor) }),
      ...(content && {
        sections: content.end.sections,
        end: content.end.filePosition,
        ...totals(content),
        unreadUpdates: content.unreadUpdates,
        faults: content.faults,
      }),
    })),
    tables: listing.tables.map(({ tableId, table, ...content }) => ({
      tableId,
      ...(table && { keyspace: table.keyspace, table: table.name, isFromLog: table.origin === 'log' }),
      ...totals(content),
    })),
    holes: listing.holes,
  };
}
