/**
 * Asks a strategy again and again, each time with what came of its last picks, until nothing is pending. Who goes through the rounds does the work, or
 * makes up what it would give: plans and runs are led by the same.
 */
import { type PlannedTask, type RepairGroup, type RepairKind, repairGroups } from '../compaction/planned-task.js';
import type { Candidate, LeftAlone, Strategy } from '../strategies/strategy.js';

export type RoundsContext = { readonly nowMillis: number; readonly gcBeforeSeconds: number };

/** What is to be done next; to be answered with the SSTables that took the place of the inputs. */
export type WantedTask = { readonly task: PlannedTask<Candidate>; readonly reason: string };

export type PlanLeft = LeftAlone & { readonly repair: RepairKind };

export type RoundsResult = {
  /** What the strategy leaves as it is, and why. */
  readonly left: readonly PlanLeft[];
  /** What the strategy called its pending tasks at first. */
  readonly pendingTasks: number;
  /** Why it ended although something is pending. */
  readonly cut: string | undefined;
};

/** Tasks beyond which it ends: so many for each SSTable that is there, or that comes of one that is there, as leveled ones go up a level each; and some. */
const TASKS_PER_SSTABLE = 10;
const MORE_TASKS = 100;

/**
 * Repair state by repair state, as repairs keep SSTables apart.
 * @param live all of the table, as it is at any time; in order of generation at first
 */
export function* strategyRounds(
  live: () => readonly Candidate[],
  strategy: Strategy,
  context: RoundsContext,
): Generator<WantedTask, RoundsResult, readonly Candidate[]> {
  const left: PlanLeft[] = [];
  let pendingTasks = 0;
  let cut: string | undefined;
  for (const group of repairGroups(live())) {
    const result = yield* roundsOf(group, live, strategy, context);
    for (const one of result.left) left.push({ ...one, repair: group.repair });
    pendingTasks += result.pendingTasks;
    cut ??= result.cut;
  }
  return { left, pendingTasks, cut };
}

type GroupResult = { readonly left: readonly LeftAlone[]; readonly pendingTasks: number; readonly cut?: string };

function* roundsOf(
  { repair, sstables }: RepairGroup<Candidate>,
  live: () => readonly Candidate[],
  asked: Strategy,
  context: RoundsContext,
): Generator<WantedTask, GroupResult, readonly Candidate[]> {
  let [strategy, group]: [Strategy, readonly Candidate[]] = [asked, sstables];
  let pendingTasks: number | undefined;
  /** Outputs of compactions for tombstones alone. */
  const rewritten = new Set<Candidate>();
  const own = new Set(sstables);
  const others = live().filter((one) => !own.has(one));
  let seen = sstables.length;
  for (let tasks = 0; ; ) {
    const decision = strategy.next(group, { ...context, others });
    const { picks } = decision;
    pendingTasks ??= decision.pendingTasks;
    if (picks.length === 0) return { left: decision.left, pendingTasks };
    if (picks.some(({ kind, inputs }) => kind === 'tombstones' && inputs.every((input) => rewritten.has(input)))) {
      return {
        left: decision.left,
        pendingTasks,
        cut: 'the strategy would rewrite an SSTable for its tombstones again and again',
      };
    }
    if (tasks >= seen * TASKS_PER_SSTABLE + MORE_TASKS) {
      return { left: decision.left, pendingTasks, cut: `after ${tasks} tasks something is still pending` };
    }
    for (const pick of picks) {
      const outputs = yield { task: { ...pick, repair }, reason: pick.reason };
      if (pick.kind === 'tombstones') for (const one of outputs) rewritten.add(one);
      const taken = new Set(pick.inputs);
      if (pick.inputs.some((input) => own.has(input))) seen += outputs.length;
      strategy = strategy.after?.(group, pick, outputs) ?? strategy;
      group = [...group.filter((one) => !taken.has(one)), ...outputs];
      tasks++;
    }
  }
}
