/** What `lsmctl bloom` knows, as the one object that `--json` prints and the text is rendered from. */
import path from 'node:path';
import { ByteWriter } from '../bytes/writer.js';
import { stringWriter } from '../cql/values/string.js';
import type { BloomFinding } from '../engine/bloom/bloom-findings.js';
import type { FilterInspection } from '../engine/bloom/filter-inspection.js';
import type { TableBloom } from '../engine/bloom/table-bloom.js';
import type { TableDirectory } from '../sstable/descriptor.js';

export type FilterReport = {
  /** Up to the component's name. */
  readonly path: string;
  readonly version: string;
  readonly id: string;
  /** Exact, of Statistics.db; `null` where it does not know. */
  readonly keys: number | null;
  /** bloom_filter_fp_chance of the table when the SSTable was written. */
  readonly madeWithFpChance: number;
  readonly state: FilterInspection['state'];
  readonly filter: {
    readonly bits: number;
    readonly bitsPerKey: number | null;
    readonly hashCount: number;
    readonly bitsSet: number;
    readonly setRatio: number;
    readonly memoryBytes: number;
    /** Share of absent keys that pass, computed from the bits as though they were set at random. */
    readonly estimatedFalsePositiveRate: number;
  } | null;
  readonly proof: {
    readonly kind: 'all' | 'index' | 'few' | 'none';
    readonly keysAsked: number;
    readonly keysDenied: number;
    /** The first of them, as CQL writes them or as hex. */
    readonly deniedKeys: readonly string[];
    readonly from: readonly string[];
    readonly problem: string | null;
  };
  readonly measured: {
    readonly absentKeys: number;
    readonly passed: number;
    readonly falsePositiveRate: number;
    readonly interval95: readonly [low: number, high: number];
    readonly seed: number;
    readonly keyBytes: number;
  } | null;
  readonly findings: readonly BloomFinding[];
};

export type TableReport = {
  readonly keyspace: string;
  readonly table: string;
  readonly index: string | null;
  readonly snapshot: string | null;
  readonly backup: boolean;
  readonly directory: string;
  /** Of the schema; `null` where it is not known. */
  readonly fpChance: number | null;
  readonly memoryBytes: number;
  readonly absentKeyRead: {
    readonly filtersAsked: number;
    readonly isUpperBound: boolean;
    readonly estimatedIndexReads: number;
  };
  readonly alternatives: readonly {
    readonly fpChance: number;
    readonly bitsPerKey: number;
    readonly hashCount: number;
    readonly memoryBytes: number;
    readonly estimatedIndexReads: number;
  }[];
  readonly sstables: readonly FilterReport[];
};

type Inspected = { readonly inspection: FilterInspection; readonly findings: readonly BloomFinding[] };

export type TableInput = {
  readonly files: { readonly place: TableDirectory; readonly descriptor: { readonly directory: string } };
  readonly chance: number | undefined;
  readonly sstables: readonly Inspected[];
  readonly table: TableBloom;
};

export function tableReport({ files, chance, sstables, table }: TableInput): TableReport {
  const { place } = files;
  return {
    keyspace: place.keyspace,
    table: place.table,
    index: place.index ?? null,
    snapshot: place.snapshot ?? null,
    backup: place.backup,
    directory: files.descriptor.directory,
    fpChance: chance ?? null,
    memoryBytes: table.memoryBytes,
    absentKeyRead: {
      filtersAsked: table.probes,
      isUpperBound: table.isProbesBound,
      estimatedIndexReads: table.indexReads,
    },
    alternatives: table.alternatives.map(({ indexReads, ...alternative }) => ({
      ...alternative,
      estimatedIndexReads: indexReads,
    })),
    sstables: sstables.map(filterReport),
  };
}

function filterReport({ inspection, findings }: Inspected): FilterReport {
  const { descriptor, keys, filter, proof, measured } = inspection;
  return {
    path: path.join(descriptor.directory, descriptor.prefix),
    version: descriptor.version.name,
    id: descriptor.id,
    keys: keys ?? null,
    madeWithFpChance: inspection.madeWith,
    state: inspection.state,
    filter: filter
      ? {
          bits: filter.bits,
          bitsPerKey: keys ? filter.bits / keys : null,
          hashCount: filter.hashCount,
          bitsSet: filter.bitsSet,
          setRatio: filter.bitsSet / filter.bits,
          memoryBytes: filter.memoryBytes,
          estimatedFalsePositiveRate: filter.rate,
        }
      : null,
    proof: {
      kind: proof.kind,
      keysAsked: proof.asked,
      keysDenied: proof.denied,
      deniedKeys: proof.deniedKeys.map((key) => keyText(inspection, key)),
      from: proof.from,
      problem: proof.problem?.message ?? null,
    },
    measured: measured
      ? {
          absentKeys: measured.draws,
          passed: measured.passed,
          falsePositiveRate: measured.rate,
          interval95: [measured.low, measured.high],
          seed: measured.seed,
          keyBytes: measured.keyBytes,
        }
      : null,
    findings,
  };
}

/** As `--key` takes it; hex where the header does not tell the type. */
function keyText({ statistics }: FilterInspection, key: Uint8Array): string {
  try {
    const out = new ByteWriter(64);
    stringWriter(statistics.header.keyType)(key, 0, key.length, out);
    return out.toString();
  } catch {
    return `0x${Buffer.from(key).toString('hex')}`;
  }
}
