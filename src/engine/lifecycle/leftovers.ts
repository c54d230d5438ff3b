/**
 * What transaction logs leave of a directory: SSTables of an unfinished transaction's making, or already replaced by a committed one, are no
 * part of the data, though their files are still there.
 */
import path from 'node:path';
import { LsmctlError } from '../../bytes/errors.js';
import type { Storage } from '../../bytes/source.js';
import { componentPath } from '../../sstable/descriptor.js';
import type { SSTableDirectory, SSTableFiles } from '../sstable-directory.js';
import { decideTransaction, type Listing, type TransactionOutcome } from './transaction-outcome.js';

/** An SSTable that readers disregard, and the log that says so. */
export type LeftoverSSTable = SSTableFiles & { readonly transaction: TransactionOutcome };

export type LeftoverSearch = {
  readonly transactions: readonly TransactionOutcome[];
  /** Logs that could not be read, and why. */
  readonly unreadable: readonly { readonly file: string; readonly error: LsmctlError }[];
};

/** Decides every transaction log of `directories`; the replicas of one log are told by their file name. */
export function decideTransactions(
  storage: Storage,
  directories: readonly SSTableDirectory[],
  listing: Listing,
): LeftoverSearch {
  const byName = new Map<string, string[]>();
  for (const directory of directories) {
    for (const name of directory.transactionLogs) {
      const replicas = byName.get(name) ?? [];
      replicas.push(path.join(directory.path, name));
      byName.set(name, replicas);
    }
  }
  const transactions: TransactionOutcome[] = [];
  const unreadable: { file: string; error: LsmctlError }[] = [];
  for (const replicas of byName.values()) {
    try {
      transactions.push(decideTransaction(storage, replicas, listing));
    } catch (error) {
      if (!(error instanceof LsmctlError)) throw error;
      unreadable.push({ file: error.facts.file ?? replicas[0]!, error });
    }
  }
  return { transactions, unreadable };
}

/** `directory` with its leftovers told from its SSTables. */
export function withoutLeftovers(
  directory: SSTableDirectory,
  transactions: readonly TransactionOutcome[],
): SSTableDirectory {
  const owner = new Map<string, TransactionOutcome>();
  for (const transaction of transactions) {
    for (const file of transaction.disregarded) owner.set(path.resolve(file), transaction);
  }
  if (owner.size === 0) return directory;
  const transactionOf = ({ descriptor, components }: SSTableFiles) =>
    owner.get(path.resolve(componentPath(descriptor, components[0]!)));
  const leftovers: LeftoverSSTable[] = [];
  const keep = (sstable: SSTableFiles) => {
    const transaction = transactionOf(sstable);
    if (transaction) leftovers.push({ ...sstable, transaction });
    return transaction === undefined;
  };
  const sstables = directory.sstables.filter(keep);
  const orphans = directory.orphans.filter(keep);
  return { ...directory, sstables, orphans, leftovers };
}
