import { pathArg } from '../../src/cli/flags.js';
import { SurgeryCommand, surgeryFlags } from '../../src/cli/surgery/command.js';

export default class CompactResetLevel extends SurgeryCommand {
  static override summary = 'put SSTables back to level 0';
  static override description =
    `Does what sstablelevelreset does: every SSTable that PATH leads to and that is not on level 0 is put there, so that a node with
LeveledCompactionStrategy sorts the table into levels anew. The table need not be leveled any more.

Only Statistics.db is written, beside the old one and then in its place. No Cassandra may run on the directory.

Exit 0: done, or nothing to change; 1: a dry run that would change something, or the answer was no; 4: refused as unsafe.`;
  static override examples = [
    '<%= config.bin %> compact reset-level /var/lib/cassandra/data/shop/sensors-* --dry-run',
    '<%= config.bin %> compact reset-level /restore/shop/sensors-8f0f2b10 --yes',
  ];
  static override strict = false;
  static override args = { path: pathArg };
  static override flags = {
    ...surgeryFlags,
  };

  async run(): Promise<object> {
    const { argv, flags } = await this.parse(CompactResetLevel);
    const { runResetLevel } = await import('../../src/cli/surgery/run.js');
    const paths = argv.length > 0 ? (argv as string[]) : ['.'];
    return this.end(await runResetLevel(paths, flags, this.stage()));
  }
}
