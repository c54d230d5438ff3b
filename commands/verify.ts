import { LsmctlCommand } from '../src/cli/base-command.js';
import { EXIT } from '../src/cli/exit.js';
import {
  Flags,
  formatFlag,
  jobsFlag,
  keyspaceFlag,
  nowFlag,
  pathArg,
  schemaFlag,
  tableFlag,
} from '../src/cli/flags.js';
import type { Sample } from '../src/engine/verify/sample.js';

export default class Verify extends LsmctlCommand {
  static override summary = 'prove SSTables sound, or say what is wrong, where, and what to do';
  static override description =
    `Reads only, needs no node, works on any copy. By default every byte of Data.db is held to its checksums, every index entry to its partition, every
key to order, token and Bloom filter. --quick opens the small files only; --deep also decodes every row and counts Statistics.db anew.

An SSTable that can't be read ends nothing: it is a finding. Exit 1 with findings (notes do not count), 0 without.`;
  static override examples = [
    '<%= config.bin %> <%= command.id %> /var/lib/cassandra/data',
    '<%= config.bin %> <%= command.id %> --deep --keyspace shop --table orders /var/lib/cassandra/data',
    '<%= config.bin %> <%= command.id %> --quick --snapshots --json backup/shop | jq .totals',
  ];
  static override strict = false;
  static override enableJsonFlag = true;
  static override args = { path: pathArg };
  static override flags = {
    quick: Flags.boolean({ summary: 'only the small files: seconds for a whole node', exclusive: ['deep'] }),
    deep: Flags.boolean({ summary: 'also every row, bound and cell, and what Statistics.db counts' }),
    snapshots: Flags.boolean({ summary: "also each table's snapshots and backups" }),
    sstables: Flags.boolean({ summary: 'also list each SSTable with its checks' }),
    notes: Flags.boolean({ summary: 'also what is good to know, but not wrong' }),
    keyspace: keyspaceFlag,
    table: tableFlag,
    schema: schemaFlag,
    now: nowFlag,
    jobs: jobsFlag,
    'max-rate': Flags.custom<number>({
      summary: 'read at most so many bytes a second: 50M',
      helpValue: 'BYTES',
      parse: async (text) => (await import('../src/engine/verify/sample.js')).parseBytes(text, '--max-rate'),
    })(),
    sample: Flags.custom<Sample>({
      summary: 'verify deeply only a share (5%), so many bytes (10G) or a part (3/7); the rest quickly',
      helpValue: 'P%|BYTES|N/M',
      exclusive: ['quick', 'deep'],
      parse: async (text) => (await import('../src/engine/verify/sample.js')).parseSample(text),
    })(),
    state: Flags.string({
      summary: 'remember in this file what is done: an interrupted run goes on, samples take what waits longest',
      helpValue: 'FILE',
    }),
    format: formatFlag(['table', 'sarif'], 'table'),
  };

  async run(): Promise<object> {
    const { argv, flags } = await this.parse(Verify);
    const [{ verifyPaths }, { hasFindings }, { verifyText }, { jsonDocument, jsonText }] = await Promise.all([
      import('../src/cli/verify/run.js'),
      import('../src/engine/verify/report.js'),
      import('../src/render/verify-text.js'),
      import('../src/render/json.js'),
    ]);
    const paths = argv.length > 0 ? (argv as string[]) : ['.'];
    const report = await verifyPaths(paths, flags, {
      notice: (line) => this.notice(line),
      isQuiet: this.jsonEnabled(),
    });
    if (flags.format === 'table') this.log(verifyText(report, { ...flags, root: process.cwd() }));
    else {
      const { verifySarif } = await import('../src/render/verify-sarif.js');
      this.log(jsonText(verifySarif(report, this.config.version)));
    }
    if (hasFindings(report)) this.exitWith(EXIT.findings);
    return jsonDocument('verify', 1, { paths, ...report });
  }
}
