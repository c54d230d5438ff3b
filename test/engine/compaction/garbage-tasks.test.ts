import { describe, expect, it } from 'vitest';
import { garbageTasks } from '../../../src/engine/compaction/forced-tasks.js';
import { factsOf, type GoldenInput, goldenCompactions } from './golden.js';

const golden = goldenCompactions()[0]!;

function sstable(id: string, maxTimestampMicros: string, repairedAtMillis: number) {
  const input: GoldenInput = { ...golden.inputs[0]!, id, maxTimestampMicros, repairedAtMillis };
  return factsOf(golden, input);
}

describe('garbage collection', () => {
  const all = [sstable('1', '300', 0), sstable('2', '-5', 9), sstable('3', '100', 0), sstable('4', '100', 7)];
  const tasksOf = (onlyPurgeRepairedTombstones: boolean) =>
    garbageTasks(all, { onlyPurgeRepairedTombstones }).map(({ repair, inputs }) => [
      repair,
      ...inputs.map(({ descriptor }) => descriptor.id),
    ]);

  it('takes each SSTable by itself, the oldest data first', () => {
    expect(tasksOf(false)).toEqual([
      ['repaired', '2'],
      ['repaired', '4'],
      ['unrepaired', '3'],
      ['unrepaired', '1'],
    ]);
  });

  it('leaves unrepaired ones alone where only repaired tombstones may go', () => {
    expect(tasksOf(true)).toEqual([
      ['repaired', '2'],
      ['repaired', '4'],
    ]);
  });
});
