/** What looks wrong in a data directory, or should at least be known. */

export type FindingKind =
  | 'missing-component'
  | 'unnamed-component'
  | 'empty-component'
  | 'damaged'
  | 'unreadable'
  | 'orphan'
  | 'leftover'
  | 'transaction'
  | 'temporary'
  | 'unsupported'
  | 'dropped-table'
  | 'incomplete-snapshot'
  | NoteKind;

/** Told, but nothing is wrong. */
export type NoteKind = 'no-toc' | 'foreign';

export type Finding = {
  readonly kind: FindingKind;
  readonly path: string;
  readonly message: string;
  /** Byte position in the file at `path`. */
  readonly offset?: number;
  readonly hint?: string;
};

/** Whether it makes a check fail. */
export function isWrong(finding: Finding): boolean {
  return finding.kind !== 'no-toc' && finding.kind !== 'foreign';
}
