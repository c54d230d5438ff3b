/** The object of `lsmctl drill --json`, and a line for each lost write. */
import { ByteWriter } from '../bytes/writer.js';
import type { LogTable } from '../commitlog/log-schema.js';
import { stringWriter } from '../cql/values/string.js';
import type { Damage } from '../engine/drill/crash.js';
import type { LostWrite } from '../engine/drill/loss.js';
import { type DrillReport, type DrillTable, type LossCounts, lostWrites, recoverySeconds } from '../engine/drill/report.js'; // biome-ignore format: one line

/** Keys of a table that are told one by one. */
const MOST_KEYS = 1000;

export function drillJson(report: DrillReport): object {
  const { base, log, crash, start, loss, answers, tables, compared, phases, result, limits } = report;
  return {
    directory: report.directory,
    now: report.nowSeconds,
    seed: report.seed,
    verdict: report.isPassed ? 'PASS' : 'FAIL',
    reasons: report.reasons,
    limits: limits.map(({ kind, limit, seen, isKept }) => ({
      flag: kind === 'max-time' ? 'max-time' : 'max-loss',
      unit: kind === 'max-loss-writes' ? 'writes' : 'seconds',
      limit,
      seen,
      kept: isKept,
    })),
    base,
    log: { ...log, clock: log.clock.source, newestMicros: log.clock.newestMicros },
    crash: {
      loseLast: crash.cut,
      damage: crash.damage.map(damageJson),
      neverWritten: crash.dropped.map(({ id }) => id),
    },
    start: {
      verdict: start.verdict,
      ...(start.stopsAt && { stopsAt: start.stopsAt }),
      faults: start.faults,
      replayedAs: start.replayedAs,
      stillReadable: start.stillReadable,
    },
    loss: { ...lossJson(loss), countedWrites: lostWrites({ loss, answers }), answers, unmeasured: report.unmeasured },
    tables: tables.map(tableJson),
    compared: compared.map(({ loss: counts, ...rest }) => ({ ...rest, ...lossJson(counts) })),
    recovery: { seconds: recoverySeconds(phases), phases },
    result,
    kept: report.kept,
  };
}

function lossJson({ firstMicros, lastMicros, seconds, ...counts }: LossCounts): object {
  return { ...counts, rpoSeconds: seconds, firstMicros, lastMicros };
}

function damageJson(damage: Damage): object {
  const segment = damage.segment.id;
  if (damage.kind === 'tear-at') return { kind: damage.kind, segment, offset: damage.offset };
  return damage.kind === 'flip' ? { kind: damage.kind, segment, bit: damage.bit } : { kind: damage.kind, segment };
}

function tableJson({
  tableId,
  keyspace,
  table,
  isSystem,
  log,
  writes,
  keys,
  firstMicros,
  lastMicros,
  answers,
  unmeasured,
}: DrillTable): object {
  const shown = [...keys].slice(0, MOST_KEYS);
  return {
    keyspace,
    table,
    tableId,
    isSystem,
    writes,
    keys: keys.size,
    firstMicros,
    lastMicros,
    answers,
    unmeasured,
    firstKeys: log ? shown.map((key) => keyText(log, Buffer.from(key, 'latin1'))) : [],
  };
}

export function lostWriteLine({ segmentId, position, bytes, micros, updates }: LostWrite): object {
  return {
    segment: segmentId,
    mutation: position,
    bytes,
    writtenMicros: micros,
    updates: updates.map(({ table, key, leastMicros, greatestMicros }) => ({
      keyspace: table.keyspace,
      table: table.name,
      key: keyText(table, key),
      firstWriteMicros: leastMicros,
      lastWriteMicros: greatestMicros,
    })),
  };
}

function keyText(table: LogTable, key: Uint8Array): string {
  const out = new ByteWriter(64);
  stringWriter(table.keyType)(key, 0, key.length, out);
  return out.toString();
}
