/** A fault of a segment in a line, as notices have it. */
import type { SegmentFault } from '../../commitlog/segment-fault.js';
import { printable } from '../exit.js';

export function faultText(file: string, fault: SegmentFault): string {
  const { message, section, position, seen, expected } = fault;
  const where = section === undefined ? `at ${position}` : `section ${section}, position ${position}`;
  const compared = [
    ...(seen === undefined ? [] : [`seen ${seen}`]),
    ...(expected === undefined ? [] : [`expected ${expected}`]),
  ].join(', ');
  return printable(`${file}: ${where}: ${message}${compared === '' ? '' : ` (${compared})`}`);
}
