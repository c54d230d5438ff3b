/**
 * About how many partitions several SSTables have together. One that is in several counts once, by the sketches of the keys; where an SSTable
 * has none that is good enough, all that can be told is that there are no more than in each, added up.
 */
import { CASSANDRA_P, cardinality, type HyperLogLog } from '../sstable/metadata/hyper-log-log.js';
import { mergeHyperLogLogs } from '../sstable/metadata/hyper-log-log-builder.js';

export type PartitionCount = {
  readonly partitionsEstimate: number;
  /** The table has at most so many: a sum, in which one of several SSTables counts in each. */
  readonly partitionsEstimateIsBound: boolean;
};

/** Adds SSTables of a table one by one, and keeps one sketch only. */
export class PartitionEstimate {
  private count = 0;
  private sum = 0;
  private greatest = 0;
  private hasAllSketches = true;
  private merged: HyperLogLog | undefined;

  /** An SSTable of so many partitions. Smaller sketches than Cassandra's (Scylla's) tell less than the sum does. */
  add(partitions: number, sketch: HyperLogLog | undefined): void {
    this.count++;
    this.sum += partitions;
    this.greatest = Math.max(this.greatest, partitions);
    if (sketch?.p !== CASSANDRA_P) this.hasAllSketches = false;
    else this.merged = this.merged ? mergeHyperLogLogs([this.merged, sketch]) : sketch;
  }

  total(): PartitionCount {
    if (this.count < 2) return { partitionsEstimate: this.sum, partitionsEstimateIsBound: false };
    if (!this.hasAllSketches || !this.merged) return { partitionsEstimate: this.sum, partitionsEstimateIsBound: true };
    const estimate = Math.max(this.greatest, Math.min(this.sum, cardinality(this.merged)));
    return { partitionsEstimate: estimate, partitionsEstimateIsBound: false };
  }
}

/** Of several tables. */
export function sumPartitions(counts: readonly PartitionCount[]): PartitionCount {
  return {
    partitionsEstimate: counts.reduce((sum, { partitionsEstimate }) => sum + partitionsEstimate, 0),
    partitionsEstimateIsBound: counts.some(({ partitionsEstimateIsBound }) => partitionsEstimateIsBound),
  };
}
