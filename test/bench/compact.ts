/**
 * Major compactions: a real node's warm thread against lsmctl's whole process, on the same SSTables, in turn. The node's time is what its log says,
 * lsmctl's is from its start to its end, with all syncs.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { diskStorage } from '../../src/bytes/source.js';
import { parseDescriptor } from '../../src/sstable/descriptor.js';
import type { StatsMetadata } from '../../src/sstable/metadata/stats.js';
import { readStatistics } from '../../src/sstable/statistics.js';
import { BULK, type BulkName, benchDirectory, bulkFiles } from './bulk.js';
import { Daemon, type DaemonRun, GC_GRACE_SECONDS } from './daemon.js';
import { median, type Run, run } from './measure.js';
import { judge, target, targetAtLeast } from './report.js';

const COPY_BYTES = fileURLToPath(new URL('copy-bytes.mjs', import.meta.url));
const TIMED = ['compact-orders-250k', 'compact-wide', 'compact-orders-2m'] as const;
/** The ratio to the node's rows a second that is wanted, by `--jobs`. */
const WANTED: ReadonlyMap<number, number> = new Map([
  [1, 2],
  [2, 3],
]);
const PEAK_MEGABYTES = 300;
/** What more the peak may be of ten times the rows, or of a partition of 2 GB. */
const FLAT_MEGABYTES = 60;

type Side = {
  readonly label: string;
  readonly runs: readonly { readonly seconds: number; readonly cpuSeconds: number; readonly peakMegabytes?: number }[];
};

/** `names`: which inputs; all where there are none. */
export async function benchCompact(lsmctl: string, rounds: number, names: readonly BulkName[]): Promise<void> {
  const isWanted = (name: BulkName) => names.length === 0 || names.includes(name);
  for (const name of [...TIMED, 'compact-wide-2g'] as const) if (isWanted(name)) bulkFiles(name);
  const bench = new CompactBench(lsmctl);
  const peaks = new Map<BulkName, number>();
  try {
    if (TIMED.some(isWanted)) {
      const daemon = await Daemon.start();
      try {
        for (const name of TIMED) {
          if (isWanted(name))
            peaks.set(name, await bench.against(daemon, name, name.endsWith('2m') ? Math.min(rounds, 2) : rounds));
        }
      } finally {
        await daemon.stop();
      }
    }
    if (isWanted('compact-wide-2g')) peaks.set('compact-wide-2g', await bench.memory('compact-wide-2g'));
  } finally {
    bench.end();
  }
  showPeaks(peaks);
}

function showPeaks(peaks: ReadonlyMap<BulkName, number>): void {
  console.log('\nmemory of compactions');
  const small = peaks.get('compact-orders-250k');
  for (const [name, peak] of peaks) {
    target(`peak of ${name}`, peak, PEAK_MEGABYTES, 'MB');
    if (small !== undefined && peak !== small && BULK[name].rows !== BULK['compact-orders-250k'].rows) {
      target(`peak of ${name} beyond that of compact-orders-250k`, peak - small, FLAT_MEGABYTES, 'MB');
    }
  }
}

class CompactBench {
  readonly #lsmctl: string;
  readonly #scratch: string;
  readonly #jobs: readonly number[];

  constructor(lsmctl: string) {
    this.#lsmctl = lsmctl;
    this.#scratch = mkdtempSync(join(benchDirectory, 'scratch-'));
    const help = execFileSync(process.execPath, [lsmctl, 'compact', 'run', '--help'], { encoding: 'utf8' });
    this.#jobs = help.includes('--jobs') ? [1, 2] : [0];
  }

  end(): void {
    rmSync(this.#scratch, { recursive: true, force: true });
  }

  /** Prints the figures; the highest peak of lsmctl's runs, in units of 10^6 bytes. */
  async against(daemon: Daemon, name: (typeof TIMED)[number], rounds: number): Promise<number> {
    const inputs = bulkFiles(name);
    const { table } = BULK[name];
    const rowsIn = inputs.reduce((sum, file) => sum + statsOf(file).totalRows, 0);
    await daemon.compact(table, inputs);
    const counted = this.#count(inputs);
    const outputBytes = bytesIn(this.#outputDirectory(table));
    const theirs: DaemonRun[] = [];
    const ours = new Map<number, Run[]>(this.#jobs.map((jobs) => [jobs, []]));
    const copies: Run[] = [];
    const digests = new Set<string>();
    for (let round = 0; round < rounds; round++) {
      theirs.push(await daemon.compact(table, inputs));
      for (const jobs of this.#jobs) {
        ours.get(jobs)!.push(await this.#compact(inputs, jobs));
        digests.add(digestOf(dataFileIn(this.#outputDirectory(table))));
      }
      copies.push(await this.#copy(dirname(inputs[0]!), outputBytes));
    }
    const sides: Side[] = [
      { label: "the node's compaction thread", runs: theirs },
      ...[...ours].map(([jobs, runs]) => ({ label: labelOf(jobs), runs })),
      { label: 'reading and writing the same bytes', runs: copies },
    ];
    showSides(
      `compact of ${name} (${rowsIn.toLocaleString('en')} rows in, ${inputMegabytes(inputs)} MB)`,
      sides,
      rowsIn,
    );
    this.#judgeSpeed(theirs, ours, copies);
    judgeOutputs(theirs[theirs.length - 1]!, dataFileIn(this.#outputDirectory(table)), counted);
    if (digests.size > 1) judge(false, `lsmctl's runs gave ${digests.size} different Data.db`);
    await daemon.forget(table);
    return Math.max(...[...ours.values()].flat().map(({ peakMegabytes }) => peakMegabytes));
  }

  /** One run by each number of jobs, for the highest peak. */
  async memory(name: BulkName): Promise<number> {
    const inputs = bulkFiles(name);
    const runs: Side[] = [];
    for (const jobs of this.#jobs) {
      runs.push({ label: labelOf(jobs), runs: [await this.#compact(inputs, jobs)] });
    }
    const rowsIn = inputs.reduce((sum, file) => sum + statsOf(file).totalRows, 0);
    showSides(
      `compact of ${name} (${rowsIn.toLocaleString('en')} rows in, ${inputMegabytes(inputs)} MB)`,
      runs,
      rowsIn,
    );
    rmSync(this.#output, { recursive: true, force: true });
    return Math.max(...runs.flatMap(({ runs: [one] }) => one?.peakMegabytes ?? 0));
  }

  get #output(): string {
    return join(this.#scratch, 'output');
  }

  #outputDirectory(table: string): string {
    return join(this.#output, 'shop', table);
  }

  #arguments(inputs: readonly string[]): string[] {
    const options = ['--major', '--output', this.#output, '--gc-grace', String(GC_GRACE_SECONDS), '--yes'];
    return [this.#lsmctl, 'compact', 'run', dirname(inputs[0]!), ...options];
  }

  async #compact(inputs: readonly string[], jobs: number): Promise<Run> {
    rmSync(this.#output, { recursive: true, force: true });
    const args = [...this.#arguments(inputs), ...(jobs > 0 ? ['--jobs', String(jobs)] : [])];
    return await run({ label: 'lsmctl compact run', program: process.execPath, args }, 'null');
  }

  /** Partitions of the output, as lsmctl says; this warms the files up as well. */
  #count(inputs: readonly string[]): { readonly partitions: number } {
    rmSync(this.#output, { recursive: true, force: true });
    const args = [...this.#arguments(inputs), '--json'];
    const json = execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return JSON.parse(json).tables[0];
  }

  async #copy(directory: string, bytes: number): Promise<Run> {
    const file = join(this.#scratch, 'copy');
    const args = [COPY_BYTES, directory, String(bytes), file];
    const copied = await run({ label: 'copy-bytes.mjs', program: process.execPath, args }, 'null');
    rmSync(file);
    return copied;
  }

  #judgeSpeed(theirs: readonly DaemonRun[], ours: ReadonlyMap<number, readonly Run[]>, copies: readonly Run[]): void {
    const their = theirs.map(({ seconds }) => seconds);
    for (const [jobs, wanted] of WANTED) {
      const runs = ours.get(jobs) ?? (jobs === 1 ? ours.get(0) : undefined);
      if (!runs) {
        judge(
          false,
          `rows a second with --jobs ${jobs}: there is no such flag yet (target: at least ${wanted} times the node's)`,
        );
        continue;
      }
      const our = runs.map(({ seconds }) => seconds);
      targetAtLeast(
        `rows a second with --jobs ${jobs}, medians`,
        median(their) / median(our),
        wanted,
        "times the node's",
      );
      const best = (Math.min(...their) / Math.min(...our)).toFixed(2);
      const limit = (median(our) / median(copies.map(({ seconds }) => seconds))).toFixed(1);
      const cpu = (medianCpu(theirs) / medianCpu(runs)).toFixed(2);
      console.log(
        `         best against best ${best} times, by processor time ${cpu} times; ${limit} times as long as reading and writing the same bytes`,
      );
    }
  }
}

function labelOf(jobs: number): string {
  return `lsmctl compact run${jobs > 0 ? ` --jobs ${jobs}` : ''}`;
}

function medianCpu(runs: Side['runs']): number {
  return median(runs.map(({ cpuSeconds }) => cpuSeconds));
}

function showSides(title: string, sides: readonly Side[], rowsIn: number): void {
  console.log(`\n${title}, load ${loadavg()[0]?.toFixed(1)}`);
  console.log(`  ${''.padEnd(36)} median s   (least – most)     rows/s   processor s   peak MB`);
  for (const { label, runs } of sides) {
    const seconds = runs.map((one) => one.seconds);
    const range = `(${Math.min(...seconds).toFixed(2)} – ${Math.max(...seconds).toFixed(2)})`;
    const rate = Math.round(rowsIn / median(seconds)).toLocaleString('en');
    const cpu = medianCpu(runs).toFixed(2);
    const peak = runs[0]!.peakMegabytes === undefined ? '' : Math.max(...runs.map((r) => r.peakMegabytes!)).toFixed(0);
    console.log(
      `  ${label.padEnd(36)} ${median(seconds).toFixed(2).padStart(8)} ${range.padStart(16)} ${rate.padStart(10)} ${cpu.padStart(13)} ${peak.padStart(9)}`,
    );
  }
}

/** Both wrote the same: partitions, rows and cells, and the digest of Data.db where LZ4 cuts alike. */
function judgeOutputs(theirs: DaemonRun, ours: string, counted: { readonly partitions: number }): void {
  const [their, our] = [statsOf(theirs.output), statsOf(ours)];
  const facts: [string, number, number][] = [
    ['partitions', theirs.partitions, counted.partitions],
    ['rows (static ones too)', their.totalRows, our.totalRows],
    ['cells', their.totalColumnsSet, our.totalColumnsSet],
  ];
  for (const [what, expected, seen] of facts) {
    if (expected !== seen) judge(false, `${what} of the output: the node wrote ${expected}, lsmctl ${seen}`);
  }
  if (facts.every(([, expected, seen]) => expected === seen)) {
    const same = digestOf(theirs.output) === digestOf(ours) ? 'the same bytes' : 'other bytes when compressed';
    judge(
      true,
      `outputs agree: ${counted.partitions} partitions, ${our.totalRows} rows, ${our.totalColumnsSet} cells; Data.db: ${same}`,
    );
  }
}

function statsOf(data: string): StatsMetadata {
  return readStatistics(diskStorage, parseDescriptor(data).descriptor).stats;
}

function digestOf(data: string): string {
  return readFileSync(data.replace(/Data\.db$/, 'Digest.crc32'), 'utf8').trim();
}

/** @throws Error where there isn't just one */
function dataFileIn(directory: string): string {
  const files = existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith('-Data.db')) : [];
  if (files.length !== 1) throw new Error(`${directory} holds ${files.length} SSTables, not one`);
  return join(directory, files[0]!);
}

function bytesIn(directory: string): number {
  return readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
}

function inputMegabytes(inputs: readonly string[]): string {
  return (inputs.reduce((sum, file) => sum + statSync(file).size, 0) / 1e6).toFixed(1);
}
