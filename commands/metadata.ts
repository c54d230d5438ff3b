import path from 'node:path';
import { LsmctlCommand } from '../src/cli/base-command.js';
import { Flags, formatFlag, nowFlag, pathArg } from '../src/cli/flags.js';
import {
  checkScan,
  chooseFormat,
  eachMetadata,
  eachScanned,
  Failures,
  METADATA_FORMATS,
  metadataGcGraceFlag,
} from '../src/cli/metadata.js';

export default class Metadata extends LsmctlCommand {
  static override summary = 'what an SSTable knows of itself: sizes, times, partitions and tombstones';
  static override description =
    `Reads Statistics.db, and a little of CompressionInfo.db and Summary.db, never Data.db: a thousand SSTables take seconds. Up to four SSTables get a
page each, more get a table. --format sstablemetadata is the text of Cassandra 5.0's tool of that name, times in UTC; its -s does read Data.db.

Partitions are an estimate from the sketch of keys, and so is the share of droppable tombstones, which knows nothing of overlaps and repair.`;
  static override examples = [
    '<%= config.bin %> metadata /var/lib/cassandra/data/shop',
    '<%= config.bin %> metadata oa-1-big-Data.db oa-2-big-Data.db --format page --gc-grace 10d',
  ];
  static override enableJsonFlag = true;
  static override strict = false;
  static override args = { path: pathArg };
  static override flags = {
    format: formatFlag(METADATA_FORMATS, 'auto'),
    now: nowFlag,
    'gc-grace': metadataGcGraceFlag,
    snapshots: Flags.boolean({ summary: 'also the snapshots and backups of a table' }),
    unicode: Flags.boolean({ char: 'u', summary: 'of sstablemetadata: bars of block characters' }),
    scan: Flags.boolean({
      char: 's',
      summary: 'of sstablemetadata: also read Data.db, count it and name its largest partitions',
    }),
    colors: Flags.boolean({ char: 'c', summary: 'of sstablemetadata: in colour' }),
  };

  async run(): Promise<object> {
    const { argv, flags } = await this.parse(Metadata);
    const [{ diskStorage }, { resolveSSTables }, render, { jsonDocument }] = await Promise.all([
      import('../src/bytes/source.js'),
      import('../src/engine/data-directory.js'),
      import('../src/render/metadata-format.js'),
      import('../src/render/json.js'),
    ]);
    const paths = argv.length > 0 ? (argv as string[]) : ['.'];
    const { sstables, problems } = resolveSSTables(diskStorage, paths, { snapshots: flags.snapshots });
    const failures = new Failures();
    for (const problem of problems) failures.addProblem(problem);
    const { unicode, colors: color, now: nowSeconds, 'gc-grace': gcGraceSeconds } = flags;
    const format = this.jsonEnabled() ? 'json' : chooseFormat(flags.format, sstables.length);
    checkScan(flags.scan, format);
    const options = {
      nowSeconds,
      gcGraceSeconds,
      unicode,
      color,
      root: path.resolve(),
    };
    const renderer = await render.metadataRenderer(format, options, (text) => this.out.writeText(text));
    const each = flags.scan ? eachScanned : eachMetadata;
    for await (const done of each(diskStorage, sstables, failures, renderer.make)) renderer.take(done);
    renderer.end();
    this.exitWith(failures.exitCode);
    return jsonDocument('metadata', 1, { sstables: renderer.reports, errors: failures.objects });
  }
}
