import { requestFlags, workFlags } from '../../src/cli/compact/request-flags.js';
import { Flags, pathArg } from '../../src/cli/flags.js';
import { SurgeryCommand, surgeryFlags } from '../../src/cli/surgery/command.js';

export default class CompactSplit extends SurgeryCommand {
  static override summary = 'split large SSTables into several, each by itself';
  static override description =
    `Does what sstablesplit does: every SSTable that PATH leads to and whose Data.db is larger than --size is written anew as several on level 0, cut
between partitions once one has more than --size; a larger partition stays whole. Nothing is purged; what has expired becomes tombstones. The state
of repair stays.

Each SSTable is replaced through a transaction log, as compact run does it: a crash leaves it split or as it was. Unless --no-snapshot is given, hard
links of the old SSTables stay in snapshots/pre-split-<milliseconds>, and so does the room that they take. With --output the new SSTables go to
another directory and the old stay as they are. No Cassandra may run on the directory. A node with SizeTieredCompactionStrategy soon compacts
SSTables of one size into one again.

Exit 0: done, or nothing to change; 1: a dry run that would change something, or the answer was no; 4: refused as unsafe.`;
  static override examples = [
    '<%= config.bin %> compact split /var/lib/cassandra/data/shop/orders-*/oa-12-big-Data.db --size 1024 --dry-run',
    '<%= config.bin %> compact split /var/lib/cassandra/data/shop/orders-* --size 5120 --no-snapshot --yes',
  ];
  static override strict = false;
  static override args = { path: pathArg };
  static override flags = {
    size: Flags.integer({ char: 's', summary: 'bytes of Data.db, in MiB', helpValue: 'MB', min: 1, default: 50 }),
    'no-snapshot': Flags.boolean({ summary: 'keep no hard links of the old SSTables', default: false }),
    ...surgeryFlags,
    ...workFlags,
    schema: requestFlags.schema,
    now: requestFlags.now,
  };

  async run(): Promise<object> {
    const { argv, flags } = await this.parse(CompactSplit);
    const { runSplit } = await import('../../src/cli/surgery/split.js');
    const paths = argv.length > 0 ? (argv as string[]) : ['.'];
    return this.end(await runSplit(paths, flags, this.stage()));
  }
}
