/** Puts together what the log lost and what is not answered any more. */
import type { LossTally } from '../../engine/drill/loss.js';
import type { AnswerLoss, DrillTable, LossCounts } from '../../engine/drill/report.js';
import type { TableAnswers } from './compare.js';

/** @param newestMicros of the log's writes */
export function lossCounts(tally: LossTally, newestMicros: number | undefined): LossCounts {
  const { writes, systemWrites, bytes, keys, firstMicros, lastMicros } = tally;
  const tables = tally.tables().filter(({ isSystem }) => !isSystem).length;
  const span = firstMicros === undefined || newestMicros === undefined ? 0 : newestMicros - firstMicros;
  return { writes, systemWrites, bytes, tables, keys, firstMicros, lastMicros, seconds: Math.max(0, span) / 1e6 };
}

/** Of the log's lost writes, and of rows that only SSTables held. @param newest write of all, microseconds */
export function lostSeconds(
  { writes, seconds, firstMicros }: LossCounts,
  compared: readonly TableAnswers[] | undefined,
  newest: number | undefined,
): number {
  if (writes > 0 && firstMicros === undefined) return Number.POSITIVE_INFINITY; // not known is not none
  const firsts = (compared ?? []).flatMap(({ firstMicros }) => firstMicros ?? []);
  if (firsts.length === 0 || newest === undefined) return seconds;
  return Math.max(seconds, (newest - Math.min(...firsts)) / 1e6);
}

export function sumAnswers(compared: readonly TableAnswers[]): AnswerLoss {
  const sum = { gone: 0, older: 0, back: 0, keys: 0, notInLog: 0 };
  for (const { answers } of compared) {
    if ('unmeasured' in answers) continue;
    for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += answers[name];
  }
  return sum;
}

/** Tables of which the log lost writes, then those that answer less all the same. */
export function drillTables(lost: LossTally, compared: readonly TableAnswers[] | undefined): DrillTable[] {
  const answersOf = new Map((compared ?? []).map((one) => [`${one.keyspace}.${one.table}`, one]));
  const shown = (answers: TableAnswers['answers'] | undefined): Pick<DrillTable, 'answers' | 'unmeasured'> =>
    !answers ? {} : 'unmeasured' in answers ? answers : { answers };
  const tables = lost.tables().map(({ table: log, ...rest }): DrillTable => {
    const name = `${log.keyspace}.${log.name}`;
    const answers = answersOf.get(name)?.answers;
    answersOf.delete(name);
    return { ...rest, log, keyspace: log.keyspace, table: log.name, ...shown(answers) };
  });
  const others = [...answersOf.values()].filter(
    ({ answers }) => 'unmeasured' in answers || answers.gone + answers.older + answers.back > 0,
  );
  return [
    ...tables,
    ...others.map(({ keyspace, table, answers }) => ({
      tableId: undefined,
      keyspace,
      table,
      isSystem: false,
      log: undefined,
      writes: 0,
      keys: new Set<string>(),
      firstMicros: undefined,
      lastMicros: undefined,
      ...shown(answers),
    })),
  ];
}
