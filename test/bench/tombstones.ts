/**
 * `lsmctl tombstones` against sstablepartitions on the same SSTables: that one reads each by itself and counts what lies in it; this one merges them,
 * counts what reads meet, and judges every deletion. Where nothing is deleted (the drawn orders), Statistics.db tells that; where something is, each
 * partition must be read. The targets are those of the first two, the small table and the large one; the others are held to them too.
 */
import path from 'node:path';
import { toolCommand, V5 } from '../oracle/cassandra.js';
import { type BulkName, bulk } from './bulk.js';
import { type Command, compare, type Figures } from './measure.js';
import { show, target } from './report.js';

/** With the share of sstablepartitions' time that is allowed. */
const TABLES: readonly (readonly [BulkName, number])[] = [
  ['drawn-250k', 0.2],
  ['drawn-2m', 0.1],
  ['cancelled-250k', 0.2],
  ['cancelled-2m', 0.1],
  ['compact-orders-2m', 0.1],
];
const PEAK_MEGABYTES = 300;

/** @param bin lsmctl's bin/run.js */
export async function benchTombstones(bin: string, rounds: number): Promise<void> {
  for (const [name, share] of TABLES) {
    const directory = path.dirname(bulk(name));
    const ours: Command = {
      label: 'lsmctl tombstones',
      program: process.execPath,
      args: [bin, 'tombstones', directory],
    };
    const [program, args] = toolCommand(V5, 'sstablepartitions', ['-t', '1000', directory]);
    const theirs: Command = { label: 'sstablepartitions -t 1000', program, args };
    const figures = (await compare([ours, theirs], Math.min(rounds, 3))) as [Figures, Figures];
    show(`tombstones of ${name}`, figures);
    target('wall time against sstablepartitions', figures[0].seconds / figures[1].seconds, share, 'of it');
    target('peak memory', figures[0].peakMegabytes, PEAK_MEGABYTES, 'MB');
  }
}
