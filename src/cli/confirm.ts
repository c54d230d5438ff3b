/** The question before anything is written over or changed. */
import { UsageError } from '../bytes/errors.js';

/**
 * Whether to go ahead. `yes` (from `--yes`) answers at once; otherwise a terminal is asked, on stderr, with No as the standard answer.
 * @throws UsageError where there is no terminal to ask
 */
export async function confirm(question: string, yes: boolean): Promise<boolean> {
  if (yes) return true;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new UsageError(`there is no terminal to ask: ${question}`, {
      hint: 'add --yes to go ahead without being asked',
    });
  }
  const prompts = await import('@inquirer/prompts');
  return prompts.confirm({ message: question, default: false }, { output: process.stderr });
}
