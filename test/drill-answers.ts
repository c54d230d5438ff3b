/** What a drill's kept copy answers: its SSTables and those that were replayed, merged, a line a row as `SELECT JSON *` gives it. */
import path from 'node:path';
import { diskStorage } from '../src/bytes/source.js';
import { readAll } from '../src/cli/read/all.js';
import { findTable } from '../src/cql/schema.js';
import { resolvePaths } from '../src/engine/data-directory.js';
import { loadSchema } from '../src/engine/schema-loader.js';

/** @param node directory with `data` and perhaps `recovered` */
export async function answersIn(
  node: string,
  keyspace: string,
  table: string,
  nowSeconds = Math.floor(Date.now() / 1000),
): Promise<string[]> {
  const data = path.join(node, 'data');
  const homes = [data, path.join(node, 'recovered')].filter(
    (one) => diskStorage.stat(one) && diskStorage.list(one).length > 0,
  );
  const descriptors = homes.flatMap((home) =>
    resolvePaths(diskStorage, [home])
      .directories.filter(({ place }) => place.keyspace === keyspace && place.table === table && !place.index)
      .flatMap(({ sstables }) => sstables.map(({ descriptor }) => descriptor)),
  );
  if (descriptors.length === 0) return [];
  const { schema } = await loadSchema(diskStorage, [data], { nowSeconds });
  const definition = findTable(schema, keyspace, table);
  const lines: string[] = [];
  const sink = {
    write: (bytes: Uint8Array) => void lines.push(Buffer.from(bytes).toString('utf8').trimEnd()),
    writeText() {},
    flush() {},
    commit() {},
    discard() {},
  };
  const of = { keyspace, name: table, path: node, descriptors, definition, gcGraceSeconds: undefined, isStrict: false };
  await readAll(of, nowSeconds, Number.POSITIVE_INFINITY, sink);
  return lines;
}
