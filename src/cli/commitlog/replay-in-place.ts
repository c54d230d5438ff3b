/** `commitlog replay --in-place`: counts what would be done, asks, and adds to the data directory under the guards of compaction. */
import { diskOutput } from '../../bytes/sink.js';
import type { SSTableDirectory } from '../../engine/sstable-directory.js';
import { bytesText } from '../../render/bytes.js';
import type { ReplayReport } from '../../render/replay-report.js';
import { plural } from '../../render/words.js';
import { confirm } from '../confirm.js';
import { lockDirectories } from '../guards/directory-lock.js';
import { guardInPlace, refuseAny } from '../guards/guard.js';
import { withCleanUp } from '../interrupt.js';
import type { ReplayContext, ReplayFlags, ReplayStage } from './replay.js';

type Steps = {
  /** Reads the log, and tells what would be replayed. @throws CorruptError where a start would stop */
  readonly count: () => Promise<ReplayReport>;
  readonly replay: () => Promise<ReplayReport>;
};

/** @throws UsageError, CorruptError, RefusedError */
export async function replayInPlace(
  context: ReplayContext,
  flags: ReplayFlags,
  stage: ReplayStage,
  { count, replay }: Steps,
): Promise<ReplayReport> {
  const plan = await count();
  const concerned = plan.result.tables.filter(({ updates }) => updates > 0);
  stage.show(plan);
  if (concerned.length === 0) return plan;
  const directories = concernedDirectories(context, plan);
  const guard = (tell: (line: string) => void) => refuseUnsafe(context, directories, plan, tell);
  guard(stage.tell);
  const bytes = concerned.reduce((sum, table) => sum + table.bytes, 0);
  const what = `${plural(plan.result.replayed, 'mutation')}, ${bytesText(bytes)}, into ${plural(concerned.length, 'table')}`;
  if (!(await confirm(`Replay ${what} in place?`, flags.yes))) return { ...plan, isDeclined: true };
  const lock = lockDirectories(
    directories.map((directory) => directory.path),
    'commitlog replay',
  );
  try {
    return await withCleanUp(
      () => lock.release(),
      async () => {
        guard(() => {}); // a node may have been started meanwhile
        return replay();
      },
    );
  } finally {
    lock.release();
  }
}

/** Directories of the tables, those on other disks too; of tables of which there is nothing yet none. */
function concernedDirectories({ places }: ReplayContext, { result }: ReplayReport): SSTableDirectory[] {
  return result.tables.filter(({ updates }) => updates > 0).flatMap(({ table }) => places.directoriesOf(table));
}

function refuseUnsafe(
  { dataDirectories, places }: ReplayContext,
  directories: readonly SSTableDirectory[],
  { result }: ReplayReport,
  tell: (line: string) => void,
): void {
  const neededBytes = new Map<string, number>();
  for (const { table, bytes } of result.tables) {
    const [directory] = places.directoriesOf(table);
    if (directory) neededBytes.set(directory.path, bytes);
  }
  const { refusals, notes } = guardInPlace({
    output: diskOutput,
    paths: dataDirectories,
    directories,
    sstables: [],
    change: 'data',
    neededBytes,
  });
  for (const note of notes) tell(note);
  refuseAny(refusals);
}
