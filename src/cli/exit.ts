/**
 * The one place where an error becomes a line for people (or an object for `--json`) and an exit code.
 *
 *   0 clean | 1 findings | 2 usage, missing file, unsupported format | 3 corrupt data | 4 refused as unsafe | 70 our bug | 130 interrupted
 *
 * An interrupt (Ctrl-C) is left to its default action, which ends even a long synchronous loop; a shell reports that as 130. Where there is
 * something to clear away first, `interrupt.ts` sees to it.
 */
import { type ErrorFacts, type ErrorReason, LsmctlError } from '../bytes/errors.js';
import { fileError } from '../bytes/source.js';

export const EXIT = {
  clean: 0,
  findings: 1,
  usage: 2,
  corrupt: 3,
  refused: 4,
  bug: 70,
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What is said of an error. `quiet`: nothing is printed (a closed pipe, an exit that the command asked for). */
export type ErrorReport = {
  readonly exitCode: number;
  readonly quiet: boolean;
  /** Stable word for scripts: CORRUPT, UNSUPPORTED, USAGE, REFUSED, INVARIANT, INTERRUPTED. */
  readonly code: string;
  readonly message: string;
  readonly facts: ErrorFacts;
  readonly hint: string | undefined;
  /** Only of our own bugs. */
  readonly stack: string | undefined;
};

const EXIT_OF_CODE: Readonly<Record<string, number>> = {
  USAGE: EXIT.usage,
  UNSUPPORTED: EXIT.usage,
  CORRUPT: EXIT.corrupt,
  REFUSED: EXIT.refused,
};

const HINT_OF_CODE: Readonly<Record<string, string>> = {
  CORRUPT: 'compare it with a snapshot, a backup or another replica, and check the disk; nothing was changed here',
  UNSUPPORTED: 'see the table of formats in the README; a newer lsmctl may know it',
};

/** `command`: the words of the command, for the hint of a usage error; empty for none. */
export function reportOf(error: unknown, command = ''): ErrorReport {
  const e = (error ?? {}) as Partial<NodeJS.ErrnoException> & { oclif?: { exit?: number }; args?: unknown };
  const of = (code: string, exitCode: number, message: string, more: Partial<ErrorReport> = {}): ErrorReport => ({
    exitCode,
    quiet: false,
    code,
    message: printable(message),
    facts: {},
    hint: undefined,
    stack: undefined,
    ...more,
  });
  if (error instanceof LsmctlError && EXIT_OF_CODE[error.code] !== undefined) {
    const hint = error.facts.hint ?? HINT_OF_CODE[error.code];
    return of(error.code, EXIT_OF_CODE[error.code]!, withoutWrapper(error.message), { facts: error.facts, hint });
  }
  if (e.code === 'EPIPE') return of('CLOSED', EXIT.clean, 'the reader closed the pipe', { quiet: true });
  if (e.code === 'EEXIT') return of('EXIT', e.oclif?.exit ?? EXIT.clean, '', { quiet: true });
  if (e.name === 'ExitPromptError' || e.code === 'ERR_SCRIPT_EXECUTION_INTERRUPTED')
    return of('INTERRUPTED', EXIT.interrupted, 'interrupted');
  if (e.oclif !== undefined) return of('USAGE', EXIT.usage, usageMessage(e), { hint: usageHint(command) });
  if (typeof e.code === 'string' && e.syscall !== undefined && e.path !== undefined) {
    const known = fileError(error, e.path);
    return of('USAGE', EXIT.usage, known.message, { facts: known.facts });
  }
  const thrown = error instanceof Error ? error : new Error(String(error));
  return of('INVARIANT', EXIT.bug, thrown.message, {
    facts: error instanceof LsmctlError ? error.facts : {},
    hint: 'this is a bug of lsmctl, not of your data: please report it with these lines, the command and `lsmctl --version`',
    stack: thrown.stack ?? String(thrown),
  });
}

/**
 * The lines for stderr:
 *
 *   lsmctl: <file>: <component> at offset N, chunk N, partition K: message (seen X, expected Y)
 *   hint: what to do next
 */
export function errorText(report: ErrorReport): string {
  const { facts } = report;
  const where: string[] = [];
  if (facts.component !== undefined) where.push(facts.component);
  if (facts.offset !== undefined) where.push(`${where.length ? `${where.pop()} ` : ''}at offset ${facts.offset}`);
  if (facts.chunk !== undefined) where.push(`chunk ${facts.chunk}`);
  if (facts.partition !== undefined) where.push(`partition ${printable(facts.partition, 80)}`);
  const compared: string[] = [];
  if (facts.seen !== undefined) compared.push(`seen ${printable(String(facts.seen), 120)}`);
  if (facts.expected !== undefined) compared.push(`expected ${printable(String(facts.expected), 120)}`);
  const parts = ['lsmctl'];
  if (facts.file !== undefined) parts.push(printable(facts.file));
  if (where.length) parts.push(where.join(', '));
  parts.push((report.stack ? 'internal error: ' : '') + report.message);
  const line = parts.join(': ') + (compared.length ? ` (${compared.join(', ')})` : '');
  const stack = report.stack ? `${report.stack}\n` : '';
  const all = facts.reasons ?? [];
  const more = all.length - MAX_REASONS;
  const rest = more > 0 ? `  … and ${more} more (--json has all)\n` : '';
  const reasons = all.slice(0, MAX_REASONS).map(reasonText).join('') + rest;
  return `${line}\n${reasons}${stack}${report.hint ? `hint: ${printable(report.hint)}\n` : ''}`;
}

/** Reasons that are shown in full: a plan may have gone stale for thousands of SSTables. */
const MAX_REASONS = 20;

function reasonText({ file, message, hint }: ErrorReason): string {
  const line = `  - ${file === undefined ? '' : `${printable(file)}: `}${printable(message)}\n`;
  return hint === undefined ? line : `${line}    hint: ${printable(hint)}\n`;
}

/** The object that `--json` puts on stderr. */
export function errorObject(report: ErrorReport): object {
  const { hint: _, ...facts } = report.facts;
  return {
    schema: 'lsmctl.error',
    version: 1,
    error: { code: report.code, exitCode: report.exitCode, message: report.message, ...facts, hint: report.hint },
    ...(report.stack ? { stack: report.stack } : {}),
  };
}

/** `text` on one line, with control characters (a name read from a hostile file may hold terminal commands) written as \xNN. */
export function printable(text: string, maxLength = 2000): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  return cut.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** oclif's own usage errors come in several lines, the last of which points to --help. */
function usageMessage(error: { message?: string; args?: unknown }): string {
  const lines = withoutWrapper(error.message ?? 'wrong usage')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && line !== 'See more help with --help');
  const missing = /^Missing .* required arg/.test(lines[0] ?? '') && Array.isArray(error.args);
  if (missing) lines.splice(1, lines.length, (error.args as { name: string }[]).map((arg) => arg.name).join(', '));
  if (/^The following errors? occurred:$/.test(lines[0] ?? '')) lines.shift();
  const text = lines.join(' ');
  return /^[A-Z][a-z]/.test(text) ? text[0]!.toLowerCase() + text.slice(1) : text;
}

/** oclif's parser wraps the message of a flag's own error: "Parsing --limit \n\t…\nSee more help with --help". */
function withoutWrapper(message: string): string {
  const match = /^Parsing (--[\w-]+) \n\t([\s\S]*)\nSee more help with --help$/.exec(message);
  if (!match) return message;
  return match[2]!.startsWith(match[1]!) ? match[2]! : `${match[1]}: ${match[2]}`;
}

function usageHint(command: string): string {
  return `\`lsmctl ${command === '' ? '' : `${command} `}--help\` lists what can be asked`;
}
