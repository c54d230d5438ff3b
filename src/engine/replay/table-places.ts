/**
 * Where and how the SSTables of replayed tables are written: in a directory laid out as a node's, in the version of the SSTables that are there, under
 * generations that come after theirs.
 */
import path from 'node:path';
import type { Storage } from '../../bytes/source.js';
import type { LogTable } from '../../commitlog/log-schema.js';
import type { Descriptor } from '../../sstable/descriptor.js';
import { type Partitioner, partitionerOf } from '../../sstable/partitioner.js';
import { idTimestampMillis, nextNumber, timeBasedId } from '../../sstable/sstable-id.js';
import { readStatistics } from '../../sstable/statistics.js';
import { latestWritten, type Version, versionOf } from '../../sstable/version.js';
import { resolvePaths } from '../data-directory.js';
import type { SSTableDirectory } from '../sstable-directory.js';

export type TableForm = { readonly partitioner: Partitioner; readonly version: Version };

const MURMUR3 = 'org.apache.cassandra.dht.Murmur3Partitioner';
const LOCAL = 'org.apache.cassandra.dht.LocalPartitioner';

/** The version that a release writes that has commit logs of this version, unless its SSTables tell otherwise. */
const VERSION_OF_LOG: Readonly<Record<number, Version>> = {
  6: versionOf('big', 'me'),
  7: versionOf('big', 'nb'),
  8: versionOf('big', 'oa'),
};

export class TablePlaces {
  private readonly storage: Storage;
  /** Live ones, by table id without dashes. */
  private readonly byId = new Map<string, SSTableDirectory[]>();
  private readonly all: readonly SSTableDirectory[];
  private readonly logVersion: number;
  private readonly forms = new Map<string, TableForm>();
  private clusterForm: TableForm | undefined;

  /** @param logVersion of the newest segment */
  constructor(storage: Storage, dataDirectories: readonly string[], logVersion: number) {
    this.storage = storage;
    this.logVersion = logVersion;
    const { directories } = dataDirectories.length > 0 ? resolvePaths(storage, dataDirectories) : { directories: [] };
    this.all = directories.filter(({ kind, place }) => kind === 'live' && place.index === undefined);
    for (const directory of this.all) {
      const { tableId } = directory.place;
      if (tableId === undefined) continue;
      const known = this.byId.get(tableId);
      if (known) known.push(directory);
      else this.byId.set(tableId, [directory]);
    }
  }

  /** Directories of the table, one a disk; none where it has no data yet. */
  directoriesOf({ id }: LogTable): readonly SSTableDirectory[] {
    return this.byId.get(id.replaceAll('-', '')) ?? [];
  }

  /** As its own SSTables have it, else as those of others do. @throws CorruptError, UsageError, UnsupportedError */
  formOf(table: LogTable): TableForm {
    let form = this.forms.get(table.id);
    if (!form) {
      form = this.makeForm(table);
      this.forms.set(table.id, form);
    }
    return form;
  }

  private makeForm(table: LogTable): TableForm {
    const sstables = this.directoriesOf(table).flatMap((directory) => directory.sstables);
    const own = sstables.at(-1)?.descriptor;
    if (own) {
      const version = latestWritten(sstables.map(({ descriptor }) => descriptor.version));
      const { partitioner } = readStatistics(this.storage, own).validation;
      return { version, partitioner: partitionerOf(partitioner, table.keyType) };
    }
    const { version, partitioner } = this.cluster();
    // the one table in the log that no token spreads
    const isLocal = table.keyspace === 'system' && table.name === 'batches';
    return { version, partitioner: isLocal ? partitionerOf(LOCAL, table.keyType) : partitioner };
  }

  /** What the data directory has beside. */
  private cluster(): TableForm {
    if (this.clusterForm) return this.clusterForm;
    const descriptors = this.all.flatMap(({ sstables }) => sstables.map(({ descriptor }) => descriptor));
    let partitioner = MURMUR3;
    for (const descriptor of descriptors) {
      const { partitioner: name } = readStatistics(this.storage, descriptor).validation;
      if (name.includes('LocalPartitioner')) continue;
      partitioner = name;
      break;
    }
    const version =
      descriptors.length > 0
        ? latestWritten(descriptors.map(({ version: one }) => one))
        : (VERSION_OF_LOG[this.logVersion] ?? versionOf('big', 'oa'));
    this.clusterForm = { version, partitioner: partitionerOf(partitioner) };
    return this.clusterForm;
  }

  /** `<keyspace>/<table>-<id>`, as a node names it. */
  relativePlace(table: LogTable): string {
    const [directory] = this.directoriesOf(table);
    if (directory) return path.join(table.keyspace, path.basename(path.resolve(directory.path)));
    return path.join(table.keyspace, `${table.name}-${table.id.replaceAll('-', '')}`);
  }

  /** Gives names to the table's new SSTables in `directory`. */
  descriptorsOf(table: LogTable, directory: string, nowMillis: number, randomBits: () => bigint): () => Descriptor {
    const files = this.directoriesOf(table).flatMap(({ sstables, orphans }) => [...sstables, ...orphans]);
    const ids = files.map(({ descriptor }) => descriptor.id);
    const like = ids.at(-1) ?? this.all.flatMap(({ sstables }) => sstables.map(({ descriptor }) => descriptor.id))[0];
    const isTimeBased = like?.includes('_') ?? false;
    const { version } = this.formOf(table);
    return () => {
      const latest = ids.reduce((millis, id) => Math.max(millis, idTimestampMillis(id) ?? 0), nowMillis);
      const id = isTimeBased ? timeBasedId(latest + 1, randomBits()) : nextNumber(ids);
      ids.push(id);
      const { format, name } = version;
      return { directory, version, format, id, prefix: `${name}-${id}-${format}` };
    };
  }
}
