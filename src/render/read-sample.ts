/** The distribution of what reads of a table cost, as the object of `--json` and as text. */
import { countText } from './bytes.js';
import { tableText } from './table.js';

export type Distribution = {
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
};

export type SampleReport = {
  readonly keyspace: string;
  readonly table: string;
  readonly seed: number;
  readonly keys: number;
  readonly sstables: number;
  readonly now: {
    readonly sstables: Distribution;
    readonly falsePositives: Distribution;
    /** Rows and bounds of range tombstones. */
    readonly visited: Distribution;
  };
  /** With all SSTables compacted to one, as far as gc_grace_seconds and these SSTables tell. */
  readonly afterMajor: { readonly sstables: Distribution; readonly visited: Distribution };
  readonly tombstones: Distribution;
};

/** Percentiles by the nearest rank; zeros for none. */
export function distribution(values: readonly number[]): Distribution {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  const mean = values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

export function sampleText(report: SampleReport): string {
  const { now, afterMajor, tombstones } = report;
  const row = (name: string, d: Distribution) => [
    name,
    d.mean.toFixed(2),
    ...[d.p50, d.p95, d.p99, d.max].map(countText),
  ];
  const columns = ['A READ', 'MEAN', 'P50', 'P95', 'P99', 'MAX'].map((title, i) => ({
    title,
    align: i === 0 ? ('left' as const) : ('right' as const),
  }));
  const rows = [
    row('SSTables read', now.sstables),
    row('  after a major compaction', afterMajor.sstables),
    row('Bloom filters that erred', now.falsePositives),
    row('rows and bounds visited', now.visited),
    row('  after a major compaction', afterMajor.visited),
    row('tombstone cells', tombstones),
  ];
  const sstables = `${countText(report.sstables)} SSTable${report.sstables === 1 ? '' : 's'}`;
  const title = `${report.keyspace}.${report.table}: ${sstables}`;
  const how = `${countText(report.keys)} reads of whole partitions, drawn by size (--seed ${report.seed})`;
  return `${title}\n${how}\n\n${tableText(columns, rows)}\n`;
}
