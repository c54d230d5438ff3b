/** `--from` and `--to`: a place in the commit log, as `1795225886036` (a segment) or `1795225886036:8410189` (a position in it). */
import { UsageError } from '../../bytes/errors.js';

export type LogPosition = { readonly segmentId: number; readonly position: number };

/** @param rest the position where only a segment is named. @throws UsageError naming `flag` */
export function parseLogPosition(text: string, flag: string, rest: number): LogPosition {
  const match = /^(?:CommitLog-\d+-)?(\d{1,16})(?:\.log)?(?::(\d{1,10}))?$/.exec(text);
  if (!match) {
    throw new UsageError(`${flag} is no place in a commit log`, {
      seen: text,
      expected: 'SEGMENT or SEGMENT:POSITION',
    });
  }
  return { segmentId: Number(match[1]), position: match[2] === undefined ? rest : Number(match[2]) };
}

export function compareLogPositions(a: LogPosition, b: LogPosition): number {
  return a.segmentId - b.segmentId || a.position - b.position;
}
