/** What looks wrong in a directory of SSTables by the names in it, and in the outcome of its transaction logs. */
import path from 'node:path';
import { LsmctlError } from '../bytes/errors.js';
import { readWhole, type Storage } from '../bytes/source.js';
import { COMPONENT } from '../sstable/descriptor.js';
import type { PathProblem } from './data-directory.js';
import type { Finding } from './inventory-finding.js';
import type { TransactionOutcome } from './lifecycle/transaction-outcome.js';
import type { SSTableDirectory } from './sstable-directory.js';

/** Places that could not be looked at. Logs that a start would refuse are told with their transactions. */
export function pathFindings(problems: readonly PathProblem[]): Finding[] {
  return problems
    .filter((problem) => problem.kind === 'unreadable')
    .map(({ path: file, message }) => ({ kind: 'unreadable', path: file, message }));
}

export function directoryFindings(storage: Storage, directory: SSTableDirectory): Finding[] {
  const at = (name: string) => path.join(directory.path, name);
  const findings: Finding[] = [];
  for (const { prefix, files, error } of directory.unsupported) {
    const hint = error.facts.hint;
    const message = `${error.message} (${files.length} ${files.length === 1 ? 'file' : 'files'})`;
    findings.push({ kind: 'unsupported', path: at(prefix), message, ...(hint !== undefined && { hint }) });
  }
  for (const { descriptor, components } of directory.orphans) {
    const message = `has no ${COMPONENT.data}, only ${components.join(', ')}`;
    findings.push({
      kind: 'orphan',
      path: at(descriptor.prefix),
      message,
      ...(directory.kind === 'live' && { hint: 'a start of the node removes these files' }),
    });
  }
  for (const name of directory.temporary) {
    findings.push({
      kind: 'temporary',
      path: at(name),
      message: 'is temporary: of a write under way, or of one that was interrupted',
      hint: 'a start of the node removes it',
    });
  }
  for (const name of directory.foreign) {
    findings.push({ kind: 'foreign', path: at(name), message: 'means nothing to Cassandra' });
  }
  return [...findings, ...manifestFindings(storage, directory)];
}

/**
 * A snapshot's manifest.json: {"files": [names of its Data.db files], "created_at", "expires_at" (4.1 and later)}. An index' files stand there
 * with their directory (`.idx/nb-1-big-Data.db`).
 */
function manifestFindings(storage: Storage, directory: SSTableDirectory): Finding[] {
  if (directory.kind !== 'snapshot' || !directory.snapshotFiles.includes('manifest.json')) return [];
  const file = path.join(directory.path, 'manifest.json');
  try {
    const manifest = JSON.parse(new TextDecoder().decode(readWhole(storage, file, 1 << 26))) as {
      files?: unknown;
    } | null;
    const files = manifest?.files;
    if (!Array.isArray(files) || !files.every((name): name is string => typeof name === 'string')) {
      return [{ kind: 'damaged', path: file, message: 'has no list of files' }];
    }
    const missing = files.filter((name) => !storage.stat(path.join(directory.path, name)));
    if (missing.length === 0) return [];
    const shown = missing.slice(0, 3).join(', ');
    const message = `names ${missing.length} of ${files.length} files that are not there: ${shown}${missing.length > 3 ? ', …' : ''}`;
    return [{ kind: 'incomplete-snapshot', path: file, message, hint: 'do not restore from it alone' }];
  } catch (error) {
    if (error instanceof SyntaxError) return [{ kind: 'damaged', path: file, message: 'is not JSON' }];
    if (!(error instanceof LsmctlError)) throw error;
    return [{ kind: 'unreadable', path: file, message: error.message }];
  }
}

const STATE_TEXT = {
  committed: 'is committed, and its old files are still there',
  aborted: 'was given up, and its new files are still there',
  unfinished: 'did not finish: its new files are no part of the data',
} as const;

/** The log itself, then each SSTable that a start would remove, or that fails its check. */
export function transactionFindings(transaction: TransactionOutcome): Finding[] {
  const file = transaction.replicas[0]!;
  if (!transaction.verified) {
    return [
      {
        kind: 'transaction',
        path: file,
        message: `${transaction.operation} log does not hold: ${transaction.problem}`,
        hint: 'a node does not start on this directory: lsmctl compact recover --dry-run tells the records; then move the log or the files away',
      },
    ];
  }
  const findings: Finding[] = [
    {
      kind: 'transaction',
      path: file,
      message: `a ${transaction.operation} ${STATE_TEXT[transaction.state]}`,
      hint: 'a start of the node cleans up, and so does lsmctl compact recover; while a node runs here it may be at work',
    },
  ];
  for (const { record, files, fate } of transaction.records) {
    if (fate !== 'delete' || record.absolutePath === undefined) continue;
    const role = record.type === 'REMOVE' ? 'replaced' : 'new, never committed';
    const message = `${role}: a start of the node removes its ${files.length} files`;
    findings.push({ kind: 'leftover', path: files[0]!.slice(0, files[0]!.lastIndexOf('-')), message });
  }
  return findings;
}
