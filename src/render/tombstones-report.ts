/** What `lsmctl tombstones` found in a table, as `--json` prints it: names in place of objects, keys as CQL writes them. */

import { ByteWriter } from '../bytes/writer.js';
import type { CqlType } from '../cql/type.js';
import { stringWriter } from '../cql/values/string.js';
import type { Candidate } from '../engine/strategies/strategy.js';
import type { Culprit } from '../engine/tombstones/expiry-blockers.js';
import type { PartitionReads, ReadCounts } from '../engine/tombstones/read-counter.js';
import type { Remedy } from '../engine/tombstones/table-remedies.js';
import type { BlockerCulprits, Fate, SSTableFates, TableTombstones } from '../engine/tombstones/table-tombstones.js';
import type { Tally, TombstoneCounts } from '../engine/tombstones/tally.js';
import { keyOf, type Verdict } from '../engine/tombstones/verdict-purger.js';
import { plainText } from './plain-text.js';
import { microsTimeText, secondsTimeText } from './time.js';

export type TallyReport = {
  readonly total: number;
  readonly kinds: TombstoneCounts;
  /** Null where nothing is counted. */
  readonly oldest: string | null;
  readonly newest: string | null;
};

export type FateReport = TallyReport & {
  readonly verdict: Verdict;
  readonly cause?: string | undefined;
  readonly by?: readonly string[];
  readonly firstDroppable?: string;
  readonly lastDroppable?: string;
};

export type RemedyReport = {
  readonly sstables: readonly string[];
  readonly freedTombstones: number;
  readonly rewrittenBytes: number;
  readonly plainBytes: number;
  readonly freedPlainBytes: number;
  readonly estimatedBytesRewrittenPerByteFreed: number | null;
  readonly steps: readonly {
    readonly sstables: readonly string[];
    readonly tombstones: number;
    readonly bytes: number;
  }[];
};

export type TombstonesReport = {
  readonly table: string;
  readonly directory: string;
  readonly strategy: string;
  readonly now: string;
  readonly gcGraceSeconds: number;
  readonly warn: number;
  readonly fail: number;
  readonly rows: number;
  readonly isCommitLogRead: boolean;
  /** Null: by Statistics.db nothing is deleted and nothing expires; Data.db was not read. */
  readonly reads: {
    readonly partitions: number;
    readonly withTombstones: number;
    readonly tombstones: ReadCounts;
    readonly tally: TallyReport;
    readonly warned: ReadCounts;
    readonly failed: ReadCounts;
    readonly top: readonly {
      readonly key: string;
      readonly tombstones: ReadCounts;
      readonly liveRows: number;
      readonly tally: TallyReport;
      readonly sstables: readonly { readonly sstable: string; readonly fates: readonly FateReport[] }[];
    }[];
  } | null;
  readonly sstables: readonly {
    readonly sstable: string;
    readonly dataBytes: number;
    readonly isRead: boolean;
    readonly tombstones: number;
    readonly droppable: number;
    readonly estimatedDroppable: number;
    readonly estimatedDroppableRatio: number;
    readonly isFullyExpired: boolean;
    readonly fates: readonly FateReport[];
  }[];
  readonly remedies: readonly RemedyReport[];
  /** Tombstones that would go only by compacting SSTables of several time windows together: no remedy. */
  readonly acrossWindows: number;
  readonly expired: {
    readonly droppable: readonly string[];
    readonly held: readonly { readonly sstable: string; readonly dataBytes: number; readonly by: readonly string[] }[];
    readonly blockers: readonly BlockerReport[];
  };
  readonly windows?: readonly WindowReport[];
};

export type BlockerReport = {
  readonly sstable: string;
  readonly holds: readonly string[];
  readonly bytes: number;
  readonly aloneBytes: number;
  readonly asOld: Readonly<Record<string, number>>;
  readonly rowsWithoutTtl: number;
  readonly examples: readonly {
    readonly key: string;
    readonly row: string | null;
    readonly written: string;
    readonly cause: string;
  }[];
};

export type WindowReport = {
  readonly start: string;
  readonly sstables: number;
  readonly expected: number | null;
  readonly bytes: number;
  /** Null: something in it never expires. */
  readonly expires: string | null;
};

export type ReportContext = {
  readonly name: string;
  readonly directory: string;
  readonly strategy: string;
  readonly nowSeconds: number;
  readonly gcGraceSeconds: number;
  readonly rows: number;
  readonly warn: number;
  readonly fail: number;
  readonly keyType: CqlType;
  readonly clusteringTypes: readonly CqlType[];
  readonly isCommitLogRead: boolean;
};

export function tombstonesReport(found: TableTombstones, context: ReportContext): TombstonesReport {
  const { name, directory, strategy, nowSeconds, gcGraceSeconds, rows, warn, fail, isCommitLogRead } = context;
  const { reads, expiry, windows } = found;
  return {
    table: name,
    directory,
    strategy,
    now: secondsTimeText(nowSeconds),
    gcGraceSeconds,
    warn,
    fail,
    rows,
    isCommitLogRead,
    reads: reads
      ? {
          partitions: reads.partitions,
          withTombstones: reads.withTombstones,
          tombstones: reads.reads,
          tally: tallyReport(reads.tally),
          warned: reads.warned,
          failed: reads.failed,
          top: reads.top.map((one) => partitionReport(one, found, context)),
        }
      : null,
    sstables: found.sstables.map(sstableReport),
    remedies: found.remedies.map(remedyReport),
    acrossWindows: found.acrossWindows,
    expired: {
      droppable: expiry.droppable.map(nameOf),
      held: expiry.held.map(({ sstable, by }) => ({
        sstable: nameOf(sstable),
        dataBytes: sstable.onDiskBytes,
        by: by.map(nameOf),
      })),
      blockers: expiry.blockers.map((one) => blockerReport(one, context)),
    },
    ...(windows && {
      windows: windows.map(({ startMillis, sstables, expected, bytes, expiresSeconds }) => ({
        start: microsTimeText(startMillis * 1000n).replace('.000000', ''),
        sstables: sstables.length,
        expected: expected ?? null,
        bytes,
        expires: expiresSeconds === undefined ? null : secondsTimeText(expiresSeconds),
      })),
    }),
  };
}

function partitionReport(one: PartitionReads, { partitions }: TableTombstones, { keyType }: ReportContext) {
  return {
    key: textOf(keyType, one.key),
    tombstones: one.reads,
    liveRows: one.liveRows,
    tally: tallyReport(one.tally),
    sstables: (partitions.get(keyOf(one.key)) ?? []).map(({ sstable, fates }) => ({
      sstable: nameOf(sstable),
      fates: fates.map(fateReport),
    })),
  };
}

function sstableReport(one: SSTableFates) {
  return {
    sstable: nameOf(one.sstable),
    dataBytes: one.sstable.onDiskBytes,
    isRead: !one.isFree,
    tombstones: one.fates.reduce((sum, { tally }) => sum + tally.total, 0),
    droppable: one.droppable,
    estimatedDroppable: Math.round(one.estimatedTombstones),
    estimatedDroppableRatio: one.estimatedRatio,
    isFullyExpired: one.isExpired,
    fates: one.fates.map(fateReport),
  };
}

function fateReport({ verdict, cause, by, byUnflushed, tally, from }: Fate): FateReport {
  const holders = [...by.map(nameOf), ...(byUnflushed ? ['commit log'] : [])];
  return {
    verdict,
    ...(cause !== undefined && { cause }),
    ...(holders.length > 0 && { by: holders }),
    ...tallyReport(tally),
    ...(from && {
      firstDroppable: secondsTimeText(from.firstSeconds),
      lastDroppable: secondsTimeText(from.lastSeconds),
    }),
  };
}

function remedyReport(one: Remedy): RemedyReport {
  return {
    sstables: one.sstables.map(nameOf),
    freedTombstones: one.freed,
    rewrittenBytes: one.rewrittenBytes,
    plainBytes: one.plainBytes,
    freedPlainBytes: one.freedPlainBytes,
    estimatedBytesRewrittenPerByteFreed: one.bytesPerByte ?? null,
    steps: one.steps.map(({ sstables, frees, bytes }) => ({
      sstables: sstables.map(nameOf),
      tombstones: frees,
      bytes,
    })),
  };
}

function blockerReport(one: BlockerCulprits, context: ReportContext): BlockerReport {
  const { culprits } = one;
  return {
    sstable: nameOf(one.sstable),
    holds: one.holds.map(nameOf),
    bytes: one.bytes,
    aloneBytes: one.aloneBytes,
    asOld: culprits.counts,
    rowsWithoutTtl: culprits.rowsWithoutTtl,
    examples: culprits.examples.map((culprit) => ({
      key: textOf(context.keyType, culprit.key),
      row: rowText(culprit, context),
      written: microsTimeText(culprit.timestampMicros),
      cause: culprit.cause,
    })),
  };
}

function rowText({ clustering, isStatic }: Culprit, { clusteringTypes }: ReportContext): string | null {
  if (isStatic) return 'static';
  if (!clustering) return null;
  return clustering.map((value, i) => (value ? textOf(clusteringTypes[i]!, value) : 'null')).join(':');
}

function tallyReport(tally: Tally): TallyReport {
  const { oldestSeconds, newestSeconds } = tally;
  return {
    total: tally.total,
    kinds: tally.byKind,
    oldest: Number.isFinite(oldestSeconds) ? secondsTimeText(oldestSeconds) : null,
    newest: Number.isFinite(newestSeconds) ? secondsTimeText(newestSeconds) : null,
  };
}

function nameOf({ descriptor }: Candidate): string {
  return descriptor.prefix;
}

function textOf(type: CqlType, bytes: Uint8Array): string {
  const out = new ByteWriter(64);
  stringWriter(type)(bytes, 0, bytes.length, out);
  return plainText(out.toString());
}
