/**
 * Ctrl-C (SIGINT), SIGTERM and the end of the terminal (SIGHUP) while a file is half written. By default a signal ends the process at once, in
 * whatever loop it is, and a command that has nothing to clear away leaves it at that. One that has is in `withCleanUp`:
 *
 *   in an await             a handler clears away, then the process ends itself by SIGINT, which shells report as 130
 *   in a synchronous loop   no handler runs. `interruptible` lets SIGINT break the loop with an error that takes the usual way (exit 130);
 *                           the others wait until the loop lets go: see `breathe`
 */
import { setImmediate as eventLoop } from 'node:timers/promises';
import vm from 'node:vm';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What is to be cleared away, in the order in which it came up. */
const cleanUps: (() => void)[] = [];

/** Runs `work`; a signal meanwhile runs `cleanUp` and ends the process. */
export async function withCleanUp<T>(cleanUp: () => void, work: () => Promise<T>): Promise<T> {
  if (cleanUps.length === 0) for (const signal of SIGNALS) process.on(signal, endProcess);
  cleanUps.push(cleanUp);
  try {
    return await work();
  } finally {
    cleanUps.splice(cleanUps.indexOf(cleanUp), 1);
    if (cleanUps.length === 0) for (const signal of SIGNALS) process.off(signal, endProcess);
  }
}

function endProcess(): void {
  for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp();
  for (const signal of SIGNALS) process.off(signal, endProcess);
  process.kill(process.pid, 'SIGINT');
}

/** Runs a synchronous piece of work that Ctrl-C can end. @throws ERR_SCRIPT_EXECUTION_INTERRUPTED, where something is to be cleared away */
export function interruptible<T>(work: () => T): T {
  if (cleanUps.length === 0) return work();
  // Only code that a script calls can be broken off; its `finally` blocks are passed over.
  inside ??= { script: new vm.Script('work()'), context: vm.createContext({}) };
  inside.context.work = work;
  return inside.script.runInContext(inside.context, { breakOnSigint: true }) as T;
}

/** Made once: making a context takes a millisecond. */
let inside: { readonly script: vm.Script; readonly context: vm.Context } | undefined;

/** Lets a signal in, between two pieces of synchronous work. */
export async function breathe(): Promise<void> {
  if (cleanUps.length > 0) await eventLoop();
}
