/**
 * Makes the benchmarks' SSTables with real Cassandra's own writer, once, by `npx vite-node test/bench/make-bulk.ts [NAME...]`.
 *
 *   $LSMCTL_BENCH_DIR (default ~/.cache/lsmctl-bench)
 *     orders-250k/shop/orders_by_id/           250,000 partitions of one row, one oa SSTable
 *     orders-2m/shop/orders_by_id/             2,000,000 of them
 *     wide-2g/shop/wide/                       one partition of 2 GB
 *     compact-orders-250k/shop/orders_by_id/   4 SSTables of 250,000 orders with overwrites
 *     compact-orders-2m/shop/orders_by_id/     4 of 2,000,000
 *     drawn-250k/shop/orders_by_id/            4 SSTables of 62,500 orders each, drawn from 250,000
 *     drawn-2m/shop/orders_by_id/              4 of 500,000, drawn from two millions
 *     cancelled-250k/shop/orders_by_id/        4 of 62,500, with deletions and TTLs
 *     cancelled-2m/shop/orders_by_id/          4 of 500,000
 *     compact-wide/shop/events/                4 of 500 partitions of 1,000 rows, with deletions
 *     compact-wide-2g/shop/wide/               the partition of 2 GB (hard links), and 100,000 further rows of it
 */
import { existsSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { java, setup, V5 } from '../oracle/cassandra.js';

/** `kind` and `rows` are what Bulk.java takes. Where there is a `beside`, that one's SSTables are linked in first. */
type Bulk = {
  readonly table: 'orders_by_id' | 'wide' | 'events';
  readonly kind: string;
  readonly rows: number;
  readonly sstables: number;
  readonly beside?: BulkName;
};

export const BULK = {
  'orders-250k': { table: 'orders_by_id', kind: 'orders_by_id', rows: 250_000, sstables: 1 },
  'orders-2m': { table: 'orders_by_id', kind: 'orders_by_id', rows: 2_000_000, sstables: 1 },
  'wide-2g': { table: 'wide', kind: 'wide', rows: 2_050_000, sstables: 1 },
  'compact-orders-250k': { table: 'orders_by_id', kind: 'orders', rows: 250_000, sstables: 4 },
  'compact-orders-2m': { table: 'orders_by_id', kind: 'orders', rows: 2_000_000, sstables: 4 },
  'drawn-250k': { table: 'orders_by_id', kind: 'drawn', rows: 250_000, sstables: 4 },
  'drawn-2m': { table: 'orders_by_id', kind: 'drawn', rows: 2_000_000, sstables: 4 },
  'cancelled-250k': { table: 'orders_by_id', kind: 'cancelled', rows: 250_000, sstables: 4 },
  'cancelled-2m': { table: 'orders_by_id', kind: 'cancelled', rows: 2_000_000, sstables: 4 },
  'compact-wide': { table: 'events', kind: 'events', rows: 500_000, sstables: 4 },
  'compact-wide-2g': { table: 'wide', kind: 'wide-more', rows: 100_000, sstables: 2, beside: 'wide-2g' },
} as const satisfies Readonly<Record<string, Omit<Bulk, 'beside'> & { readonly beside?: string }>>;
export type BulkName = keyof typeof BULK;

export const benchDirectory = process.env.LSMCTL_BENCH_DIR ?? join(homedir(), '.cache/lsmctl-bench');

/** The Data.db of one that has a single SSTable, which is made where it is not there. */
export function bulk(name: BulkName): string {
  return bulkFiles(name)[0]!;
}

/** Every Data.db, by generation; made where they are not there. */
export function bulkFiles(name: BulkName): string[] {
  const { table, sstables } = BULK[name];
  const directory = join(benchDirectory, name, 'shop', table);
  if (!existsSync(directory)) make(name);
  const data = readdirSync(directory).filter((file) => file.endsWith('-Data.db'));
  if (data.length !== sstables) throw new Error(`${directory} holds ${data.length} SSTables, not ${sstables}`);
  return data.sort().map((file) => join(directory, file));
}

/** Under another name until all of it is there. */
function make(name: BulkName): void {
  setup([V5]);
  const { table, kind, rows, beside }: Bulk = BULK[name];
  const made = join(benchDirectory, `${name}.part`);
  const directory = join(made, 'shop', table);
  rmSync(made, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  if (beside) linkAll(join(bulk(beside), '..'), directory);
  const source = fileURLToPath(new URL('java/Bulk.java', import.meta.url));
  java(V5, source, [directory, kind, String(rows)], '6g');
  renameSync(made, join(benchDirectory, name));
}

function linkAll(from: string, to: string): void {
  for (const file of readdirSync(from)) linkSync(join(from, file), join(to, file));
}
