/** Statements that make every element of a schema, with the names, types and options that are hard to write down right. */

const EVERYTHING = `CREATE TABLE rich.everything (pk1 int, pk2 text, "CK" timestamp, ck2 frozen<zebra>, s int static, "select" text,
  w frozen<"Weird ""Type""">, u apple, m map<text, frozen<list<int>>>, sf frozen<soft>, l frozen<list<int>>,
  c 'org.apache.cassandra.db.marshal.DynamicCompositeType(a=>org.apache.cassandra.db.marshal.Int32Type)', e text, PRIMARY KEY ((pk1, pk2), "CK", ck2))
  WITH CLUSTERING ORDER BY ("CK" DESC, ck2 ASC) AND comment = 'it''s a "comment"
on two lines' AND gc_grace_seconds = 5 AND caching = {'keys': 'NONE', 'rows_per_partition': '10'} AND speculative_retry = '50ms'
  AND additional_write_policy = 'ALWAYS' AND cdc = false AND bloom_filter_fp_chance = 0.0001 AND crc_check_chance = 0.5 AND read_repair = 'NONE'
  AND min_index_interval = 64 AND max_index_interval = 1024 AND memtable_flush_period_in_ms = 3600000 AND default_time_to_live = 100`;

const BOTH = [
  "CREATE KEYSPACE rich WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
  `CREATE KEYSPACE "MixedCase" WITH replication = {'class': 'NetworkTopologyStrategy', 'datacenter1': 1} AND durable_writes = false`,
  'CREATE TYPE rich.zebra (a int, "B c" text)',
  'CREATE TYPE rich.apple (z frozen<zebra>, l frozen<list<frozen<zebra>>>, "select" float)',
  'CREATE TYPE rich.soft (l list<frozen<zebra>>, i frozen<zebra>)',
  'CREATE TYPE rich."Weird ""Type""" (x frozen<apple>, t tuple<int, frozen<zebra>>)',
  EVERYTHING,
  'CREATE INDEX plain_idx ON rich.everything ("select")',
  'CREATE INDEX "Values" ON rich.everything (values(m))',
  'CREATE INDEX ON rich.everything (entries(m))',
  'CREATE INDEX full_idx ON rich.everything (full(l))',
  `CREATE CUSTOM INDEX sasi_e ON rich.everything (e) USING 'org.apache.cassandra.index.sasi.SASIIndex' WITH OPTIONS = {'mode': 'CONTAINS',
    'case_sensitive': 'false', 'analyzer_class': 'org.apache.cassandra.index.sasi.analyzer.NonTokenizingAnalyzer'}`,
  'CREATE TABLE rich.base (k int, c int, "V" text, w int, x set<int>, PRIMARY KEY (k, c))',
  `CREATE MATERIALIZED VIEW rich.byv AS SELECT * FROM rich.base WHERE "V" IS NOT NULL AND k IS NOT NULL AND c IS NOT NULL
    PRIMARY KEY ("V", k, c) WITH CLUSTERING ORDER BY (k DESC, c ASC) AND comment = 'view'`,
  `CREATE MATERIALIZED VIEW rich."ByW" AS SELECT k, c, w, "V" FROM rich.base WHERE w IS NOT NULL AND k IS NOT NULL AND c IN (1, 2) PRIMARY KEY ((w, k), c)`,
  `CREATE FUNCTION rich."Avg State"(state tuple<int, bigint>, val int) CALLED ON NULL INPUT RETURNS tuple<int, bigint> LANGUAGE java AS 'return state; // it''s'`,
  'CREATE FUNCTION rich.avgfinal(state tuple<int, bigint>) CALLED ON NULL INPUT RETURNS double LANGUAGE java AS $$ return null; $$',
  'CREATE FUNCTION rich.plus(a int, b int) CALLED ON NULL INPUT RETURNS int LANGUAGE java AS $$ return a + b; /* "q" */ $$',
  'CREATE FUNCTION rich.plus(a text, b set<frozen<zebra>>) RETURNS NULL ON NULL INPUT RETURNS text LANGUAGE java AS $$ return a; $$',
  'CREATE FUNCTION rich.deep(a map<text, frozen<list<int>>>, b zebra) RETURNS NULL ON NULL INPUT RETURNS list<text> LANGUAGE java AS $$ return null; $$',
  'CREATE AGGREGATE rich.average(int) SFUNC "Avg State" STYPE tuple<int, bigint> FINALFUNC avgfinal INITCOND (0, 0)',
  'CREATE AGGREGATE rich."Sum"(int) SFUNC plus STYPE int',
  'CREATE TABLE rich.drops (k int PRIMARY KEY, keep text, gone int, g2 map<text, frozen<zebra>>, back set<int>, g3 apple, g4 text)',
  'ALTER TABLE rich.drops DROP gone',
  'ALTER TABLE rich.drops DROP g2',
  'ALTER TABLE rich.drops DROP back',
  'ALTER TABLE rich.drops ADD back set<int>',
  'CREATE TABLE rich.sdrops (k int, c int, st text static, gs frozen<zebra> static, v int, PRIMARY KEY (k, c))',
  'ALTER TABLE rich.sdrops DROP gs',
  'CREATE TABLE rich.onlydrop (k int PRIMARY KEY, v int)',
  'ALTER TABLE rich.onlydrop DROP v USING TIMESTAMP 1700000000000000',
  'CREATE TABLE rich.compact1 (k int PRIMARY KEY, a text, b int) WITH COMPACT STORAGE',
  'CREATE INDEX compact_idx ON rich.compact1 (a)',
  'CREATE TABLE rich.compact2 (k int, c int, v text, PRIMARY KEY (k, c)) WITH COMPACT STORAGE',
  'CREATE TABLE rich.compact3 (k int, c int, PRIMARY KEY (k, c)) WITH COMPACT STORAGE AND CLUSTERING ORDER BY (c DESC)',
  'CREATE TABLE rich.compact4 (k int, c int, d int, v counter, PRIMARY KEY (k, c, d)) WITH COMPACT STORAGE',
  'CREATE TABLE rich.uncompact1 (k int PRIMARY KEY, a text) WITH COMPACT STORAGE',
  'ALTER TABLE rich.uncompact1 DROP COMPACT STORAGE',
  'CREATE TABLE rich.uncompact2 (k int, c int, PRIMARY KEY (k, c)) WITH COMPACT STORAGE',
  'ALTER TABLE rich.uncompact2 DROP COMPACT STORAGE',
  `CREATE TABLE rich.options (k int PRIMARY KEY, v counter) WITH compression = {'class': 'ZstdCompressor', 'compression_level': '7', 'chunk_length_in_kb': '64'}
    AND compaction = {'class': 'LeveledCompactionStrategy', 'sstable_size_in_mb': '10', 'tombstone_threshold': '0.1'}`,
  "CREATE TABLE rich.plain (k int PRIMARY KEY, v int) WITH compression = {'enabled': 'false'}",
  'CREATE TABLE rich.names (k int PRIMARY KEY, "key" int, "text" text, "int" int, "token" int, "ttl" int, "1" int, "ünï" text, "Zz" int, aa set<int>)',
  'CREATE TABLE "MixedCase"."UpperTable" ("K" int PRIMARY KEY, "weird ""col""" text)',
  'CREATE INDEX "IdxUpper" ON "MixedCase"."UpperTable" ("weird ""col""")',
];

const FROM_5 = [
  `CREATE TABLE rich.five (k int PRIMARY KEY, v vector<float, 3>, t text, p text MASKED WITH mask_inner(1, null, '#'), d int MASKED WITH DEFAULT)
    WITH allow_auto_snapshot = false AND incremental_backups = false AND compaction = {'class': 'UnifiedCompactionStrategy', 'scaling_parameters': 'T4, N, L8'}`,
  "CREATE CUSTOM INDEX sai_v ON rich.five (v) USING 'StorageAttachedIndex' WITH OPTIONS = {'similarity_function': 'DOT_PRODUCT'}",
  "CREATE INDEX sai_t ON rich.five (t) USING 'sai' WITH OPTIONS = {'case_sensitive': 'false'}",
];

/** For a node of that release; types that others name are qualified by the keyspace of the statement. */
export function schemaStatements(version: string): string[] {
  return version.startsWith('5') ? [...BOTH, ...FROM_5] : BOTH;
}
