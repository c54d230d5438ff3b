import { nowFlag, pathArg, schemaFlag } from '../../src/cli/flags.js';
import { SurgeryCommand, surgeryFlags } from '../../src/cli/surgery/command.js';

export default class CompactRelevel extends SurgeryCommand {
  static override summary = 'give the SSTables of leveled tables new levels, by where they overlap';
  static override description =
    `Does what sstableofflinerelevel does: as many SSTables as can lie beside each other become the highest level, of the others as many the one
below, and so on; what still overlaps after as many levels as the count of SSTables has digits goes to L0. After a restore or a bulk load, which
leave all in L0, a node then has less to compact. Each directory of a table is leveled by itself.

Only Statistics.db is written, beside the old one and then in its place. No Cassandra may run on the directory. Tables that are not leveled are left
as they are, and where none is leveled the command refuses (exit 4).

Exit 0: done, or nothing to change; 1: a dry run that would change something, or the answer was no; 4: refused as unsafe.`;
  static override examples = [
    '<%= config.bin %> compact relevel /var/lib/cassandra/data/shop/sensors-* --dry-run',
    '<%= config.bin %> compact relevel /var/lib/cassandra/data --keyspace shop --table sensors --yes',
  ];
  static override strict = false;
  static override args = { path: pathArg };
  static override flags = {
    ...surgeryFlags,
    schema: schemaFlag,
    now: nowFlag,
  };

  async run(): Promise<object> {
    const { argv, flags } = await this.parse(CompactRelevel);
    const { runRelevel } = await import('../../src/cli/surgery/run.js');
    const paths = argv.length > 0 ? (argv as string[]) : ['.'];
    return this.end(await runRelevel(paths, flags, this.stage()));
  }
}
