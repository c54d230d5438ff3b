/** What a salvage could not keep, as far as it is known. */
import type { ErrorFacts, LsmctlError } from '../../bytes/errors.js';
import type { ClusteringPrefix } from '../../cql/clustering.js';

/** Why something could not be read. */
export type LossCause = {
  readonly message: string;
  readonly component?: string;
  /** Of a compressed or checked Data.db. */
  readonly chunk?: number;
  readonly offset?: number;
};

export type KeyName = {
  readonly key: Uint8Array;
  /** As the partitioner prints it. */
  readonly token: string;
};

/** Whole partitions. */
export type LostPartitions = {
  readonly kind: 'partitions';
  readonly cause: LossCause;
  /** Plain bytes [start, end) of Data.db. */
  readonly start: number;
  readonly end: number;
  /** The partitions kept before and after: lost are tokens between. Absent at the ends of the SSTable. */
  readonly after?: KeyName;
  readonly before?: KeyName;
  /** Those that the index names, at most {@link MAX_KEYS}. */
  readonly keys: readonly KeyName[];
  /** How many they are; absent where the index does not tell. */
  readonly count?: number;
};

/** Rows of a partition that was kept in part. */
export type LostRows = {
  readonly kind: 'rows';
  readonly cause: LossCause;
  readonly partition: KeyName;
  readonly start: number;
  readonly end: number;
  /** The rows or markers kept before and after; absent at the ends of the partition. */
  readonly after?: ClusteringPrefix;
  readonly before?: ClusteringPrefix;
  /** The partition's key and deletion could not be read either: they are taken from its index. */
  readonly isHeaderLost: boolean;
  /** The static row is lost. */
  readonly isStaticLost: boolean;
  /** A range tombstone reached into what is lost: it now ends, or begins, at the rows kept beside. */
  readonly isRangeCut: boolean;
};

export type Loss = LostPartitions | LostRows;

/** Keys of one stretch that are told one by one. */
export const MAX_KEYS = 1000;

export function causeOf({ message, facts }: LsmctlError): LossCause {
  const { component, chunk, offset }: ErrorFacts = facts;
  return {
    message,
    ...(component !== undefined && { component }),
    ...(chunk !== undefined && { chunk }),
    ...(offset !== undefined && { offset }),
  };
}
