/** Which of its three forms a `lsmctl read` is: of a key, of a sample, of the whole table. */
import { UsageError } from '../../bytes/errors.js';
import { EXIT, type ExitCode } from '../exit.js';
import type { Sink } from '../output.js';
import { type ReadTableFlags, readTable } from './read-table.js';
import { type ReadFlags, readKey } from './run.js';

export type ReadCommandFlags = ReadFlags &
  ReadTableFlags & {
    readonly all: boolean;
    readonly sample?: number | undefined;
    readonly seed?: number | undefined;
  };

export type ReadCommandDone = { readonly name: string; readonly body: object; readonly exitCode: ExitCode };

/** @param out absent where only the object is wanted. @throws UsageError, UnsupportedError, CorruptError */
export async function runRead(
  path: string,
  key: string | undefined,
  flags: ReadCommandFlags,
  out: Sink | undefined,
  tell: (line: string) => void,
): Promise<ReadCommandDone> {
  const forms = [key !== undefined, flags.all, flags.sample !== undefined].filter(Boolean).length;
  if (forms !== 1) {
    throw new UsageError(forms === 0 ? 'no key to read' : 'KEY, --all and --sample exclude each other', {
      expected: 'KEY, or --all, or --sample N',
    });
  }
  const table = await readTable(path, flags, tell);
  if (flags.all) {
    const { commitlog } = flags;
    // each form loads what it takes: starts are most of what a small read costs
    const [{ readAll }, { readMemtable }] = await Promise.all([import('./all.js'), import('./memtable.js')]);
    const memtable = commitlog && (await readMemtable(path, { ...flags, commitlog }, { table, key: undefined }, tell));
    const rows = await readAll(table, flags.now, flags.limit ?? Number.POSITIVE_INFINITY, out!, memtable);
    return { name: 'read-all', body: { keyspace: table.keyspace, table: table.name, rows }, exitCode: EXIT.clean };
  }
  if (key === undefined) {
    const { readSample } = await import('./sample.js');
    const { report, text } = await readSample(table, flags, tell);
    out?.writeText(text);
    return { name: 'read-sample', body: report, exitCode: EXIT.clean };
  }
  const write =
    out && ((bytes: Uint8Array | string) => (typeof bytes === 'string' ? out.writeText(bytes) : out.write(bytes)));
  const { report, exitCode } = await readKey(table, key, flags, write, tell);
  return { name: 'read', body: report, exitCode };
}
