/** The guards before SSTables are changed in place: those of whole directories, for the SSTables that were asked for. */
import { guardInPlace, type InPlaceWork, type Refusal, refuseAny } from '../guards/guard.js';
import { wholeDirectories } from './tables.js';

type Tell = (line: string) => void;

/** `directories` with the SSTables that are to be changed. */
export type GuardedWork = Omit<InPlaceWork, 'sstables'>;

/** @throws RefusedError */
export function guard(work: GuardedWork, tell: Tell): void {
  refuseAny(look(work, tell));
}

/** What would be refused, for a dry run. */
export function tellRefusals(work: GuardedWork, tell: Tell): void {
  for (const { file, message } of look(work, tell)) tell(`would be refused: ${file}: ${message}`);
}

function look(work: GuardedWork, tell: Tell): readonly Refusal[] {
  const { refusals, notes } = guardInPlace({
    ...work,
    directories: wholeDirectories(work.directories),
    sstables: work.directories.flatMap(({ sstables }) => sstables),
  });
  for (const note of notes) tell(note);
  return refusals;
}
