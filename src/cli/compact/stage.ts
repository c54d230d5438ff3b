/** Where the operator sees what `compact run` and `apply` are about to do: stderr, since stdout is for what was done. */
import { notice } from '../output.js';
import type { Stage } from './run.js';
import { shownPlan } from './show-plan.js';

/** @param quiet under `--json` nothing is shown but what is wrong */
export function stageOf(quiet: boolean): Stage {
  return {
    show: (planned) => {
      if (!quiet) notice(shownPlan(planned, process.stderr.columns ?? 0).trimEnd());
    },
    tell: (line) => notice(`lsmctl: ${line}`),
    quiet,
  };
}
