/** Puts together what `lsmctl verify` does: paths, schema, the SSTables one by one or on threads, the report. */
import os from 'node:os';
import { LsmctlError } from '../../bytes/errors.js';
import { diskStorage } from '../../bytes/source.js';
import { findTable, type Schema } from '../../cql/schema.js';
import { resolveSSTables } from '../../engine/data-directory.js';
import { loadSchema } from '../../engine/schema-loader.js';
import type { SSTableFiles } from '../../engine/sstable-directory.js';
import { withChains } from '../../engine/verify/chain.js';
import { makeReport, type VerifyReport } from '../../engine/verify/report.js';
import { RULES } from '../../engine/verify/rules.js';
import { type Candidate, chooseSample, type Sample, SLICE_BYTES } from '../../engine/verify/sample.js';
import type { Slice } from '../../engine/verify/slice-reader.js';
import type { Level, SSTableReport } from '../../engine/verify/verify-sstable.js';
import { COMPONENT, componentPath } from '../../sstable/descriptor.js';
import { startProgress } from '../progress.js';
import { type VerifyReply, type VerifyTask, verifyParallel } from './pool.js';
import { isWorthSplitting, SharedSSTable } from './slices.js';
import { stampOf, VerifyState } from './state.js';
import { Threads } from './threads.js';
import { verifyOne } from './verify-one.js';

export type VerifyFlags = {
  readonly quick?: boolean;
  readonly deep?: boolean;
  readonly snapshots?: boolean;
  readonly keyspace?: string | undefined;
  readonly table?: string | undefined;
  readonly schema?: string | undefined;
  readonly now: number;
  readonly jobs?: number | undefined;
  /** Bytes a second. */
  readonly 'max-rate'?: number | undefined;
  readonly sample?: Sample | undefined;
  /** In place of {@link SLICE_BYTES}. */
  readonly sliceBytes?: number;
  /** File. */
  readonly state?: string | undefined;
};

/** Stored bytes of Data.db below which threads take longer to start than they save; rows take longer than keys. */
const THREADS_BYTES = { default: 96 << 20, deep: 32 << 20, quick: Number.POSITIVE_INFINITY };

/** @throws UsageError where there is nothing to verify */
export async function verifyPaths(
  paths: readonly string[],
  flags: VerifyFlags,
  tell: { readonly notice: (line: string) => void; readonly isQuiet: boolean },
): Promise<VerifyReport> {
  const level: Level = flags.quick ? 'quick' : flags.deep || flags.sample ? 'deep' : 'default';
  const { sstables, problems } = resolveSSTables(diskStorage, paths, { snapshots: flags.snapshots ?? false });
  const chosen = sstables.filter(
    ({ place }) =>
      (flags.keyspace === undefined || place.keyspace === flags.keyspace) &&
      (flags.table === undefined || place.table === flags.table),
  );
  const sizes = chosen.map(({ descriptor }) => diskStorage.stat(componentPath(descriptor, COMPONENT.data))?.size ?? 0);
  const stamps = flags.state === undefined ? [] : chosen.map((files) => stampOf(diskStorage, files));
  const state = flags.state === undefined ? undefined : new VerifyState(flags.state, level, flags.now);
  if (state?.isResumed) tell.notice(`goes on with the run that ${flags.state} tells of`);
  const sampled = flags.sample && sampleOf(chosen, sizes, stamps, state, { ...flags, sample: flags.sample });
  const levelOf = (i: number): Level => (sampled ? (sampled.get(i) === 'whole' ? 'deep' : 'quick') : level);
  const slicesOf = (i: number) => {
    const wanted = sampled?.get(i);
    return wanted === 'whole' ? undefined : wanted;
  };
  /** Bytes of Data.db that are read of an SSTable. */
  const workOf = (i: number) => {
    const slices = slicesOf(i);
    if (slices) return (sizes[i]! / slices[0]!.of) * slices.length;
    return levelOf(i) === 'quick' ? 0 : sizes[i]!;
  };
  const reports: (SSTableReport | undefined)[] = chosen.map((files, i) =>
    state?.reportOf(prefixOf(files), stamps[i]!, levelOf(i), slicesOf(i)),
  );
  const left = chosen.flatMap((_, i) => (reports[i] ? [] : [i]));
  const total = left.reduce((sum, i) => sum + workOf(i), 0);
  const jobs = flags.jobs ?? (total < THREADS_BYTES[level] ? 1 : os.availableParallelism());
  const isSplit = (i: number) =>
    jobs > 1 && levelOf(i) !== 'quick' && isWorthSplitting(diskStorage, chosen[i]!, levelOf(i), total / jobs, jobs);
  const split = left.filter(isSplit);
  const others = left.filter((i) => !split.includes(i));
  const threads = new Threads(split.length > 0 ? jobs - 1 : Math.max(0, Math.min(jobs, others.length) - 1));
  let known: Known;
  try {
    const keyspaces = new Set(chosen.map(({ place }) => place.keyspace));
    known = await schemaOf(paths, keyspaces, flags, tell.notice);
    const progress = await startProgress('verifying', total, tell.isQuiet);
    let doneBytes = 0;
    const done = (i: number, reply: VerifyReply) => {
      const report = 'report' in reply ? reply.report : failedReport(chosen[i]!, levelOf(i), reply.failed);
      reports[i] = report;
      if ('report' in reply) state?.add(report, stamps[i]!, flags.now);
      doneBytes += workOf(i);
      progress.update(doneBytes);
    };
    const taskOf = (i: number): VerifyTask => {
      const files = chosen[i]!;
      const { keyspace, table: name, index } = files.place;
      const table = known.schema && index === undefined ? findTable(known.schema, keyspace, name) : undefined;
      const slices = slicesOf(i);
      const rate = flags['max-rate'];
      return {
        files,
        ...(slices && { slices }),
        level: levelOf(i),
        nowSeconds: flags.now,
        ...(table && { table }),
        ...(rate !== undefined && { bytesPerSecond: rate / jobs }),
      };
    };
    for (const i of split) {
      const task = taskOf(i);
      const onShare = (share: number) => progress.update(doneBytes + share * sizes[i]!);
      const shared = new SharedSSTable(task, jobs, threads, onShare);
      done(i, await verifyOne(task, undefined, (parts) => shared.gather(parts)));
      await shared.end();
    }
    await verifyParallel(
      others.map(taskOf),
      jobs,
      threads,
      (task, reply) => done(others[task]!, reply),
      (task, position) => progress.update(doneBytes + Math.min(position, sizes[others[task]!]!)),
    );
    progress.stop();
  } finally {
    threads.end();
  }
  const verified: { files: SSTableFiles; report: SSTableReport }[] = [];
  for (const [i, files] of chosen.entries()) {
    verified.push({ files, report: await withChains(diskStorage, files, reports[i]!) });
  }
  state?.end(flags.now);
  return makeReport(level, verified, problems, known.isWhole ? known.schema : undefined);
}

/** What of each SSTable is to be verified deeply: all of it, or some of its slices. */
function sampleOf(
  chosen: readonly SSTableFiles[],
  sizes: readonly number[],
  stamps: readonly string[],
  state: VerifyState | undefined,
  { sample, now, sliceBytes = SLICE_BYTES }: VerifyFlags & { readonly sample: Sample },
): Map<number, 'whole' | Slice[]> {
  const units = chosen.flatMap((files, i) => {
    const of = Math.max(1, Math.ceil(sizes[i]! / sliceBytes));
    return Array.from({ length: of }, (_, index) => ({ i, files, slice: of > 1 ? { index, of } : undefined }));
  });
  const candidates = units.map(({ i, files, slice }): Candidate => {
    const { keyspace, table } = files.place;
    const verifiedSeconds = state?.deeplyVerified(prefixOf(files), stamps[i]!, slice);
    return {
      name: `${keyspace}.${table} ${files.descriptor.prefix}`,
      bytes: sizes[i]! / (slice?.of ?? 1),
      ...(slice && { slice: slice.index }),
      ...(verifiedSeconds !== undefined && { verifiedSeconds }),
    };
  });
  const wanted = new Map<number, 'whole' | Slice[]>();
  for (const unit of [...chooseSample(candidates, sample, now)].sort((a, b) => a - b)) {
    const { i, slice } = units[unit]!;
    const known = wanted.get(i) ?? [];
    wanted.set(i, slice && known !== 'whole' ? [...known, slice] : 'whole');
  }
  for (const [i, slices] of wanted) if (slices !== 'whole' && slices.length === slices[0]!.of) wanted.set(i, 'whole');
  return wanted;
}

function prefixOf({ descriptor }: SSTableFiles): string {
  return componentPath(descriptor, '').slice(0, -1);
}

function failedReport({ descriptor }: SSTableFiles, level: Level, failed: string): SSTableReport {
  const sstable = componentPath(descriptor, '').slice(0, -1);
  const rule = 'not-verified';
  const message = `a bug of lsmctl, please report it: ${failed.split('\n').slice(0, 3).join(' ')}`;
  return {
    sstable,
    level,
    checks: [],
    bytes: 0,
    findings: [{ rule, severity: RULES[rule].severity, message, file: sstable }],
  };
}

/** What is known of the tables, and whether that is all that the node knew. */
type Known = { readonly schema?: Schema; readonly isWhole: boolean };

/** A schema that can't be had is no reason not to verify; one that was asked for by name is. */
async function schemaOf(
  paths: readonly string[],
  keyspaces: ReadonlySet<string>,
  flags: VerifyFlags,
  notice: (line: string) => void,
): Promise<Known> {
  try {
    const loaded = await loadSchema(diskStorage, paths, {
      nowSeconds: flags.now,
      keyspaces: (name) => keyspaces.has(name),
      skipsHeaders: true, // they are what is to be compared
      without: ['column_masks', 'indexes', 'triggers', 'functions', 'aggregates'],
      ...(flags.schema !== undefined && { schemaFile: flags.schema }),
    });
    if (loaded.source.kind === 'header') return { isWhole: false };
    return { schema: loaded.schema, isWhole: loaded.source.kind === 'system_schema' };
  } catch (error) {
    if (!(error instanceof LsmctlError) || flags.schema !== undefined) throw error;
    const file = error.facts.file === undefined ? '' : `${error.facts.file}: `;
    notice(`no schema to compare headers with: ${file}${error.message}`);
    return { isWhole: false };
  }
}
