/** What a plan says of SSTables that are not written yet, so that it can be carried out as it is. */
import { describe, expect, it } from 'vitest';
import { toBigInt } from '../../../src/bytes/int64.js';
import { memorySource, type Storage } from '../../../src/bytes/source.js';
import { outputCutter } from '../../../src/engine/compaction/output-cuts.js';
import { type DocumentTask, documentTable, outputsBetween } from '../../../src/engine/plan/plan-document.js';
import { planByStrategy } from '../../../src/engine/plan/planner.js';
import { openStrategy } from '../../../src/engine/strategies/open-strategy.js';
import { compactionParams } from '../../../src/engine/strategies/options.js';
import type { Candidate } from '../../../src/engine/strategies/strategy.js';
import { parseDescriptor } from '../../../src/sstable/descriptor.js';
import { partitionerOf } from '../../../src/sstable/partitioner.js';
import { madeUp, NOW_MILLIS } from '../strategies/made-up.js';

const RING: [number, number] = [-(2 ** 62), 2 ** 62];
const LCS = { class: 'LeveledCompactionStrategy', sstable_size_in_mb: '10', fanout_size: '2' };
const UCS = { class: 'UnifiedCompactionStrategy', scaling_parameters: 'T4', target_sstable_size: '64MiB' };

/** Of SSTables that are only told of. */
const NO_FILES: Storage = { open: () => memorySource(new Uint8Array(0)), list: () => [], stat: () => undefined };

function documentOf(sstables: readonly Candidate[], options: Readonly<Record<string, string>>) {
  let id = 100_000;
  const params = compactionParams(options);
  const context = {
    params,
    nowMillis: NOW_MILLIS,
    gcBeforeSeconds: NOW_MILLIS / 1000 - 864_000,
    describe: () => parseDescriptor(`/made/up/oa-${++id}-big-Data.db`).descriptor,
  };
  const plan = planByStrategy(sstables, openStrategy(params), context);
  const about = { keyspace: 'k', table: 't', directory: '/made/up', compaction: options, gcGraceSeconds: 864_000 };
  const document = documentTable(NO_FILES, { ...about, sstables, plan, freeBytes: undefined });
  return { plan, document: document as typeof document & { readonly cut?: string } };
}

const ends = ({ first, last }: Candidate) => [first, last].map(({ token }) => (token.kind === 'long' ? toBigInt(token.hi, token.lo) : 0n)); // biome-ignore format: one line
const partsOf = ({ inputs }: DocumentTask) => inputs.filter((ref) => 'output' in ref);

describe('a plan of leveled SSTables', () => {
  const sstables = Array.from({ length: 8 }, () => madeUp({ mib: 10, tokens: RING }));
  const { plan, document } = documentOf(sstables, LCS);

  it('is written to its end, and names parts of what is to come by where it is cut', () => {
    expect(document.cut).toBeUndefined();
    expect(document.tasks.length).toBe(plan.steps.length);
    expect(document.tasks.flatMap(partsOf).length).toBeGreaterThan(3);
    for (const ref of document.tasks.flatMap(partsOf)) {
      const { cuts } = document.tasks[(ref as { task: number }).task - 1]!;
      expect((ref as { output: number }).output).toBeLessThanOrEqual(cuts!.length + 1);
    }
  });

  it('has cuts between which the planned SSTables lie, none beside another', () => {
    for (const { task, cuts } of document.tasks) {
      if (!cuts) continue;
      const { outputs } = plan.steps[task - 1]!;
      expect(cuts).toHaveLength(outputs.length - 1);
      for (const [i, output] of outputs.entries()) {
        expect(outputsBetween(outputs, cuts.map(BigInt), i + 1)).toEqual([output]);
        if (i > 0) expect(ends(output)[0]).toBe(BigInt(cuts[i - 1]!) + 1n);
      }
    }
  });

  it('leaves what no task takes to be cut by its size', () => {
    const passedOn = new Set(document.tasks.flatMap(({ inputs }) => inputs.map((ref) => ('task' in ref ? ref.task : 0)))); // biome-ignore format: one line
    for (const { task, cuts } of document.tasks) expect(cuts !== undefined).toBe(passedOn.has(task));
  });
});

it('names parts of shards by their borders', () => {
  const sstables = Array.from({ length: 24 }, (_, i) => madeUp({ mib: 100 + i, tokens: RING }));
  const { document, plan } = documentOf(sstables, UCS);
  expect(document.cut).toBeUndefined();
  expect(document.tasks.length).toBe(plan.steps.length);
  for (const ref of document.tasks.flatMap(partsOf)) {
    expect(document.tasks[(ref as { task: number }).task - 1]!.cuts).toBeDefined();
  }
});

it('ends before a task of which no token can be named', () => {
  const key = (byte: number) => ({ token: { kind: 'bytes' as const, bytes: Uint8Array.of(byte) }, key: Uint8Array.of(byte) }); // biome-ignore format: one line
  const partitioner = partitionerOf('org.apache.cassandra.dht.ByteOrderedPartitioner');
  const sstables = Array.from({ length: 8 }, (_, i) => ({ ...madeUp({ mib: 10 }), partitioner, first: key(i), last: key(200 + i) })); // biome-ignore format: one line
  const { plan, document } = documentOf(sstables, LCS);
  expect(document.tasks.length).toBeLessThan(plan.steps.length);
  expect(document.tasks.flatMap(partsOf)).toEqual([]);
  expect(document.cut).toMatch(/^tasks? \d+ .*of which no token can be named: plan again after these$/);
});

it('is cut behind the tokens of a plan, and not where nothing was written', () => {
  const [input] = [madeUp({ mib: 10, tokens: RING })];
  const cutter = outputCutter({ kind: 'cutAt', level: 3, upTo: [-5n, -5n, 7n, 900n] }, [input!]);
  const written = { plain: 1, onDisk: 1 };
  const at = (token: number, so: typeof written | undefined) => cutter.before(token < 0 ? -1 : 0, token | 0, so)?.level;
  expect(at(-6, undefined)).toBe(3);
  expect([-5, -4, 0, 7, 8, 9].map((token) => at(token, written))).toEqual([undefined, 3, undefined, undefined, 3, undefined]); // biome-ignore format: one line
  expect(at(901, { plain: 0, onDisk: 0 })).toBeUndefined();
});
