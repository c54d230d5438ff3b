/**
 * The options of a table: one list of their names for all who read or write them, in the order in which DESCRIBE prints them (by name, but
 * for `memtable`). The column of system_schema.tables and the CQL property have the same name.
 */
import { ByteWriter } from '../bytes/writer.js';
import { quoteText } from './identifier.js';
import { writeDouble } from './values/floating-point.js';

export type TableOptions = {
  readonly additionalWritePolicy?: string;
  readonly allowAutoSnapshot?: boolean;
  readonly bloomFilterFpChance?: number;
  readonly caching?: Readonly<Record<string, string>>;
  readonly cdc?: boolean;
  readonly comment?: string;
  readonly compaction?: Readonly<Record<string, string>>;
  readonly compression?: Readonly<Record<string, string>>;
  readonly memtable?: string;
  readonly crcCheckChance?: number;
  /** 3.x only. */
  readonly dclocalReadRepairChance?: number;
  readonly defaultTimeToLive?: number;
  /** Values in hex. */
  readonly extensions?: Readonly<Record<string, string>>;
  readonly gcGraceSeconds?: number;
  readonly incrementalBackups?: boolean;
  readonly maxIndexInterval?: number;
  readonly memtableFlushPeriodInMs?: number;
  readonly minIndexInterval?: number;
  readonly readRepair?: string;
  /** 3.x only. */
  readonly readRepairChance?: number;
  readonly speculativeRetry?: string;
};

export type OptionKind = 'text' | 'boolean' | 'double' | 'int' | 'map' | 'blobs';

export type OptionDescription = {
  readonly key: keyof TableOptions;
  readonly name: string;
  readonly kind: OptionKind;
  /** What a null in system_schema stands for, in releases that know the option at all. */
  readonly whenNull?: string | boolean;
};

export const TABLE_OPTIONS: readonly OptionDescription[] = [
  { key: 'additionalWritePolicy', name: 'additional_write_policy', kind: 'text', whenNull: '99p' },
  { key: 'allowAutoSnapshot', name: 'allow_auto_snapshot', kind: 'boolean', whenNull: true },
  { key: 'bloomFilterFpChance', name: 'bloom_filter_fp_chance', kind: 'double' },
  { key: 'caching', name: 'caching', kind: 'map' },
  { key: 'cdc', name: 'cdc', kind: 'boolean', whenNull: false },
  { key: 'comment', name: 'comment', kind: 'text' },
  { key: 'compaction', name: 'compaction', kind: 'map' },
  { key: 'compression', name: 'compression', kind: 'map' },
  { key: 'memtable', name: 'memtable', kind: 'text', whenNull: 'default' },
  { key: 'crcCheckChance', name: 'crc_check_chance', kind: 'double' },
  { key: 'dclocalReadRepairChance', name: 'dclocal_read_repair_chance', kind: 'double' },
  { key: 'defaultTimeToLive', name: 'default_time_to_live', kind: 'int' },
  { key: 'extensions', name: 'extensions', kind: 'blobs' },
  { key: 'gcGraceSeconds', name: 'gc_grace_seconds', kind: 'int' },
  { key: 'incrementalBackups', name: 'incremental_backups', kind: 'boolean', whenNull: true },
  { key: 'maxIndexInterval', name: 'max_index_interval', kind: 'int' },
  { key: 'memtableFlushPeriodInMs', name: 'memtable_flush_period_in_ms', kind: 'int' },
  { key: 'minIndexInterval', name: 'min_index_interval', kind: 'int' },
  { key: 'readRepair', name: 'read_repair', kind: 'text', whenNull: 'BLOCKING' },
  { key: 'readRepairChance', name: 'read_repair_chance', kind: 'double' },
  { key: 'speculativeRetry', name: 'speculative_retry', kind: 'text' },
];

/** Packages that Cassandra looks in for a class without one. */
const PACKAGES: Readonly<Record<string, string>> = {
  replication: 'org.apache.cassandra.locator.',
  compaction: 'org.apache.cassandra.db.compaction.',
  compression: 'org.apache.cassandra.io.compress.',
};

/** `map` with the full name of its class, as system_schema has it. */
export function withFullClass(option: string, map: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const { class: name } = map;
  const prefix = PACKAGES[option];
  return name === undefined || prefix === undefined || name === '' || name.includes('.')
    ? map
    : { ...map, class: prefix + name };
}

/** `name = value` of each option that is there, in order. */
export function optionClauses(options: TableOptions): string[] {
  return TABLE_OPTIONS.flatMap(({ key, name, kind }) => {
    const value = options[key];
    return value === undefined ? [] : [`${name} = ${optionText(kind, value)}`];
  });
}

function optionText(kind: OptionKind, value: NonNullable<TableOptions[keyof TableOptions]>): string {
  switch (kind) {
    case 'text':
      return quoteText(String(value));
    case 'double':
      return javaDouble(Number(value));
    case 'map':
      return mapLiteral(value as Record<string, string>);
    case 'blobs':
      return mapLiteral(value as Record<string, string>, (hex) => `0x${hex}`);
    default:
      return String(value);
  }
}

function javaDouble(value: number): string {
  const out = new ByteWriter(32);
  writeDouble(value, out);
  return Buffer.from(out.toBytes()).toString('latin1');
}

/** A CQL map, by key. */
export function mapLiteral(map: Readonly<Record<string, string>>, valueText = quoteText): string {
  const keys = Object.keys(map).sort();
  return `{${keys.map((key) => `${quoteText(key)}: ${valueText(map[key] ?? '')}`).join(', ')}}`;
}
