/** `compact relevel`, `reset-level` and `set-repaired` from the plan, which is shown, to the object of `--json`. */
import { diskOutput } from '../../bytes/sink.js';
import { applyEdits } from '../../engine/surgery/statistics-edits.js';
import { countText } from '../../render/bytes.js';
import { jsonDocument } from '../../render/json.js';
import { type EditOutcome, editsReport, editsText, relevelReport, relevelText } from '../../render/surgery.js';
import { confirm } from '../confirm.js';
import { EXIT, type ExitCode } from '../exit.js';
import { lockDirectories } from '../guards/directory-lock.js';
import { withCleanUp } from '../interrupt.js';
import {
  type EditPlan,
  planRelevel,
  planResetLevel,
  planSetRepaired,
  type RelevelFlags,
  type RepairedFlags,
} from './edits.js';
import { guard, tellRefusals } from './guarded.js';
import type { TableFlags } from './tables.js';

export type WriteFlags = { readonly 'dry-run': boolean; readonly yes: boolean };

/** Where a command tells what it does. */
export type Stage = {
  /** On stdout, at once; nothing under `--json`. */
  show(text: string): void;
  /** A line on stderr. */
  tell(line: string): void;
  /** Columns; 0: no terminal. */
  readonly width: number;
  /** Without progress. */
  readonly isQuiet: boolean;
};

/** What `--json` prints, and how the command ends. */
export type SurgeryResult = { readonly document: object; readonly exitCode: ExitCode };

/** Changes that were not made, for whatever reason, are findings. */
export function surgeryResult(document: object, outcome: EditOutcome): SurgeryResult {
  return { document, exitCode: outcome === 'dry-run' || outcome === 'declined' ? EXIT.findings : EXIT.clean };
}

/** @throws UsageError, UnsupportedError, CorruptError, RefusedError: all before anything is written, but for a disk that fails */
export async function runRelevel(paths: readonly string[], flags: RelevelFlags & WriteFlags, stage: Stage) {
  const plan = await planRelevel(paths, flags, stage.tell);
  stage.show(relevelText(plan.tables, flags['dry-run'], stage.width));
  const outcome = await carryOut('compact relevel', paths, plan, flags, stage);
  return surgeryResult(jsonDocument('compact-relevel', 1, relevelReport(plan.tables, outcome)), outcome);
}

/** @throws as {@link runRelevel} */
export async function runResetLevel(paths: readonly string[], flags: TableFlags & WriteFlags, stage: Stage) {
  const plan = planResetLevel(paths, flags, stage.tell);
  stage.show(editsText(plan.tables, 'level', stage.width));
  const outcome = await carryOut('compact reset-level', paths, plan, flags, stage);
  return surgeryResult(jsonDocument('compact-reset-level', 1, editsReport(plan.tables, outcome)), outcome);
}

/** @throws as {@link runRelevel} */
export async function runSetRepaired(paths: readonly string[], flags: RepairedFlags & WriteFlags, stage: Stage) {
  const plan = planSetRepaired(paths, flags, stage.tell);
  stage.show(editsText(plan.tables, 'repair', stage.width));
  const outcome = await carryOut('compact set-repaired', paths, plan, flags, stage);
  return surgeryResult(jsonDocument('compact-set-repaired', 1, editsReport(plan.tables, outcome)), outcome);
}

async function carryOut(
  command: string,
  paths: readonly string[],
  { tables, directories, problems }: EditPlan,
  flags: WriteFlags,
  { tell }: Stage,
): Promise<EditOutcome> {
  for (const { path, message } of problems) tell(`${path}: ${message}`);
  const edits = tables.flatMap((table) => table.edits);
  if (edits.length === 0) return 'unchanged';
  const concerned = directories.filter(({ path }) =>
    tables.some((one) => one.directory === path && one.edits.length > 0),
  );
  const work = { output: diskOutput, paths, directories: concerned, change: 'component' } as const;
  if (flags['dry-run']) {
    tellRefusals(work, tell);
    return 'dry-run';
  }
  guard(work, tell);
  const count = edits.length === 1 ? '1 SSTable' : `${countText(edits.length)} SSTables`;
  if (!(await confirm(`Write the Statistics.db of ${count} anew?`, flags.yes))) {
    tell('nothing was changed');
    return 'declined';
  }
  guard(work, () => {}); // a node may have been started meanwhile
  const lock = lockDirectories(
    concerned.map(({ path }) => path),
    command,
  );
  try {
    // Ctrl-C in the middle waits for the end
    await withCleanUp(
      () => lock.release(),
      async () => applyEdits(diskOutput, edits),
    );
  } finally {
    lock.release();
  }
  tell(`${count} changed`);
  return 'done';
}
