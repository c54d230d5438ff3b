/**
 * The errors that lsmctl knows. Each carries facts, never only a sentence: one place (`src/cli/exit.ts`) turns them into a line for
 * people and an exit code.
 */

/** What an error knows of the place it stands for. `offset` is a byte position in `file` (for Data.db: in its uncompressed form, unless `chunk` is given). */
export type ErrorFacts = {
  readonly file?: string;
  readonly component?: string;
  readonly offset?: number;
  readonly chunk?: number;
  readonly partition?: string;
  readonly seen?: string | number;
  readonly expected?: string | number;
  /** The next thing to do, as a sentence or a command. */
  readonly hint?: string;
  /** Where one error stands for several: each, with its own place and hint. */
  readonly reasons?: readonly ErrorReason[];
};

export type ErrorReason = { readonly message: string; readonly file?: string; readonly hint?: string };

export abstract class LsmctlError extends Error {
  abstract readonly code: string;
  readonly facts: ErrorFacts;
  constructor(message: string, facts: ErrorFacts = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.facts = facts;
  }
}

/** Bytes that contradict their format or their checksum. */
export class CorruptError extends LsmctlError {
  readonly code = 'CORRUPT';
}

/** A well-formed thing that lsmctl does not handle: a version, codec, type or flag that it does not know. */
export class UnsupportedError extends LsmctlError {
  readonly code = 'UNSUPPORTED';
}

/** What the user asked can't be done as asked: a missing file, a flag that contradicts another, no permission. */
export class UsageError extends LsmctlError {
  readonly code = 'USAGE';
}

/** What an operation that changes a directory in place refuses, as unsafe: nothing has been touched. */
export class RefusedError extends LsmctlError {
  readonly code = 'REFUSED';
}

/** A bug of lsmctl's own. */
export class InvariantError extends LsmctlError {
  readonly code = 'INVARIANT';
}

/** @throws InvariantError where `condition` does not hold */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** A copy of `error` with facts added that only a caller knows (a partition key, a file); facts it has already win. */
export function withFacts<T>(error: T, facts: ErrorFacts): T {
  if (error instanceof LsmctlError) Object.assign(error.facts, { ...facts, ...error.facts });
  return error;
}
