/** Some slices of a large SSTable verified deeply and the rest of it quickly: its part of a night. */
import type { Storage } from '../../bytes/source.js';
import type { SSTableFiles } from '../sstable-directory.js';
import type { Finding } from './finding.js';
import { type Gathered, openSlices, type Slice } from './slice-reader.js';
import { type SSTableReport, type VerifyOptions, verifySSTable } from './verify-sstable.js';
import type { Check } from './whole-check.js';

/** @param slices all of the same number. An SSTable that can't be taken by slices is verified deeply as a whole. */
export async function verifySlices(
  storage: Storage,
  files: SSTableFiles,
  slices: readonly Slice[],
  options: Omit<VerifyOptions, 'level'>,
): Promise<SSTableReport> {
  const quick = await verifySSTable(storage, files, { ...options, level: 'quick' });
  const reader = openSlices(storage, files, { ...options, level: 'deep' });
  const gathered: Gathered[] = [];
  for (const slice of slices) {
    const one = await reader.gather(slice);
    if (!one) return verifySSTable(storage, files, { ...options, level: 'deep' });
    gathered.push(one);
  }
  const sum = (of: (one: Gathered) => number) => gathered.reduce((total, one) => total + of(one), 0);
  const [partitions, rows, cells] = [sum((one) => one.partitions), sum((one) => one.rows), sum((one) => one.cells)];
  const { of } = slices[0]!;
  const isWrong = gathered.some(({ isSound }) => !isSound);
  const which = slices.map(({ index }) => index + 1).join(', ');
  const rowCheck: Check = {
    check: 'slices',
    state: isWrong ? 'failed' : 'incomplete',
    detail: `${slices.length === 1 ? 'slice' : 'slices'} ${which} of ${of} alone: ${partitions} partitions, ${rows} rows`,
  };
  return {
    ...quick,
    slices,
    checks: [...quick.checks, rowCheck],
    findings: unique([...quick.findings, ...gathered.flatMap(({ findings }) => findings)]),
    partitions,
    unreadPartitions: sum(({ unread }) => unread),
    rows,
    cells,
  };
}

/** Neighbours read the same chunk where they meet. */
function unique(findings: readonly Finding[]): Finding[] {
  const seen = new Set<string>();
  return findings.filter((finding) => {
    const text = JSON.stringify(finding);
    return !seen.has(text) && seen.add(text);
  });
}
