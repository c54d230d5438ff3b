import { describe, expect, it } from 'vitest';
import { hiOf, loOf } from '../../../src/bytes/int64.js';
import { majorTasks } from '../../../src/engine/compaction/forced-tasks.js';
import { fullyExpiredSSTables } from '../../../src/engine/compaction/fully-expired.js';
import { type OutputParameters, outputCutter } from '../../../src/engine/compaction/output-cuts.js';
import { outputRepairState } from '../../../src/engine/compaction/planned-task.js';
import { overlappingSSTables, type SSTableFacts } from '../../../src/engine/compaction/sstable-facts.js';
import { compactionParams } from '../../../src/engine/strategies/options.js';
import { parseDescriptor } from '../../../src/sstable/descriptor.js';
import { encodeFilter } from '../../../src/sstable/filter.js';
import { makeFilterBuilder } from '../../../src/sstable/filter-builder.js';
import { wholeRingRanges } from '../../../src/sstable/metadata/token-space-coverage.js';
import { factsOf, type GoldenCompaction, type GoldenOutput, goldenCompactions } from './golden.js';

/** The nodes of the golden file own the whole ring, by one token. */
const RANGES = wholeRingRanges([0n]);

const golden = goldenCompactions();

describe('as the node did', () => {
  it('covers what it is about', () => {
    expect(golden.length).toBeGreaterThan(25);
    expect(golden.filter(({ tasks }) => tasks.length > 1).length).toBeGreaterThan(5);
    expect(golden.filter(({ tasks }) => tasks.some(({ outputs }) => outputs.length > 1)).length).toBeGreaterThan(8);
  });

  it.each(golden.map((one) => [one.name, one] as const))('%s', (_name, compaction) => {
    const { strategy, onlyPurgeRepairedTombstones } = compactionParams(compaction.compaction);
    const facts = compaction.inputs.map((input) => factsOf(compaction, input));
    const tasks = majorTasks(facts, strategy);
    expect(tasks.map(({ inputs }) => ids(inputs))).toEqual(compaction.tasks.map(({ inputs }) => inputs.toSorted()));
    tasks.forEach(({ inputs, output: shape }, i) => {
      const { outputs, nowSeconds } = compaction.tasks[i]!;
      const expired = fullyExpiredSSTables(inputs, othersOf(inputs, facts), {
        gcBeforeSeconds: nowSeconds - compaction.gcGraceSeconds,
        onlyPurgeRepairedTombstones,
      });
      const rest = inputs.filter((one) => !expired.includes(one));
      const cutter = outputCutter(shape, rest, RANGES);
      const begun = cut(cutter, outputs);
      expect(begun.map(({ at }) => at)).toEqual(outputs.map(({ partitions }) => partitions[0]![0]));
      outputs.forEach((output, n) => {
        const { level, keyCount } = begun[n]!.parameters;
        const filter = encodeFilter(makeFilterBuilder(keyCount, output.fpChance)!.filter, versionOf(compaction));
        const [first, last] = [output.partitions[0]![0], output.partitions.at(-1)![0]];
        const coverage = cutter.tokenSpaceCoverage(BigInt(first), BigInt(last));
        expect({
          level,
          filterBytes: filter.length,
          tokenSpaceCoverage: Number.isNaN(coverage) || compaction.version === 'nb' ? null : coverage,
          repairedAtMillis: outputRepairState(rest).repairedAtMillis,
        }).toEqual({
          level: output.level,
          filterBytes: output.filterBytes,
          tokenSpaceCoverage: output.tokenSpaceCoverage,
          repairedAtMillis: output.repairedAtMillis,
        });
      });
    });
  });
});

function ids(facts: readonly SSTableFacts[]): string[] {
  return facts.map(({ descriptor }) => descriptor.id).sort();
}

function versionOf({ version }: GoldenCompaction) {
  return parseDescriptor(`${version}-1-${version === 'da' ? 'bti' : 'big'}-Data.db`).descriptor.version;
}

function othersOf(inputs: readonly SSTableFacts[], all: readonly SSTableFacts[]): SSTableFacts[] {
  const others = all.filter((one) => !inputs.includes(one));
  return overlappingSSTables(inputs, others, inputs[0]!.partitioner);
}

/** Where the cutter begins an SSTable, told of the partitions and of what the node had written before each. */
function cut(cutter: ReturnType<typeof outputCutter>, outputs: readonly GoldenOutput[]) {
  const begun: { at: string; parameters: OutputParameters }[] = [];
  outputs.forEach(({ partitions }, n) => {
    partitions.forEach(([token, plain, onDisk], i) => {
      const previous = i > 0 ? ([plain, onDisk] as const) : outputs[n - 1]?.end;
      const written = previous && { plain: previous[0], onDisk: previous[1] };
      const parameters = cutter.before(hiOf(BigInt(token)), loOf(BigInt(token)), written);
      if (parameters) begun.push({ at: token, parameters });
    });
  });
  return begun;
}
