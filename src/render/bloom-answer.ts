/** What filters answer for one key: object and text. */
import path from 'node:path';
import type { KeyAnswer } from '../engine/bloom/key-answer.js';
import { countText } from './bytes.js';
import { plainText } from './plain-text.js';

export type Verdict = 'held' | 'not-held' | 'false-positive' | 'denied-though-held' | 'no-filter';

export type AnswerReport = {
  readonly key: string;
  readonly answers: readonly {
    /** Up to the component's name. */
    readonly path: string;
    readonly token: string;
    readonly passes: boolean;
    readonly isHeld: boolean;
    readonly verdict: Verdict;
    readonly bits: readonly { readonly bit: number; readonly isSet: boolean }[];
  }[];
};

const VERDICTS: Readonly<Record<Verdict, string>> = {
  held: 'passes, and it is here',
  'not-held': 'denied, and it is not here',
  'false-positive': 'passes, but it is not here: a read looks in the index for nothing',
  'denied-though-held': 'DENIED THOUGH IT IS HERE: reads by this key miss it',
  'no-filter': 'no filter: every key passes',
};

export function answerReport(key: string, answers: readonly KeyAnswer[]): AnswerReport {
  return {
    key,
    answers: answers.map((answer) => ({
      path: path.join(answer.descriptor.directory, answer.descriptor.prefix),
      token: answer.token,
      passes: answer.answer !== 'denied',
      isHeld: answer.isHeld,
      verdict: verdictOf(answer),
      bits: answer.bits,
    })),
  };
}

function verdictOf({ answer, isHeld }: KeyAnswer): Verdict {
  if (answer === 'none') return isHeld ? 'held' : 'no-filter';
  if (answer === 'passes') return isHeld ? 'held' : 'false-positive';
  return isHeld ? 'denied-though-held' : 'not-held';
}

/** Lines of text, the last one ended. Clear bits stand in parentheses. */
export function answersText(reports: readonly AnswerReport[]): string {
  return reports
    .map(({ key, answers }) => {
      const token = answers[0] ? ` (token ${answers[0].token})` : '';
      const lines = answers.flatMap(({ path: where, verdict, bits }) => [
        `  ${path.basename(where)}: ${VERDICTS[verdict]}`,
        ...(bits.length > 0 ? bitLines(bits) : []),
      ]);
      return `${plainText(key)}${token}\n${lines.join('\n')}\n`;
    })
    .join('\n');
}

function bitLines(bits: readonly { readonly bit: number; readonly isSet: boolean }[]): string[] {
  const words = bits.map(({ bit, isSet }) => (isSet ? countText(bit) : `(${countText(bit)})`));
  const lines: string[] = [];
  let line = '    bits';
  for (const word of words) {
    if (line.length + 1 + word.length > 80) {
      lines.push(line);
      line = '        ';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
