/** Verifies a drill's result deeply. */

import type { ResultReport } from '../../engine/drill/report.js';
import { isWrong } from '../../engine/verify/finding.js';
import { allFindings } from '../../engine/verify/report.js';
import { verifyPaths } from '../verify/run.js';
import type { DrillFlags } from './request.js';

export type VerifiedCopy = Omit<ResultReport, 'replayedMutations' | 'replayedUpdates' | 'writtenSSTables'>;

/** @param data directories; with none there is nothing that could be wrong */
export async function verifyCopy(
  data: readonly string[],
  { now, jobs, schema }: DrillFlags,
  isQuiet: boolean,
): Promise<VerifiedCopy> {
  if (data.length === 0) {
    return { isSound: true, sstables: 0, partitions: 0, rows: 0, errors: 0, warnings: 0, findings: [] };
  }
  const flags = { deep: true, now, ...(jobs !== undefined && { jobs }), ...(schema !== undefined && { schema }) };
  const report = await verifyPaths(data, flags, { notice() {}, isQuiet });
  const { sstables, partitions, rows, errors, warnings } = report.totals;
  const findings = allFindings(report).filter(isWrong);
  return { isSound: errors === 0, sstables, partitions, rows, errors, warnings, findings };
}
