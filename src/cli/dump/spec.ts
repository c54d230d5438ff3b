/** What a dump is asked for, as plain data that crosses to worker threads, and the writer that it means. */
import { UsageError } from '../../bytes/errors.js';
import { ByteWriter } from '../../bytes/writer.js';
import { stringWriter } from '../../cql/values/string.js';
import {
  type Budget,
  type FilterOptions,
  limited,
  makeFilter,
  type UnfilteredFilter,
} from '../../engine/unfiltered-filter.js';
import type { DumpContext, PartitionWriter, TextSink } from '../../render/partition-writer.js';
import { parseTableDirectory } from '../../sstable/descriptor.js';
import type { SSTable } from '../../sstable/sstable.js';
import type { UnfilteredCursor } from '../../sstable/unfiltered-cursor.js';

export const DUMP_FORMATS = ['sstabledump', 'ndjson', 'cql', 'csv', 'table'] as const;
export type DumpFormat = (typeof DUMP_FORMATS)[number];

export type DumpSpec = {
  readonly format: DumpFormat;
  /** sstabledump's `-l`, `-t` and `-d`. */
  readonly lines: boolean;
  readonly rawTimes: boolean;
  readonly debug: boolean;
  readonly filter: FilterOptions;
  /** Keys to leave out, in the form in which dumps print them. */
  readonly excluded: readonly string[];
  /** Stop after this many rows and range tombstones, over all SSTables of the dump. */
  readonly budget?: Budget;
  /** Whether chunks of an uncompressed table that fail CRC.db are printed all the same (and told), as sstabledump does. */
  readonly toleratesBadChunks: boolean;
  /** Of the table format: columns of the terminal, infinite where the text goes elsewhere. */
  readonly width: number;
};

export async function makeWriter(
  spec: DumpSpec,
  context: DumpContext,
  sstable: SSTable,
  sink: TextSink,
): Promise<PartitionWriter> {
  const { header } = sstable;
  switch (spec.format) {
    case 'sstabledump': {
      if (spec.debug) {
        const { SSTableDebugWriter } = await import('../../render/sstabledump-debug.js');
        return new SSTableDebugWriter(header, sink);
      }
      const { SSTableDumpWriter } = await import('../../render/sstabledump.js');
      const { lines, rawTimes } = spec;
      const isIndex = parseTableDirectory(sstable.descriptor.directory).index !== undefined;
      return new SSTableDumpWriter(header, { lines, rawTimes, nowSeconds: context.nowSeconds, isIndex }, sink);
    }
    case 'ndjson': {
      const { NdjsonWriter } = await import('../../render/dump-ndjson.js');
      return new NdjsonWriter(header, context, sink);
    }
    case 'cql': {
      const { CqlWriter } = await import('../../render/dump-cql.js');
      return new CqlWriter(header, context, sink);
    }
    case 'csv': {
      const { CsvWriter } = await import('../../render/dump-csv.js');
      return new CsvWriter(header, context, sink);
    }
    case 'table': {
      const { DEFAULT_LAYOUT, TableWriter } = await import('../../render/dump-table.js');
      return new TableWriter(header, context, sink, { ...DEFAULT_LAYOUT, width: spec.width });
    }
    default:
      throw new UsageError(`unknown format ${spec.format satisfies never}`);
  }
}

/** The filter of a spec; `undefined` where all is wanted. */
export function specFilter(spec: DumpSpec): UnfilteredFilter | undefined {
  const filter = makeFilter(spec.filter);
  return spec.budget ? limited(filter, spec.budget) : filter;
}

/** Whether the key under the cursor is one to leave out. */
export function exclusion(spec: DumpSpec, sstable: SSTable): ((c: UnfilteredCursor) => boolean) | undefined {
  if (spec.excluded.length === 0) return undefined;
  const excluded = new Set(spec.excluded);
  const write = stringWriter(sstable.header.keyType);
  const scratch = new ByteWriter(256);
  return (c) => {
    scratch.pos = 0;
    write(c.key, 0, c.keyLength, scratch);
    return excluded.has(scratch.toString());
  };
}
