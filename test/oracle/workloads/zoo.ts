/** One small table for every feature of Cassandra's storage and schema. */
import { range, type Workload } from './workload.js';
import { schemaExhibits } from './zoo-schema.js';
import { storageExhibits } from './zoo-storage.js';
import { typeExhibits } from './zoo-types.js';

/** A few tables that show one thing; each of its rounds ends with a flush. */
export type Exhibit = {
  /** Whether only 5.0 and later know it. */
  readonly from5?: boolean;
  readonly create: readonly string[];
  readonly rounds: readonly (readonly string[])[];
};

export function zoo(version: string): Workload {
  const five = version.startsWith('5');
  const exhibits = [...typeExhibits, ...storageExhibits(five), ...schemaExhibits(five)].filter(
    (exhibit) => five || !exhibit.from5,
  );
  return {
    keyspace: 'zoo',
    create: [
      "CREATE KEYSPACE zoo WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
      ...exhibits.flatMap((exhibit) => exhibit.create),
    ],
    rounds: range(0, 3).map((i) => exhibits.flatMap((exhibit) => exhibit.rounds[i] ?? [])),
  };
}
