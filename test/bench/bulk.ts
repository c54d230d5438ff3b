/**
 * Makes the benchmarks' SSTables with real Cassandra's own writer, once, by `npx vite-node test/bench/make-bulk.ts [NAME...]`.
 *
 *   $LSMCTL_BENCH_DIR (default ~/.cache/lsmctl-bench)
 *     orders-250k/shop/orders_by_id/   250,000 partitions of one row, one oa SSTable
 *     orders-2m/shop/orders_by_id/     2,000,000 of them
 *     wide-2g/shop/wide/               one partition of 2 GB
 */
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { java, setup, V5 } from '../oracle/cassandra.js';

export const BULK = {
  'orders-250k': { table: 'orders_by_id', rows: 250_000 },
  'orders-2m': { table: 'orders_by_id', rows: 2_000_000 },
  'wide-2g': { table: 'wide', rows: 2_050_000 },
} as const;
export type BulkName = keyof typeof BULK;

export const benchDirectory = process.env.LSMCTL_BENCH_DIR ?? join(homedir(), '.cache/lsmctl-bench');

/** The Data.db of one of the SSTables, which is made where it is not there. */
export function bulk(name: BulkName): string {
  const { table, rows } = BULK[name];
  const directory = join(benchDirectory, name, 'shop', table);
  if (!existsSync(directory)) {
    setup([V5]);
    const made = join(benchDirectory, `${name}.part`);
    rmSync(made, { recursive: true, force: true });
    const source = fileURLToPath(new URL('java/Bulk.java', import.meta.url));
    java(V5, source, [join(made, 'shop', table), table, String(rows)], '6g');
    renameSync(made, join(benchDirectory, name));
  }
  const data = readdirSync(directory).filter((file) => file.endsWith('-Data.db'));
  if (data.length !== 1) throw new Error(`${directory} holds ${data.length} SSTables, not one`);
  return join(directory, data[0]!);
}
