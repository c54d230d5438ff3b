/**
 * Transaction logs against what Cassandra 5.0.9 made of the same directories (../../golden/transaction-logs.json, made by
 * ../../oracle/java/TransactionLogs.java).
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/bytes/errors.js';
import { type FileStat, memorySource, type Storage } from '../../../src/bytes/source.js';
import {
  decodeLines,
  encodeRecords,
  formatLogName,
  makeFileRecord,
  makeFinalRecord,
  parseLogName,
  parseRecord,
} from '../../../src/engine/lifecycle/transaction-log.js';
import { decideTransaction } from '../../../src/engine/lifecycle/transaction-outcome.js';

type Case = {
  readonly name: string;
  readonly base: string;
  readonly files: Readonly<Record<string, number>>;
  readonly logs: Readonly<Record<string, string>>;
  readonly temporary: readonly string[] | null;
  readonly accepted: boolean;
  readonly deleted: readonly string[];
};
const cases = JSON.parse(
  readFileSync(new URL('../../golden/transaction-logs.json', import.meta.url), 'utf8'),
) as readonly Case[];

/** The case's directories in memory, below `base` (default: where Cassandra saw them). */
function storageOf(c: Case, base = c.base): Storage {
  const mtimes = new Map(Object.entries(c.files).map(([name, time]) => [path.join(base, name), time]));
  const texts = new Map(
    Object.entries(c.logs).map(([name, text]) => [path.join(base, name), Buffer.from(text, 'base64')]),
  );
  const all = [...mtimes.keys(), ...texts.keys()].sort();
  return {
    open: (file) => memorySource(texts.get(file)!, file),
    list: (directory) => all.filter((file) => path.dirname(file) === directory).map((file) => path.basename(file)),
    stat(file): FileStat | undefined {
      const mtimeMillis = mtimes.get(file);
      if (mtimeMillis === undefined) return undefined;
      return { size: 1, isDirectory: false, isFile: true, mtimeMillis, inode: file, links: 1 };
    },
  };
}

function decide(c: Case, base = c.base) {
  const storage = storageOf(c, base);
  const replicas = Object.keys(c.logs).map((name) => path.join(base, name));
  return { replicas, outcome: decideTransaction(storage, replicas, (directory) => storage.list(directory)) };
}

function hasLogOnEachDisk(c: Case): boolean {
  return Object.keys(c.logs).length === new Set(Object.keys(c.files).map(path.dirname)).size;
}

function relative(base: string, files: readonly string[]): string[] {
  return files.map((file) => path.relative(base, file)).sort();
}

describe('a transaction log is taken as Cassandra takes it', () => {
  it('has every case', () => expect(cases.length).toBeGreaterThan(80));

  it.each(cases)('$name', (c) => {
    const { outcome, replicas } = decide(c);
    expect(outcome.verified).toBe(c.accepted);
    const doomed = outcome.records.filter((r) => r.fate === 'delete').flatMap((r) => r.files);
    const deleted = [...new Set([...doomed, ...(outcome.verified ? replicas : [])])];
    expect(relative(c.base, deleted)).toEqual([...c.deleted].sort());
    expect(outcome.problem === undefined).toBe(c.accepted);
    // Cassandra lists each disk by its own replica; where these differ, lsmctl goes by all of them.
    if (new Set(Object.values(c.logs)).size === 1 && hasLogOnEachDisk(c)) {
      expect(relative(c.base, [...new Set(outcome.disregarded)])).toEqual(c.temporary ?? []);
    }
  });

  it('finds the files of a data directory that was moved', () => {
    for (const c of cases.filter((one) => one.accepted && hasLogOnEachDisk(one))) {
      const base = `/elsewhere/${c.name}`;
      const deleted = (at: string) =>
        relative(at, decide(c, at).outcome.records.filter((r) => r.fate === 'delete').flatMap((r) => r.files)); // biome-ignore format: one line
      expect(deleted(base)).toEqual(deleted(c.base));
    }
  });
});

describe('records', () => {
  it('are written as Cassandra writes them', () => {
    let count = 0;
    for (const text of cases.filter((c) => c.accepted).flatMap((c) => Object.values(c.logs))) {
      for (const line of decodeLines(Buffer.from(text, 'base64'))!) {
        const record = parseRecord(line);
        const canonical = /^(ADD|REMOVE):\[\/|^(COMMIT|ABORT):\[,0,0\]/.test(line);
        if (record.error !== undefined || !canonical || record.type === 'UNKNOWN') continue;
        const made =
          record.type === 'ADD' || record.type === 'REMOVE'
            ? makeFileRecord(record.type, record.absolutePath!, Number(record.updateTimeMillis), record.numFiles)
            : makeFinalRecord(record.type);
        expect(made).toEqual(record);
        expect(encodeRecords([made])).toBe(`${line}\n`);
        count++;
      }
    }
    expect(count).toBeGreaterThan(100);
  });

  it('have the checksum of a log that Cassandra committed', () => {
    expect(makeFinalRecord('COMMIT').raw).toBe('COMMIT:[,0,0][2613697770]');
  });

  it('cannot name a path with a comma', () => {
    expect(() => makeFileRecord('ADD', '/a,b/oa-1-big-', 0, 1)).toThrow(UsageError);
  });
});

describe('names of logs', () => {
  const id = '8ad5a3f0-e54e-11f1-98cd-d3aa1f4bbca0';
  it.each([
    [`oa_txn_compaction_${id}.log`, { version: 'oa', operation: 'compaction', id }],
    [`bti-da_txn_flush_${id}.log`, { version: 'bti-da', operation: 'flush', id }],
    [`txn_anticompactionafterrepair_${id}.log`, { operation: 'anticompactionafterrepair', id }],
    ['CommitLog-8-1.log', undefined],
    ['oa-1-big-Data.db', undefined],
  ])('%s', (name, parts) => expect(parseLogName(name)).toEqual(parts));

  it('are formed by format', () => {
    expect(formatLogName('big', 'oa', 'compaction', id)).toBe(`oa_txn_compaction_${id}.log`);
    expect(formatLogName('bti', 'da', 'flush', id)).toBe(`bti-da_txn_flush_${id}.log`);
  });
});
