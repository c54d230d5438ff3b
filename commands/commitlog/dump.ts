import { LsmctlCommand } from '../../src/cli/base-command.js';
import { LOG_FORMATS } from '../../src/cli/commitlog/formats.js';
import {
  cassandraYamlFlag,
  dataFlag,
  Flags,
  formatFlag,
  keyspaceFlag,
  limitFlag,
  logPathArg,
  nowFlag,
  outputFlag,
  schemaFlag,
  tableFlag,
} from '../../src/cli/flags.js';

export default class CommitlogDump extends LsmctlCommand {
  static override summary = 'print the mutations of a commit log';
  static override description =
    `In the order of the log: as JSON lines, with nothing left out, or as CQL that writes the same cells. The commit log can be that of a
stopped or of a running node; nothing is changed. The schema is that of the data directory beside, of --data, or of --schema.

Damage is told on stderr with its place, and read past where that can be done: exit 3. \`lsmctl commitlog verify\` tells what it costs.`;
  static override examples = [
    '<%= config.bin %> <%= command.id %> --keyspace shop --table orders /var/lib/cassandra/commitlog',
    '<%= config.bin %> <%= command.id %> --follow --keyspace shop --data /var/lib/cassandra/data /var/lib/cassandra/cdc_raw',
    '<%= config.bin %> <%= command.id %> --format cql --table orders --key 42 --data data backup/CommitLog-7-1699285478684.log',
  ];
  static override strict = false;
  static override args = { path: logPathArg };
  static override flags = {
    format: formatFlag(LOG_FORMATS, 'ndjson'),
    keyspace: keyspaceFlag,
    table: tableFlag,
    key: Flags.string({
      char: 'k',
      summary: 'only this partition; may be given often (composite keys: a:b); needs --table',
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'KEY',
    }),
    since: Flags.string({
      summary: 'only rows with something written at or after: ISO 8601 or microseconds',
      helpValue: 'TIME',
    }),
    until: Flags.string({
      summary: 'only rows with something written before: ISO 8601 or microseconds',
      helpValue: 'TIME',
    }),
    from: Flags.string({ summary: 'from this place in the log on', helpValue: 'SEGMENT[:POSITION]' }),
    to: Flags.string({ summary: 'up to this place in the log', helpValue: 'SEGMENT[:POSITION]' }),
    follow: Flags.boolean({
      summary: 'go on with what a running node writes, as soon as it is synced; the directory is best its cdc_raw',
    }),
    'left-out': Flags.boolean({
      summary: 'only mutations that can be read, but that a node leaves out because of damage before them',
      exclusive: ['follow'],
    }),
    limit: limitFlag,
    data: dataFlag,
    schema: schemaFlag,
    'cassandra-yaml': cassandraYamlFlag,
    now: nowFlag,
    output: outputFlag,
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(CommitlogDump);
    const { dumpLog } = await import('../../src/cli/commitlog/dump.js');
    const paths = argv.length > 0 ? (argv as string[]) : ['.'];
    this.exitWith(await dumpLog(paths, flags, (line) => this.notice(line)));
  }
}
