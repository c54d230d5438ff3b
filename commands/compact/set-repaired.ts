import { Flags, parseTimeSeconds, pathArg } from '../../src/cli/flags.js';
import { SurgeryCommand, surgeryFlags } from '../../src/cli/surgery/command.js';

export default class CompactSetRepaired extends SurgeryCommand {
  static override summary = 'mark SSTables as repaired, or as not repaired';
  static override description =
    `Does what sstablerepairedset does, to every SSTable that PATH leads to. --repaired gives each the time at which its Data.db was written, as the
tool does; --repaired-at the same time to all; --unrepaired takes the mark away. Either way an SSTable leaves the repair session that it is pending
in, and a transient one counts as a full replica.

Mark nothing as repaired that was not repaired in full: repairs pass it over from then on. A node never compacts repaired with unrepaired SSTables.

Only Statistics.db is written, beside the old one and then in its place. No Cassandra may run on the directory.

Exit 0: done, or nothing to change; 1: a dry run that would change something, or the answer was no; 4: refused as unsafe.`;
  static override examples = [
    '<%= config.bin %> compact set-repaired /var/lib/cassandra/data/shop/orders-* --unrepaired --dry-run',
    '<%= config.bin %> compact set-repaired /var/lib/cassandra/data/shop --repaired-at 2024-06-01T00:00:00Z --yes',
  ];
  static override strict = false;
  static override args = { path: pathArg };
  static override flags = {
    repaired: Flags.boolean({ summary: 'repaired when Data.db was written', default: false }),
    'repaired-at': Flags.custom<number>({
      summary: 'repaired at this time: unix seconds or ISO 8601',
      helpValue: 'TIME',
      parse: async (text) => parseTimeSeconds(text, '--repaired-at'),
    })(),
    unrepaired: Flags.boolean({ summary: 'not repaired', default: false }),
    ...surgeryFlags,
  };

  async run(): Promise<object> {
    const { argv, flags } = await this.parse(CompactSetRepaired);
    const { runSetRepaired } = await import('../../src/cli/surgery/run.js');
    const paths = argv.length > 0 ? (argv as string[]) : ['.'];
    return this.end(await runSetRepaired(paths, flags, this.stage()));
  }
}
