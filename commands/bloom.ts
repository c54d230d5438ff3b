import { LsmctlCommand } from '../src/cli/base-command.js';
import { Flags, keyspaceFlag, nowFlag, pathArg, schemaFlag, tableFlag, yesFlag } from '../src/cli/flags.js';

export default class Bloom extends LsmctlCommand {
  static override summary = 'audit Bloom filters: how often they err, whether they deny keys, what others would cost';
  static override description =
    `Reads Filter.db and Statistics.db of each SSTable, and asks the filter for keys that the SSTable holds: for all where that is cheap or with
--prove, else for a few. A filter that denies a key hides it from every read by that key, and no tool of Cassandra's notices.

How often a filter lets absent keys pass is computed from its bits (~), or with --measure counted. What another bloom_filter_fp_chance would cost is
told for the table's SSTables as they are.

--rebuild writes new filters from the indexes: it shows the plan, asks, and replaces each file in one step. No node may run on the directory.

Exits 1 where there is a finding.`;
  static override examples = [
    '<%= config.bin %> bloom /var/lib/cassandra/data/shop',
    '<%= config.bin %> bloom /var/lib/cassandra/data/shop/orders-* --measure --seed 42',
    '<%= config.bin %> bloom /var/lib/cassandra/data/shop/orders-* --key 1001',
    '<%= config.bin %> bloom /var/lib/cassandra/data/shop/orders-* --rebuild --fp-chance 0.001',
  ];
  static override enableJsonFlag = true;
  static override strict = false;
  static override args = { path: pathArg };
  static override flags = {
    prove: Flags.boolean({ summary: 'ask for every key of every SSTable' }),
    measure: Flags.boolean({ summary: 'count how many absent keys pass; proves, too' }),
    draws: Flags.integer({
      summary: 'absent keys to measure with',
      helpValue: 'N',
      default: 1_000_000,
      min: 1_000_000,
    }),
    seed: Flags.integer({ summary: 'draw the same absent keys again', helpValue: 'N', min: 1, max: 2 ** 31 - 1 }),
    key: Flags.string({
      char: 'k',
      summary: 'what each filter answers for this key, and by which bits (composite keys: a:b)',
      helpValue: 'KEY',
      multiple: true,
      multipleNonGreedy: true,
    }),
    rebuild: Flags.boolean({ summary: 'write new filters', exclusive: ['key', 'measure', 'prove'] }),
    'fp-chance': Flags.custom<number>({
      summary: 'with --rebuild: the chance to make filters for; else one more to compare with',
      helpValue: 'P',
      parse: async (text) => (await import('../src/cli/bloom/rebuild.js')).parseChance(text),
    })(),
    'dry-run': Flags.boolean({ summary: 'with --rebuild: all but the last step', dependsOn: ['rebuild'] }),
    yes: yesFlag,
    snapshots: Flags.boolean({ summary: 'also the snapshots and backups of a table' }),
    keyspace: keyspaceFlag,
    table: tableFlag,
    schema: schemaFlag,
    now: nowFlag,
  };

  async run(): Promise<object> {
    const { argv, flags } = await this.parse(Bloom);
    const paths = argv.length > 0 ? (argv as string[]) : ['.'];
    const { jsonDocument } = await import('../src/render/json.js');
    const tell = (line: string) => this.notice(line);
    const done = flags.rebuild
      ? await (await import('../src/cli/bloom/rebuild.js')).rebuildPaths(paths, flags, tell, this.jsonEnabled())
      : flags.key
        ? await (await import('../src/cli/bloom/keys.js')).askPaths(paths, { ...flags, key: flags.key }, tell)
        : await (await import('../src/cli/bloom/run.js')).inspectPaths(paths, flags, tell, this.jsonEnabled());
    if (!this.jsonEnabled()) this.out.writeText(done.text());
    this.exitWith(done.failures.exitCode);
    return jsonDocument(done.name, 1, { ...done.body, errors: done.failures.objects });
  }
}
