/** Replays a copy's commit log into SSTables beside it, as a recovery does. */
import { randomBytes } from 'node:crypto';
import { diskOutput } from '../../bytes/sink.js';
import { diskStorage } from '../../bytes/source.js';
import type { SegmentFile } from '../../commitlog/commit-log-directory.js';
import type { LogSchema, LogTable } from '../../commitlog/log-schema.js';
import type { CipherOf } from '../../commitlog/section-decoder.js';
import type { Persisted } from '../../engine/commitlog-persisted.js';
import { type LogReplayResult, replayLog } from '../../engine/replay/log-replay.js';
import { ReplayOutput } from '../../engine/replay/replay-output.js';
import { TablePlaces } from '../../engine/replay/table-places.js';
import { drive } from '../commitlog/log-context.js';

export const MEMTABLE_BYTES = 128 << 20;

export type DrillReplay = {
  readonly segments: readonly SegmentFile[];
  readonly schema: LogSchema;
  readonly persisted: Persisted;
  readonly cipherOf: CipherOf;
  readonly skipsDamage: boolean;
  /** Data directories, whose SSTables the new ones are like. */
  readonly data: readonly string[];
  /** Where the new ones go, laid out as a data directory. */
  readonly target: string;
  readonly nowSeconds: number;
  readonly memtableBytes: number;
  /** All by default. */
  readonly wantsTable?: (table: LogTable) => boolean;
};

export type DrillReplayed = LogReplayResult & { readonly sstables: number };

/** @throws CorruptError where a node's start would stop and damage is not skipped; UsageError, UnsupportedError */
export async function replayInto(replay: DrillReplay): Promise<DrillReplayed> {
  const { segments, schema, persisted, cipherOf, skipsDamage, data, target, nowSeconds, wantsTable, memtableBytes } =
    replay;
  const places = new TablePlaces(diskStorage, data, segments.at(-1)?.version ?? 8);
  const output = new ReplayOutput({
    storage: diskStorage,
    output: diskOutput,
    places,
    target: { kind: 'aside', directory: target },
    hostId: undefined,
    nowMillis: nowSeconds * 1000,
    randomBits: () => randomBytes(8).readBigUInt64BE(),
    drive: (walk) => drive(walk),
  });
  const result = await replayLog(diskStorage, segments, {
    schema,
    persisted,
    cipherOf,
    skipsDamage,
    formOf: (table) => places.formOf(table),
    memtableBytes,
    flush: output.flush,
    drive: (walk) => drive(walk),
    wantsTable,
  });
  output.complete();
  const sstables = [...output.written().values()].reduce((sum, { sstables: written }) => sum + written.length, 0);
  return { ...result, sstables };
}
