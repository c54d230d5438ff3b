import { LsmctlCommand } from '../../src/cli/base-command.js';
import { EXIT } from '../../src/cli/exit.js';
import { cassandraYamlFlag, dataFlag, Flags, logPathArg, nowFlag, schemaFlag } from '../../src/cli/flags.js';

export default class CommitlogVerify extends LsmctlCommand {
  static override summary = 'find what is wrong with a commit log, and what it costs';
  static override description =
    `Every section and every mutation is read, checksums and content. For each fault: where it is, what a node does about it at its start, and what
it leaves out when it goes on. Mutations that a node leaves out although they can be read are named, with how many of them SSTables hold
already; what nobody can read is told as ranges of bytes.

Give all segments of a node: only in the last one that is not empty does it take damage for an unfinished write. Exit 1 where anything is wrong.`;
  static override examples = [
    '<%= config.bin %> <%= command.id %> /var/lib/cassandra',
    '<%= config.bin %> <%= command.id %> --left left.ndjson --data /var/lib/cassandra/data /var/lib/cassandra/commitlog',
  ];
  static override strict = false;
  static override enableJsonFlag = true;
  static override args = { path: logPathArg };
  static override flags = {
    left: Flags.string({
      summary: 'write each mutation that can be read, but that a node leaves out, to this file: a JSON object a line',
      helpValue: 'FILE',
    }),
    data: dataFlag,
    schema: schemaFlag,
    'cassandra-yaml': cassandraYamlFlag,
    now: nowFlag,
  };

  async run(): Promise<object> {
    const { argv, flags } = await this.parse(CommitlogVerify);
    const [{ verifyPaths }, { verdictText, verdictJson }, { jsonDocument }] = await Promise.all([
      import('../../src/cli/commitlog/verify.js'),
      import('../../src/render/commitlog-verdict.js'),
      import('../../src/render/json.js'),
    ]);
    const paths = argv.length > 0 ? (argv as string[]) : ['.'];
    const { report, left, schema } = await verifyPaths(paths, flags, (line) => this.notice(line));
    this.log(verdictText(report, left, schema));
    if (report.verdict !== 'clean') this.exitWith(EXIT.findings);
    return jsonDocument('commitlog.verify', 1, { paths, ...verdictJson(report, left) });
  }
}
