/**
 * Every rule that `lsmctl verify` judges by: what a finding of it means and what to do. `lsmctl explain` prints these, and SARIF carries them.
 *
 *   error     data is lost, hidden or wrong, or a node will not open the SSTable
 *   warning   a node works with it, but something is not as it should be
 *   note      good to know; never makes a check fail
 */

export type Severity = 'error' | 'warning' | 'note';

/** The cheapest level of `verify` that can find it. */
export type RuleLevel = 'quick' | 'default' | 'deep';

export type Rule = {
  readonly severity: Severity;
  readonly level: RuleLevel;
  readonly title: string;
  /** What it means, how it comes about, what a node makes of it. */
  readonly means: string;
  /** What to do. */
  readonly remedy: string;
};

const REPAIR =
  'Take the SSTable out and repair its token range from other replicas, or restore it from a snapshot that does not share its bytes. Where there is no other replica, lsmctl salvage keeps what can be read.';
const REBUILD_INDEX =
  'Data.db itself may be sound. Restore the file from a snapshot or backup, or rewrite the SSTable from its data: nodetool scrub, or lsmctl salvage on a copy.';
const FROM_COPY = 'Restore the file from a snapshot or backup of the same SSTable.';

export const RULES = {
  'component-missing': {
    severity: 'error',
    level: 'quick',
    title: 'a component is missing',
    means:
      'A file that belongs to the SSTable is not there. Without Data.db, Statistics.db or the partition index no node opens it; CompressionInfo.db can not be replaced. A missing Summary.db is made anew, a missing Filter.db costs a disk read for every lookup.',
    remedy: FROM_COPY,
  },
  'component-unnamed': {
    severity: 'note',
    level: 'quick',
    title: 'TOC.txt does not name a component',
    means:
      'A file of the SSTable is there that TOC.txt does not list. Snapshots and streams that follow TOC.txt leave it out; nodes read the file all the same.',
    remedy: 'Nothing, unless it is not the file of this SSTable.',
  },
  'component-empty': {
    severity: 'error',
    level: 'quick',
    title: 'a component is empty',
    means:
      'A file that always has content has none: a crash before it was on the disk, a full disk, or a copy that was cut. A node that finds Data.db empty removes the whole SSTable when it starts.',
    remedy: REPAIR,
  },
  'toc-missing': {
    severity: 'note',
    level: 'quick',
    title: 'TOC.txt is missing',
    means:
      'The list of components is not there. A node makes it anew when it opens the SSTable; missing components can not be told without it.',
    remedy: 'Nothing.',
  },
  toc: {
    severity: 'warning',
    level: 'quick',
    title: 'TOC.txt is damaged',
    means:
      'TOC.txt can not be read as a list of names. A node trusts it for what belongs to the SSTable, when it makes snapshots for one.',
    remedy: 'Remove it while the node is down: a start makes it anew.',
  },
  'not-verified': {
    severity: 'warning',
    level: 'quick',
    title: 'the SSTable was not verified',
    means:
      'The SSTable could not be checked, or not to the end: its version, compressor, partitioner or types are not known here, or a file could not be opened. Nothing is said about its soundness.',
    remedy: 'See the message. Versions before 3.0 are brought up by sstableupgrade of the release that it names.',
  },
  orphan: {
    severity: 'note',
    level: 'quick',
    title: 'components without a Data.db',
    means:
      'Files of an SSTable that has no Data.db: what a crash left of one that was being written or removed. A start of the node removes them.',
    remedy: 'Nothing, unless Data.db was lost: then restore it.',
  },
  leftover: {
    severity: 'note',
    level: 'quick',
    title: 'leftover of a transaction',
    means:
      'A transaction log takes these files out of the data: they were replaced, or never finished. A start of the node removes them.',
    remedy: 'Nothing.',
  },
  transaction: {
    severity: 'error',
    level: 'quick',
    title: 'a transaction log does not hold',
    means:
      'Records of a transaction log contradict the files, or its replicas each other. A node refuses to start on such a directory.',
    remedy: 'lsmctl ls tells what the log says; it has to be put right by hand, on a copy of the directory first.',
  },
  statistics: {
    severity: 'error',
    level: 'quick',
    title: 'Statistics.db is damaged',
    means:
      'Statistics.db holds the types of all columns and the times that every row is stored against: without it Data.db can not be read at all. From version na on it has checksums; they, or its structure, do not hold.',
    remedy: `${FROM_COPY} Any copy will do, also one from before the SSTable was marked as repaired.`,
  },
  'compression-info': {
    severity: 'error',
    level: 'quick',
    title: 'CompressionInfo.db is damaged',
    means:
      'CompressionInfo.db tells where the chunks of Data.db lie and how to decompress them. It has no checksum of its own. It is wrong where it contradicts itself or Data.db, or where chunks that it names fail while the checksum of the whole Data.db is right.',
    remedy: FROM_COPY,
  },
  'crc-file': {
    severity: 'error',
    level: 'default',
    title: 'CRC.db is damaged',
    means:
      'CRC.db has a checksum for each chunk of an uncompressed Data.db, which compactions and streams check. It does not fit a Data.db that Digest.crc32 proves right.',
    remedy: `${FROM_COPY} The data itself is sound.`,
  },
  digest: {
    severity: 'error',
    level: 'default',
    title: 'Digest.crc32 is wrong',
    means:
      'Digest.crc32 is not the checksum of Data.db, though every chunk of it is right. nodetool verify calls such an SSTable corrupt.',
    remedy:
      'The data is sound: the right number is in the finding. A rewrite (nodetool upgradesstables -a) makes the file anew.',
  },
  'data-length': {
    severity: 'error',
    level: 'quick',
    title: 'Data.db has a wrong length',
    means:
      'Data.db is shorter or longer than the files beside it say: it was cut, or it is not the Data.db of these components.',
    remedy: REPAIR,
  },
  'data-chunk': {
    severity: 'error',
    level: 'default',
    title: 'a chunk of Data.db is damaged',
    means:
      'The bytes of a chunk differ from its checksum. Every partition that lies in it, wholly or in part, can not be read: reads that touch it fail, and so do compactions, repairs and streams of the SSTable. Disks, memory and controllers do this; Cassandra hardly ever.',
    remedy: `${REPAIR} Check the disk.`,
  },
  'data-digest': {
    severity: 'error',
    level: 'default',
    title: 'Data.db differs from its digest',
    means:
      'The checksum of the whole file is not what Digest.crc32 says, and there are no checksums of chunks to tell where: some bytes were changed.',
    remedy: `${REPAIR} --deep tells which rows still make sense.`,
  },
  index: {
    severity: 'error',
    level: 'default',
    title: 'the partition index is damaged',
    means:
      'Index.db (BIG) or Partitions.db (BTI) can not be read, or does not lead to the partitions of Data.db: lookups by key miss partitions that are there, or fail. These files have no checksum.',
    remedy: REBUILD_INDEX,
  },
  'index-incomplete': {
    severity: 'error',
    level: 'default',
    title: 'the partition index lacks partitions',
    means:
      'Data.db has partitions that the index does not lead to, or the sizes of partitions by the index are not those that Statistics.db counted. SELECT by key does not find them, full scans do.',
    remedy: REBUILD_INDEX,
  },
  'row-index': {
    severity: 'error',
    level: 'deep',
    title: 'the index within a partition is wrong',
    means:
      'The promoted index in Index.db (BIG) or Rows.db (BTI) says where in a large partition a clustering lies. It can not be read, or does not fit the rows: reads of a slice miss rows, or see deletions that are not there.',
    remedy: REBUILD_INDEX,
  },
  summary: {
    severity: 'warning',
    level: 'default',
    title: 'Summary.db is wrong',
    means:
      'Summary.db samples Index.db. It can not be read, or an entry does not point at its key: a node that loads it looks for keys in the wrong place, and misses them.',
    remedy: 'Remove it while the node is down: a start makes it anew from Index.db.',
  },
  'key-range': {
    severity: 'error',
    level: 'quick',
    title: 'first or last key is wrong',
    means:
      'The first and last key that Statistics.db, Summary.db or Partitions.db give differ from each other or from the data. A node skips an SSTable whose range does not hold the key it looks for: partitions at the ends become invisible.',
    remedy:
      'Remove Summary.db where it is the one that is wrong (a start makes it anew); else restore the file or rewrite the SSTable.',
  },
  filter: {
    severity: 'error',
    level: 'quick',
    title: 'Filter.db is damaged',
    means: 'The Bloom filter can not be read.',
    remedy: 'lsmctl bloom --rebuild, or remove Filter.db while the node is down: it is made anew, or reads go without.',
  },
  'filter-denies': {
    severity: 'error',
    level: 'default',
    title: 'the Bloom filter denies keys that are there',
    means:
      'For keys of the SSTable Filter.db says "not here": SELECT by key answers nothing, while scans find the rows. No check of Cassandra notices (a filter of zeros passes nodetool verify), and a compaction that asks the filter may drop tombstones that still hide data.',
    remedy: 'lsmctl bloom --rebuild writes a right one; or remove Filter.db while the node is down.',
  },
  'filter-extra': {
    severity: 'warning',
    level: 'default',
    title: 'the Bloom filter has bits that no key sets',
    means:
      'Built anew from the keys, the filter has fewer bits set, or another number of hash functions: it answers "maybe" more often than it should. Reads are slower, nothing is lost. A flipped bit does this.',
    remedy: 'lsmctl bloom --rebuild.',
  },
  'key-order': {
    severity: 'error',
    level: 'default',
    title: 'partitions are out of order',
    means:
      'A partition does not come after the one before it, by token and then by key: searches miss it, and merges with other SSTables give it twice or not at all. Also what a wrong partitioner looks like.',
    remedy: 'Rewrite the SSTable in order: nodetool scrub, or lsmctl salvage on a copy; then repair.',
  },
  partitioner: {
    severity: 'error',
    level: 'default',
    title: 'tokens are not those of the partitioner',
    means:
      'Statistics.db names a partitioner under which the keys are out of order, while they are in order under another: the SSTable was made for a cluster with that one, or the name is wrong.',
    remedy: 'Load it through sstableloader into a cluster of the other partitioner, never by copying files.',
  },
  row: {
    severity: 'error',
    level: 'deep',
    title: 'rows can not be decoded',
    means:
      'The bytes of a partition are no rows of this format, though their checksum may be right: software wrote them so, or no checksum covers them.',
    remedy: REPAIR,
  },
  'row-order': {
    severity: 'error',
    level: 'deep',
    title: 'rows are out of order or twice there',
    means:
      'Within a partition a row or bound does not come after the one before it. Reads of slices miss rows, merges give wrong answers; the same clustering twice comes from bugs around 2.x range tombstones and schema changes.',
    remedy: 'nodetool scrub -r reinserts rows that are out of order; or lsmctl salvage on a copy; then repair.',
  },
  'range-tombstone': {
    severity: 'error',
    level: 'deep',
    title: 'bounds of range tombstones do not match',
    means:
      'A range deletion ends that has not begun, begins within another, ends with another deletion time than it began with, or never ends. A node fails in reads and compactions that meet it, or deletes too much.',
    remedy: 'lsmctl salvage on a copy, or repair the range after taking the SSTable out.',
  },
  cell: {
    severity: 'error',
    level: 'deep',
    title: 'cells are out of order or contradict themselves',
    means:
      'Cells of a collection are out of the order of their paths or twice there, or a tombstone has a value. Reads may lose elements.',
    remedy: 'nodetool scrub, or lsmctl salvage on a copy.',
  },
  value: {
    severity: 'error',
    level: 'deep',
    title: 'a value is none of its type',
    means:
      'The bytes of a key, clustering or cell are no value of the type that the header gives: wrong length, text that is not UTF-8, a collection that ends within an element. Drivers fail on it, compactions may.',
    remedy:
      'Find out who wrote it (wrong schema at sstableloader, unsafe ALTER TYPE of old); overwrite or delete the cell. On damage, as for a chunk.',
  },
  'deletion-time': {
    severity: 'error',
    level: 'deep',
    title: 'impossible deletion or expiry time',
    means:
      'A local deletion time is negative or out of range: TTLs that ran past January 2038 overflowed (CASSANDRA-14092), or damage. Such data is deleted at once or never, and nodes with corrupted_tombstone_strategy: exception refuse to read it.',
    remedy: 'nodetool scrub --reinsert-overflowed-ttl of 3.x/4.x recovers overflowed TTLs; else overwrite the cells.',
  },
  ttl: {
    severity: 'warning',
    level: 'quick',
    title: 'TTL above 20 years',
    means: 'Cassandra admits no TTL above 630,720,000 seconds: this was not written through CQL, or is damage.',
    remedy: 'Find out who wrote it; overwrite the cells.',
  },
  'timestamp-future': {
    severity: 'warning',
    level: 'quick',
    title: 'timestamps lie in the future',
    means:
      'Something was written with a timestamp more than a day ahead. No write and no delete until then has any effect on it. A client with a wrong clock, or one that counts in nanoseconds.',
    remedy: 'Delete with a higher timestamp (USING TIMESTAMP), or rewrite the data.',
  },
  'timestamp-unit': {
    severity: 'warning',
    level: 'quick',
    title: 'timestamps look like milliseconds or seconds',
    means:
      'Timestamps are in microseconds; these, taken as milliseconds or seconds, would be of our time. Whatever was ever written with right timestamps hides such writes for good.',
    remedy: 'Put the client right that sets them; rewrite the data with right timestamps.',
  },
  'statistics-rows': {
    severity: 'error',
    level: 'deep',
    title: 'Statistics.db contradicts the data',
    means:
      'Counted anew from the rows, a field differs from what Statistics.db says. Nodes decide by these fields which SSTables a read may skip and which tombstones can go: wrong minima and maxima lose data. Deletion times, clusterings and counts are exact; the histogram of tombstones is held to its sum only where more than 100 times were merged, whose order depends on how the SSTable was made; the sketch of keys is compared by its estimate where it is not the same.',
    remedy: 'Rewrite the SSTable (nodetool upgradesstables -a, scrub or compact): all of Statistics.db is made anew.',
  },
  'repair-state': {
    severity: 'error',
    level: 'quick',
    title: 'repair state contradicts itself',
    means:
      'The SSTable is marked as repaired and as pending in a repair, or as transient without either. Nodes refuse to make such a state.',
    remedy: 'sstablerepairedset --really-set --is-unrepaired, while the node is down.',
  },
  'levels-overlap': {
    severity: 'warning',
    level: 'quick',
    title: 'SSTables of one level overlap',
    means:
      'LeveledCompactionStrategy keeps SSTables of a level above 0 apart; a read takes one of each level. A node sends overlapping ones back to level 0 when it starts, which costs compactions.',
    remedy: 'lsmctl compact relevel or sstableofflinerelevel while the node is down; or let the node do it.',
  },
  'repaired-mixed': {
    severity: 'note',
    level: 'quick',
    title: 'repaired and unrepaired SSTables overlap',
    means:
      'Some SSTables of the table are marked as repaired and others of the same tokens are not: normal with incremental repair. Compactions never bring the two together, so tombstones on one side do not clear data on the other.',
    remedy: 'Go on with incremental repair, or mark all as unrepaired if it is not used any more.',
  },
  'generation-duplicate': {
    severity: 'error',
    level: 'quick',
    title: 'one generation twice',
    means:
      'Two SSTables of the table have the same generation: nodes, snapshots and streams take one for the other, and files get overwritten.',
    remedy: 'Load one of them with nodetool import from another directory: it gets a new generation.',
  },
  'partitioner-mixed': {
    severity: 'error',
    level: 'quick',
    title: 'SSTables of a table have different partitioners',
    means: 'A node opens SSTables of its own partitioner only.',
    remedy: 'Move those of the other partitioner out, and load them with sstableloader.',
  },
  'table-not-in-schema': {
    severity: 'warning',
    level: 'quick',
    title: 'the schema has no such table',
    means:
      'The directory is of a table that the schema does not have under this id: it was dropped, or dropped and made anew. A node ignores its SSTables.',
    remedy: 'Remove the directory once nobody wants its snapshots; or make the table again with its id.',
  },
  'header-schema': {
    severity: 'error',
    level: 'quick',
    title: 'the header contradicts the schema',
    means:
      'Column types in the serialization header are not those of the schema, nor older forms that it may have: frozen or not (3.x wrote user types wrongly, CASSANDRA-15035), another type, another key or clustering. A node decodes by the header, merges by the schema, and since CASSANDRA-20394 checks neither.',
    remedy:
      'sstablescrub -e fix-only of 3.11/4.x corrects frozen user types; other differences mean that the SSTable is of another table.',
  },
  sai: {
    severity: 'error',
    level: 'default',
    title: 'a component of a storage-attached index is damaged',
    means:
      'The file does not end in the checksum of its bytes. Queries by the index fail or miss rows; the table itself is not concerned.',
    remedy: 'nodetool rebuild_index, or remove the components of the index while the node is down.',
  },
} as const satisfies Readonly<Record<string, Rule>>;

export type RuleId = keyof typeof RULES;

export const RULE_IDS = Object.keys(RULES) as RuleId[];
