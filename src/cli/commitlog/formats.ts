/** Formats of `commitlog dump`. */
export const LOG_FORMATS = ['ndjson', 'cql'] as const;
