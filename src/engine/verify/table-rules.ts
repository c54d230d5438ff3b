/** What is wrong between the SSTables of a table, though each for itself may be sound. */
import path from 'node:path';
import { findKeyspace, findTable, type Schema } from '../../cql/schema.js';
import type { CqlType } from '../../cql/type.js';
import { componentPath } from '../../sstable/descriptor.js';
import {
  compareDecorated,
  type DecoratedKey,
  decorate,
  type Partitioner,
  partitionerOf,
} from '../../sstable/partitioner.js';
import type { SSTableFiles } from '../sstable-directory.js';
import { type Finding, FindingLog } from './finding.js';
import type { TableFacts } from './verify-sstable.js';

/** An SSTable with what its own verification told. */
export type TableMember = { readonly files: SSTableFiles; readonly facts?: TableFacts; readonly keyType?: CqlType };

/** @param members live SSTables of one table, without those of its indexes, of all its directories */
export function tableFindings(members: readonly TableMember[]): Finding[] {
  const log = new FindingLog('');
  duplicateGenerations(members, log);
  const known = members.flatMap(({ files, facts }) => (facts ? [{ files, facts }] : []));
  const partitioners = new Set(known.map(({ facts }) => facts.partitioner));
  if (partitioners.size > 1) {
    const usual = mostOf(known.map(({ facts }) => facts.partitioner));
    for (const { files, facts } of known) {
      if (facts.partitioner === usual) continue;
      log.add('partitioner-mixed', 'has another partitioner than most SSTables of its table', {
        file: prefixOf(files),
        seen: facts.partitioner,
        expected: usual,
      });
    }
    return log.finish();
  }
  const [className] = partitioners;
  if (className === undefined || /LocalPartitioner/.test(className)) return log.finish();
  const partitioner = partitionerOf(className);
  const spans = known.map(({ files, facts }) => spanOf(files, facts, partitioner));
  overlapsOfLevels(spans, partitioner, log);
  mixedRepair(spans, partitioner, log);
  return log.finish();
}

type Span = {
  readonly files: SSTableFiles;
  readonly facts: TableFacts;
  readonly first: DecoratedKey;
  readonly last: DecoratedKey;
};

function spanOf(files: SSTableFiles, facts: TableFacts, partitioner: Partitioner): Span {
  return { files, facts, first: decorate(partitioner, facts.firstKey), last: decorate(partitioner, facts.lastKey) };
}

function prefixOf({ descriptor }: SSTableFiles): string {
  return componentPath(descriptor, '').slice(0, -1);
}

function duplicateGenerations(members: readonly TableMember[], log: FindingLog): void {
  const byId = new Map<string, SSTableFiles>();
  for (const { files } of members) {
    const other = byId.get(files.descriptor.id);
    if (!other) byId.set(files.descriptor.id, files);
    else {
      log.add('generation-duplicate', `generation ${files.descriptor.id} is there twice in the table`, {
        file: prefixOf(files),
        seen: prefixOf(other),
      });
    }
  }
}

/** SSTables that differ in their repair state have levels of their own. */
function overlapsOfLevels(spans: readonly Span[], partitioner: Partitioner, log: FindingLog): void {
  const groups = new Map<string, Span[]>();
  for (const span of spans) {
    const { level, repairedAtMillis, pendingRepair = '' } = span.facts;
    if (level <= 0) continue;
    const key = `${level} ${repairedAtMillis > 0} ${pendingRepair}`;
    groups.set(key, [...(groups.get(key) ?? []), span]);
  }
  for (const group of groups.values()) {
    const ordered = [...group].sort((a, b) => compareDecorated(partitioner, a.first, b.first));
    let reach = ordered[0]!;
    for (const span of ordered.slice(1)) {
      if (compareDecorated(partitioner, span.first, reach.last) <= 0) {
        log.add('levels-overlap', `overlaps another SSTable of level ${span.facts.level}`, {
          file: prefixOf(span.files),
          seen: `first token ${partitioner.tokenText(span.first.token)}`,
          expected: `after ${partitioner.tokenText(reach.last.token)}, the last of ${path.basename(prefixOf(reach.files))}`,
        });
      }
      if (compareDecorated(partitioner, span.last, reach.last) > 0) reach = span;
    }
  }
}

function mixedRepair(spans: readonly Span[], partitioner: Partitioner, log: FindingLog): void {
  const repaired = spans.filter(({ facts }) => facts.repairedAtMillis > 0);
  const others = spans.filter(({ facts }) => facts.repairedAtMillis === 0 && facts.pendingRepair === undefined);
  const meet = (a: Span, b: Span) =>
    compareDecorated(partitioner, a.first, b.last) <= 0 && compareDecorated(partitioner, b.first, a.last) <= 0;
  const pair = repaired.find((a) => others.some((b) => meet(a, b)));
  if (!pair) return;
  log.add(
    'repaired-mixed',
    `${repaired.length} SSTables are repaired, and ${others.length} that overlap them are not`,
    {
      file: path.dirname(prefixOf(pair.files)),
    },
  );
}

function mostOf(values: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]![0];
}

/** Keyspaces whose tables stand in no schema table: they are made of code. */
const WITHOUT_SCHEMA: ReadonlySet<string> = new Set(['system', 'system_schema', 'system_cluster_metadata']);

/** Whether a schema that has all tables of a node lacks one of this id. */
export function isDropped(schema: Schema, { keyspace, table, tableId }: SSTableFiles['place']): boolean {
  if (tableId === undefined || WITHOUT_SCHEMA.has(keyspace)) return false;
  if (!findKeyspace(schema, keyspace)) return true;
  const known = findTable(schema, keyspace, table);
  if (!known) return true;
  return known.id !== undefined && known.id.replaceAll('-', '') !== tableId;
}
