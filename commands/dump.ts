import { LsmctlCommand } from '../src/cli/base-command.js';
import { DUMP_FORMATS } from '../src/cli/dump/spec.js';
import {
  Args,
  Flags,
  formatFlag,
  jobsFlag,
  keyspaceFlag,
  limitFlag,
  nowFlag,
  outputFlag,
  schemaFlag,
  tableFlag,
  yesFlag,
} from '../src/cli/flags.js';

export default class Dump extends LsmctlCommand {
  static override summary = 'print what SSTables hold';
  static override description =
    `By default the text is that of Cassandra 5.0's sstabledump, byte for byte, with its flags (-d -e -k -l -t -x).
The other formats are lsmctl's own: ndjson (a row or range tombstone a line, nothing left out), cql (statements that write the same cells),
csv and table (the living values).

Chunks are checked against their checksums. A damaged one ends the dump: exit 3, and JSON that is visibly cut. Only in the sstabledump
format, a chunk of an uncompressed table that fails CRC.db is printed as sstabledump does, then reported, with exit 3.`;
  static override examples = [
    '<%= config.bin %> <%= command.id %> --key 42 data/shop/orders-5a1c395e/oa-1-big-Data.db',
    '<%= config.bin %> <%= command.id %> --format ndjson --tombstones data/shop/orders-5a1c395e | jq .key',
  ];
  static override strict = false;
  static override args = {
    path: Args.string({
      description: 'SSTables: any of their files, or directories (table, keyspace, snapshot, data)',
    }),
  };
  static override flags = {
    format: formatFlag(DUMP_FORMATS, 'sstabledump'),
    json: Flags.boolean({ summary: 'the same as --format ndjson', exclusive: ['format'] }),
    debug: Flags.boolean({ char: 'd', summary: "sstabledump's -d: a row a line, as Cassandra prints it internally" }),
    'keys-only': Flags.boolean({ char: 'e', summary: "sstabledump's -e: partition keys only, from the index" }),
    key: Flags.string({
      char: 'k',
      summary: 'only this partition, found by the index; may be given often (composite keys: a:b)',
      multiple: true,
      helpValue: 'KEY',
    }),
    lines: Flags.boolean({ char: 'l', summary: "sstabledump's -l: JSON, a partition a line" }),
    'raw-times': Flags.boolean({ char: 't', summary: "sstabledump's -t: times as numbers" }),
    'exclude-key': Flags.string({
      char: 'x',
      summary: 'all but this partition; may be given often',
      multiple: true,
      helpValue: 'KEY',
    }),
    token: Flags.string({
      summary: 'only tokens after A up to and with B, as nodetool repair -st A -et B; --token=A,B where A is negative',
      helpValue: 'A,B',
    }),
    clustering: Flags.string({
      summary: 'only rows whose clustering begins with these values',
      helpValue: 'V[,V…]',
    }),
    since: Flags.string({
      summary: 'only rows with something written at or after: ISO 8601 or microseconds',
      helpValue: 'TIME',
    }),
    until: Flags.string({
      summary: 'only rows with something written before: ISO 8601 or microseconds',
      helpValue: 'TIME',
    }),
    tombstones: Flags.boolean({ summary: 'only rows with deletions, range tombstones and partition deletions' }),
    limit: limitFlag,
    keyspace: keyspaceFlag,
    table: tableFlag,
    schema: schemaFlag,
    now: nowFlag,
    jobs: jobsFlag,
    output: outputFlag,
    yes: yesFlag,
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Dump);
    const { dumpPaths, takePaths } = await import('../src/cli/dump/paths.js');
    const given = takePaths(argv as string[], flags);
    const tell = (line: string) => this.notice(line);
    this.exitWith(await dumpPaths(given.paths, given.flags, tell));
  }
}
