/** What can be wrong with a commit log segment, each under the name that reports give it. */

export type FaultKind =
  /** The first bytes are no descriptor, or their checksum differs. */
  | 'descriptor'
  /** The name of the file has another segment id than its descriptor. */
  | 'segment_id'
  /** A sync marker's checksum differs, and it is not the zeros that end a segment. */
  | 'marker_checksum'
  /** A sync marker with the right checksum points before itself or beyond the end of the file. */
  | 'marker_position'
  /** A compressed or encrypted section can't be read. */
  | 'section'
  /** A compressed section gives less than it says that it holds. */
  | 'section_short'
  /** A mutation says that it is shorter than any can be. */
  | 'mutation_size'
  /** The checksum of a mutation's size differs. */
  | 'mutation_size_checksum'
  /** A mutation ends beyond its section or the file. */
  | 'mutation_end'
  /** The checksum of a mutation differs. */
  | 'mutation_checksum'
  /** The checksum is right, but the bytes are no mutation of the table that it names. */
  | 'mutation_content'
  /** Zeros, where more entries or sections follow: to Cassandra the segment ends there. */
  | 'early_end'
  /** Bytes behind the last sync: the node died before it wrote a marker, and does not replay them. */
  | 'unsynced'
  /** The file ends where no segment ends. */
  | 'cut';

export type SegmentFault = {
  readonly kind: FaultKind;
  readonly message: string;
  /** In the file; of compressed and encrypted segments that of the section. */
  readonly filePosition: number;
  /** As commit log positions count: over the plain bytes. Equal to `filePosition` in plain segments. */
  readonly position: number;
  /** Number of the sync section, from 0; absent for what lies before the first. */
  readonly section?: number;
  readonly seen?: string | number;
  readonly expected?: string | number;
  /** Of mutation faults: the bytes of its entry, where its size can be trusted. */
  readonly entryBytes?: number;
};
