/** What is to be compacted: what the strategy wants, or what an operator forces. */
import path from 'node:path';
import { UsageError } from '../../bytes/errors.js';
import { diskStorage } from '../../bytes/source.js';
import { parseValue } from '../../cql/values/parse-value.js';
import { chosenTasks, garbageTasks, majorTasks } from '../../engine/compaction/forced-tasks.js';
import { mayHold, overlapOf } from '../../engine/compaction/overlap-purge.js';
import type { PlannedTask } from '../../engine/compaction/planned-task.js';
import type { WantedTask } from '../../engine/plan/strategy-rounds.js';
import type { Candidate } from '../../engine/strategies/strategy.js';
import { COMPONENT } from '../../sstable/descriptor.js';
import { decorate, type Token } from '../../sstable/partitioner.js';
import { readStatistics } from '../../sstable/statistics.js';
import type { TableAtHand } from './tables.js';

export type RequestFlags = {
  readonly major?: boolean | undefined;
  readonly 'split-output'?: boolean | undefined;
  readonly 'garbage-collect'?: string | undefined;
  readonly sstables?: string | undefined;
  readonly 'token-range'?: string | undefined;
  readonly key?: string | undefined;
};

export type Request =
  | { readonly kind: 'strategy' }
  | { readonly kind: 'major'; readonly splitsOutput: boolean }
  | { readonly kind: 'garbagecollect'; readonly level: 'row' | 'cell' }
  | { readonly kind: 'sstables'; readonly names: readonly string[] }
  | { readonly kind: 'token-range'; readonly text: string }
  | { readonly kind: 'key'; readonly text: string };

/** @throws UsageError where two things are asked for */
export function requestOf(flags: RequestFlags): Request {
  const { major, 'split-output': splitsOutput = false, 'garbage-collect': level, sstables, key } = flags;
  const asked: [flag: string, request: Request][] = [];
  if (major) asked.push(['--major', { kind: 'major', splitsOutput }]);
  if (level === 'row' || level === 'cell') asked.push(['--garbage-collect', { kind: 'garbagecollect', level }]);
  if (sstables !== undefined) asked.push(['--sstables', { kind: 'sstables', names: namesOf(sstables) }]);
  if (flags['token-range'] !== undefined) {
    asked.push(['--token-range', { kind: 'token-range', text: flags['token-range'] }]);
  }
  if (key !== undefined) asked.push(['--key', { kind: 'key', text: key }]);
  if (asked.length > 1) {
    throw new UsageError('only one of these can be done at a time', {
      seen: asked.map(([flag]) => flag).join(' and '),
    });
  }
  if (splitsOutput && !major) throw new UsageError('--split-output goes with --major');
  return asked[0]?.[1] ?? { kind: 'strategy' };
}

function namesOf(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  return names.filter((name) => name !== '');
}

/**
 * Tasks of a table that are forced; `undefined` where the strategy is to be asked. SSTables that are asked for by their files are compacted as
 * `--sstables` are.
 * @throws UsageError
 */
export function forcedTasks(request: Request, table: TableAtHand): WantedTask[] | undefined {
  const { picked, sstables, params } = table;
  switch (request.kind) {
    case 'strategy':
      if (picked.length === sstables.length) return undefined;
      return withReason(chosenTasks(picked, params.strategy), 'asked for by name');
    case 'major': {
      const tasks = majorTasks(picked, params.strategy, { splitsOutput: request.splitsOutput });
      return tasks.map((task) => ({ task, reason: majorReason(task, picked) }));
    }
    case 'garbagecollect': {
      const without = request.level === 'row' ? 'rows that others delete' : 'rows and cells that others hide';
      return withReason(garbageTasks(picked, params), `by itself, without ${without}`);
    }
    case 'sstables': {
      const chosen = byName(request.names, table);
      return withReason(chosenTasks(chosen, params.strategy), 'asked for by name');
    }
    case 'token-range': {
      const chosen = byTokens(request.text, picked);
      return withReason(chosenTasks(chosen, params.strategy), `has tokens from ${request.text.replace(',', ' to ')}`);
    }
    case 'key': {
      const chosen = byKey(request.text, picked);
      return withReason(chosenTasks(chosen, params.strategy), `may have partition ${request.text}`);
    }
  }
}

function withReason(tasks: readonly PlannedTask<Candidate>[], reason: string): WantedTask[] {
  return tasks.map((task) => ({ task, reason }));
}

function majorReason({ repair, inputs }: PlannedTask<Candidate>, all: readonly Candidate[]): string {
  if (inputs.length === all.length) return 'all SSTables';
  return `${inputs.length} ${repair} of ${all.length} SSTables`;
}

/** By file name, its beginning, or the generation. */
function byName(names: readonly string[], { sstables, name: table }: TableAtHand): Candidate[] {
  const chosen = new Set<Candidate>();
  for (const name of names) {
    const base = path.basename(name);
    const found = sstables.find(
      ({ descriptor: { prefix, id } }) =>
        id === base || prefix === base || base === `${prefix}-` || base === `${prefix}-${COMPONENT.data}`,
    );
    if (!found) {
      throw new UsageError(`${table} has no such SSTable`, {
        seen: name,
        expected: 'generations or names of Data.db, such as 12,oa-13-big-Data.db',
      });
    }
    chosen.add(found);
  }
  return sstables.filter((one) => chosen.has(one));
}

/** As `nodetool compact -st A -et B` takes them: those that have a token from A to B, both counted; around the ring where A is after B. */
function byTokens(text: string, sstables: readonly Candidate[]): Candidate[] {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.length !== 2) {
    throw new UsageError('--token-range takes two tokens', {
      seen: text,
      expected: 'A,B as in --token-range=-100,200',
    });
  }
  const { partitioner } = sstables[0]!;
  const [from, to] = parts.map((part) => partitioner.parseToken(part)) as [Token, Token];
  const isBefore = (a: Token, b: Token) => partitioner.compareTokens(a, b) < 0;
  const wraps = isBefore(to, from);
  return sstables.filter(({ first, last }) => {
    const [reachesFrom, reachesTo] = [!isBefore(last.token, from), !isBefore(to, first.token)];
    return wraps ? reachesFrom || reachesTo : reachesFrom && reachesTo;
  });
}

/** Those of which neither range nor filter says that the key is not in them. */
function byKey(text: string, sstables: readonly Candidate[]): Candidate[] {
  const { partitioner, descriptor } = sstables[0]!;
  const key = decorate(partitioner, parseValue(readStatistics(diskStorage, descriptor).header.keyType, text));
  return sstables.filter((one) => mayHold(overlapOf(diskStorage, one), key, partitioner));
}
