/** `npx vite-node test/bench/make-bulk.ts [NAME...]` makes the benchmarks' SSTables that are not there yet (default: both of orders) and prints their paths. */
import { BULK, type BulkName, bulk } from './bulk.js';

const names = process.argv.filter((word): word is BulkName => word in BULK);
for (const name of names.length > 0 ? names : (['orders-250k', 'orders-2m'] as const)) console.log(bulk(name));
