/** Flags that say what is to be compacted, and by which rules: the same in `compact plan` and `compact run`. */
import { Flags, gcGraceFlag, keyspaceFlag, nowFlag, schemaFlag, tableFlag } from '../flags.js';

export const columnIndexSizeFlag = Flags.integer({
  summary: "bytes of rows a block of a partition's index covers: cassandra.yaml's column_index_size",
  helpValue: 'BYTES',
  min: 1024,
});

export const taskJobsFlag = Flags.integer({
  summary:
    'threads for a task: 1, or 2 and more to read ahead and write beside the merge (default: as the processors, where that pays)',
  helpValue: 'N',
  min: 1,
  max: 256,
});

export const requestFlags = {
  major: Flags.boolean({ summary: 'all SSTables of a table, as nodetool compact', default: false }),
  'split-output': Flags.boolean({
    summary: 'with --major, size-tiered tables: a half, a quarter, … in place of one SSTable',
    default: false,
  }),
  sstables: Flags.string({
    summary: 'these SSTables of a table, as nodetool compact --user-defined: generations or file names',
    helpValue: 'A,B',
  }),
  'token-range': Flags.string({
    summary: 'SSTables with tokens from A to B, as nodetool compact -st A -et B; --token-range=A,B where A is negative',
    helpValue: 'A,B',
  }),
  key: Flags.string({
    char: 'k',
    summary: 'SSTables that may have this partition (composite keys: a:b)',
    helpValue: 'KEY',
  }),
  'garbage-collect': Flags.string({
    summary: "each SSTable by itself, without what the table's others hide: rows, or rows and cells",
    helpValue: 'row|cell',
    options: ['row', 'cell'],
  }),
  strategy: Flags.string({
    summary: "another strategy than the table's, as stcs, lcs, twcs, ucs or its class, with its default options",
    helpValue: 'NAME',
  }),
  option: Flags.string({
    summary: "a compaction option in place of the table's, as min_threshold=2; may be given often",
    helpValue: 'NAME=VALUE',
    multiple: true,
  }),
  commitlog: Flags.string({
    summary:
      "the node's commit log, by default `commitlog` beside the data directory: its writes keep older tombstones; or none",
    helpValue: 'DIR|none',
    multiple: true,
    multipleNonGreedy: true,
  }),
  'gc-grace': gcGraceFlag,
  keyspace: keyspaceFlag,
  table: tableFlag,
  schema: schemaFlag,
  now: nowFlag,
};

export const workFlags = {
  output: Flags.string({
    char: 'o',
    summary: 'write the new SSTables to this directory and leave the inputs as they are',
    helpValue: 'DIR',
  }),
  'dry-run': Flags.boolean({ summary: 'do all but write: count what would come out', default: false }),
  'max-rate': Flags.string({
    summary: 'read and write no more than this a second in all, such as 50M (MiB)',
    helpValue: 'BYTES',
  }),
  'drop-indexes': Flags.boolean({
    summary: 'go on where SAI or SASI components are lost: the node builds them anew',
    default: false,
  }),
  'column-index-size': columnIndexSizeFlag,
};
