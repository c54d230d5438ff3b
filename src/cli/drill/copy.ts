/** Puts a drill's copy together: <work>/node/data/<keyspace>/<table>-<id>/, <work>/node/commitlog/ as it crashed, <work>/log/ as it was. */
import fs from 'node:fs';
import path from 'node:path';
import { UsageError } from '../../bytes/errors.js';
import { diskStorage } from '../../bytes/source.js';
import type { SegmentFile } from '../../commitlog/commit-log-directory.js';
import type { Base, BaseTable } from '../../engine/drill/base.js';
import type { LogEdits } from '../../engine/drill/segment-edits.js';
import { componentPath } from '../../sstable/descriptor.js';
import { findOpenFiles } from '../guards/processes.js';
import { editFile, type WorkDirectory } from './work.js';

/** How often SSTables are looked for anew when a compaction takes them away meanwhile. */
const TRIES = 5;

/**
 * The SSTables of a base, as a data directory of one node.
 * @param look finds them anew: those of a running node come and go. @returns the base that was copied
 */
export function copyBase(work: WorkDirectory, look: () => Base, target: string): Base {
  for (let attempt = 1; ; attempt++) {
    const base = look();
    const directory = path.join(work.path, target);
    try {
      const files = base.tables.flatMap(({ sstables }) =>
        sstables.flatMap(({ descriptor, components }) => components.map((name) => componentPath(descriptor, name))),
      );
      work.needRoom(files);
      for (const table of base.tables) copyTable(work, table, directory);
      return base;
    } catch (error) {
      const isGone = ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
      if (!isGone || attempt === TRIES) throw error;
      fs.rmSync(directory, { recursive: true, force: true });
    }
  }
}

function copyTable(work: WorkDirectory, { place, sstables, schemaFile }: BaseTable, directory: string): void {
  const { keyspace, table, tableId, index } = place;
  const name = tableId === undefined ? table : `${table}-${tableId}`;
  const home = path.join(directory, keyspace, name, ...(index === undefined ? [] : [`.${index}`]));
  fs.mkdirSync(home, { recursive: true });
  for (const { descriptor, components } of sstables) {
    for (const component of components) {
      const to = path.join(home, `${descriptor.prefix}-${component}`);
      if (fs.existsSync(to)) throw clash(componentPath(descriptor, component));
      work.link(componentPath(descriptor, component), to);
    }
  }
  const schema = path.join(home, 'schema.cql');
  if (schemaFile !== undefined && !fs.existsSync(schema)) work.link(schemaFile, schema);
}

function clash(file: string): UsageError {
  return new UsageError('another data directory has an SSTable of this table and name', {
    file,
    hint: 'name the data directories of one node only',
  });
}

/** The log as it is. Segments that a node may be writing to are copied, so that both sides of the drill see the same. */
export function copyLog(work: WorkDirectory, segments: readonly SegmentFile[], target: string): SegmentFile[] {
  const directory = work.directory(target);
  const homes = [...new Set(segments.map(({ file }) => path.dirname(path.resolve(file))))];
  const { open, hidden, isKnown } = findOpenFiles(homes, '/proc', process.pid);
  const isWritten = !isKnown || hidden.length > 0 || open.some(({ isCassandra }) => isCassandra);
  return segments.map(({ cdcIndex: _, ...segment }) => {
    const file = path.join(directory, path.basename(segment.file));
    if (isWritten) work.copy(segment.file, file);
    else work.link(segment.file, file);
    return { ...segment, file, bytes: diskStorage.stat(file)!.size };
  });
}

/** The log as the crash leaves it: what the edits change is copied, the rest linked. */
export function crashLog(
  work: WorkDirectory,
  segments: readonly SegmentFile[],
  edits: LogEdits,
  target: string,
): string {
  const directory = work.directory(target);
  for (const { id, file } of segments) {
    const list = edits.get(id) ?? [];
    if (list.some(({ kind }) => kind === 'remove')) continue;
    const to = path.join(directory, path.basename(file));
    if (list.length === 0) work.link(file, to);
    else {
      work.copy(file, to);
      editFile(to, list);
    }
  }
  return directory;
}
