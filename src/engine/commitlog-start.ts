/**
 * What a node does at its start about a fault in its commit log, by the rules of CommitLogReader and CommitLogReplayer:
 *
 *   stops        the start fails; nothing of this and later segments is replayed
 *   tolerates    the error is logged as the likely end of an unfinished write, and the start goes on: only in the last segment
 *   says_nothing the segment is taken to end there
 *
 * and what becomes of the rest where it goes on, by itself or because it was told to ignore errors (commit_failure_policy: ignore, or
 * -Dcassandra.commitlog.ignorereplayerrors=true):
 *
 *   skips_mutation, skips_section, skips_segment: what is left out
 *   reads_on     nothing is
 *   never_ends   4.0 and 4.1 read the same sync marker again and again
 *
 * The last segment is the last that is not empty.
 */
import type { FaultKind, SegmentFault } from '../commitlog/segment-fault.js';

export type AtStart = 'stops' | 'tolerates' | 'says_nothing';
export type WhenIgnored = 'skips_mutation' | 'skips_section' | 'skips_segment' | 'reads_on' | 'never_ends' | 'stops';

export type SegmentState = {
  /** Of the commit log. */
  readonly version: number;
  readonly isLast: boolean;
  /** How sections are stored: `plain`, `encrypted`, or a compressor's class without package. */
  readonly form: string;
  readonly fileBytes: number;
};

/** @param sectionFileEnd where the fault's section ends in the file, as its marker says */
export function atStart(fault: SegmentFault, segment: SegmentState, sectionFileEnd: number | undefined): AtStart {
  const { isLast, form, fileBytes } = segment;
  const toleratesSection = isLast && (form === 'plain' || (sectionFileEnd ?? 0) >= fileBytes);
  switch (fault.kind) {
    case 'early_end':
    case 'unsynced':
    case 'section_short':
    case 'cut':
      return 'says_nothing';
    case 'descriptor':
    case 'marker_position':
      return isLast ? 'tolerates' : 'stops';
    case 'segment_id':
    case 'marker_checksum':
    case 'mutation_content':
      return 'stops';
    case 'section':
      return !failsHard(form) && toleratesSection ? 'tolerates' : 'stops';
    case 'mutation_size':
    case 'mutation_size_checksum':
    case 'mutation_end':
    case 'mutation_checksum':
      return toleratesSection ? 'tolerates' : 'stops';
    default:
      return fault.kind satisfies never;
  }
}

/** Failures to decrypt, and those of Zstd, are no IOException: nothing catches them. */
function failsHard(form: string): boolean {
  return form === 'encrypted' || form === 'ZstdCompressor';
}

const WHEN_IGNORED: Readonly<Record<FaultKind, WhenIgnored>> = {
  descriptor: 'skips_segment',
  segment_id: 'reads_on',
  marker_checksum: 'skips_segment',
  marker_position: 'skips_segment',
  section: 'skips_section',
  section_short: 'skips_section',
  mutation_size: 'skips_section',
  mutation_size_checksum: 'skips_section',
  mutation_end: 'skips_section',
  mutation_checksum: 'skips_mutation',
  mutation_content: 'skips_mutation',
  early_end: 'skips_segment',
  unsynced: 'skips_segment',
  cut: 'reads_on',
};

export function whenIgnored({ kind }: SegmentFault, { version, form }: SegmentState): WhenIgnored {
  if (kind === 'section' && failsHard(form)) return 'stops';
  if ((kind === 'marker_checksum' || kind === 'marker_position') && version < 8) return 'never_ends';
  return WHEN_IGNORED[kind];
}
