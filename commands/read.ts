import { LsmctlCommand } from '../src/cli/base-command.js';
import { Args, Flags, formatFlag, gcGraceFlag, keyspaceFlag, limitFlag, nowFlag, schemaFlag, tableFlag } from '../src/cli/flags.js'; // biome-ignore format: one line

export default class Read extends LsmctlCommand {
  static override summary = 'what a read of a key returns, which SSTables it asks, and what it costs';
  static override description =
    `Goes the way of Cassandra's read path through the SSTables of one table: key range, newest first by timestamp, newer deletions, clustering range,
Bloom filter, index, blocks, chunks. Prints the rows as SELECT JSON * does, then what the read cost and the tombstones that it met, counted as the
node's own tracing counts them ("Read N live rows and M tombstone cells"). What is only in a node's memtables is in the answer where --commitlog
names its commit log.

--slice takes clusterings as a WHERE clause has them, in the order of the clustering columns: values, then bounds of the next column.
--versions tells of every version of every cell in these SSTables what became of it. --all prints the whole table, a row a line.
--sample asks for N keys, drawn by the size of their partitions, and gives the distribution of SSTables per read.

Exits 1 where the tombstones of a read cross a threshold.`;
  static override examples = [
    '<%= config.bin %> read /var/lib/cassandra/data/shop/orders-* 1001 --trace',
    "<%= config.bin %> read /var/lib/cassandra/data/shop/orders_by_user-* ada --slice '>=2024-01-01,<2024-02-01'",
    '<%= config.bin %> read /var/lib/cassandra/data/shop/orders-* 1001 --versions',
    '<%= config.bin %> read /var/lib/cassandra/data/shop/orders-* --all',
    '<%= config.bin %> read /var/lib/cassandra/data/shop/orders-* --sample 1000 --seed 42',
  ];
  static override enableJsonFlag = true;
  static override args = {
    path: Args.string({
      description: 'directory of a table, or any file of it; a data directory with --keyspace and --table',
      required: true,
    }),
    key: Args.string({ description: 'partition key (composite keys: a:b)' }),
  };
  static override flags = {
    slice: Flags.string({ summary: "only these clusterings, as 'a, >=3, <7'", helpValue: 'CLUSTERING' }),
    trace: Flags.boolean({ summary: 'what became of each SSTable' }),
    versions: Flags.boolean({ summary: 'every version of every cell, and its verdict', exclusive: ['as-of'] }),
    'as-of': Flags.string({
      summary: 'the answer at this write time, as far as the SSTables still have it: microseconds or ISO 8601',
      helpValue: 'TIME',
    }),
    format: formatFlag(['json', 'cells'], 'json'),
    all: Flags.boolean({
      summary: 'every row of the table',
      exclusive: ['slice', 'trace', 'versions', 'as-of', 'sample'],
    }),
    sample: Flags.integer({ summary: 'read so many keys, drawn by size', helpValue: 'N', min: 1, max: 1_000_000 }),
    commitlog: Flags.string({
      summary: "the node's commit log: what is not flushed yet is read too, as from its memtables",
      helpValue: 'DIR',
      multiple: true,
      multipleNonGreedy: true,
    }),
    seed: Flags.integer({ summary: 'draw the same keys again', helpValue: 'N', min: 0, max: 2 ** 31 - 1, dependsOn: ['sample'] }), // biome-ignore format: one line
    warn: Flags.integer({ summary: 'tombstone_warn_threshold', helpValue: 'N', min: 0, default: 1000 }),
    fail: Flags.integer({ summary: 'tombstone_failure_threshold', helpValue: 'N', min: 0, default: 100_000 }),
    limit: limitFlag,
    'gc-grace': gcGraceFlag,
    keyspace: keyspaceFlag,
    table: tableFlag,
    schema: schemaFlag,
    now: nowFlag,
  };

  private isStream = false;

  /** A stream of rows is JSON already. */
  override logJson(json: unknown): void {
    if (!this.isStream) super.logJson(json);
  }

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Read);
    const { runRead } = await import('../src/cli/read/command.js');
    const { jsonDocument } = await import('../src/render/json.js');
    this.isStream = flags.all;
    const out = this.jsonEnabled() && !flags.all ? undefined : this.out;
    const done = await runRead(args.path, args.key, flags, out, (line) => this.notice(line));
    this.exitWith(done.exitCode);
    return jsonDocument(done.name, 1, done.body);
  }
}
