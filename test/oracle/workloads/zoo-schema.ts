/** The zoo's tables for the schema: options, names, indexes, views, functions, compact tables, what drops and snapshots leave behind. */
import { range, START_MICROS, table } from './workload.js';
import type { Exhibit } from './zoo.js';

const KS = 'zoo';
const at = (round: number): bigint => START_MICROS + BigInt(round) * 1_000_000n;

const options = (five: boolean): Exhibit => ({
  create: [
    table(KS, 'options', 'k int PRIMARY KEY, v text', [
      "comment = 'it''s odd: \"all\" of it is set'",
      'bloom_filter_fp_chance = 1.0',
      `caching = {'keys': 'NONE', 'rows_per_partition': '10'}`,
      'crc_check_chance = 0.5',
      'gc_grace_seconds = 123456',
      'min_index_interval = 64',
      'max_index_interval = 512',
      'memtable_flush_period_in_ms = 3600000',
      "speculative_retry = '75p'",
      "additional_write_policy = '10ms'",
      "read_repair = 'NONE'",
      'cdc = true',
      `compaction = {'class': 'SizeTieredCompactionStrategy', 'min_threshold': '3', 'max_threshold': '9', 'bucket_low': '0.4', 'bucket_high': '1.7', 'min_sstable_size': '1048576', 'tombstone_threshold': '0.3', 'tombstone_compaction_interval': '3600', 'unchecked_tombstone_compaction': 'true', 'only_purge_repaired_tombstones': 'true', 'log_all': 'true'}`,
      `compression = {'class': 'ZstdCompressor', 'chunk_length_in_kb': '32', 'min_compress_ratio': '1.1'}`,
      ...(five ? ['allow_auto_snapshot = false', 'incremental_backups = false', "memtable = 'default'"] : []),
    ]),
    table(KS, 'leveled', 'k int PRIMARY KEY, v text', [
      `compaction = {'class': 'LeveledCompactionStrategy', 'sstable_size_in_mb': '1', 'fanout_size': '5', 'single_sstable_uplevel': 'false'}`,
    ]),
    table(KS, 'windows', 'k int, c int, v text, PRIMARY KEY (k, c)', [
      `compaction = {'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': 'DAYS', 'compaction_window_size': '2', 'timestamp_resolution': 'MICROSECONDS', 'unsafe_aggressive_sstable_expiration': 'false'}`,
    ]),
    ...(five
      ? [
          table(KS, 'unified', 'k int PRIMARY KEY, v text', [
            `compaction = {'class': 'UnifiedCompactionStrategy', 'scaling_parameters': 'L8, T4, N', 'target_sstable_size': '64MiB', 'base_shard_count': '2'}`,
          ]),
          table(
            KS,
            'masked',
            'k int PRIMARY KEY, phone text MASKED WITH mask_inner(1, 2), email text MASKED WITH DEFAULT, salary int MASKED WITH mask_null()',
          ),
        ]
      : []),
  ],
  rounds: [0, 1].map((i) =>
    ['options', 'leveled', ...(five ? ['unified'] : [])].flatMap((name) =>
      range(i * 5, i * 5 + 10).map(
        (k) => `INSERT INTO zoo.${name} (k, v) VALUES (${k}, 'round ${i}') USING TIMESTAMP ${at(i)}`,
      ),
    ),
  ),
});

const names: Exhibit = {
  create: [
    table(
      KS,
      '"MixedCase"',
      '"Key Column" int, "select" text, "Ключ" text, "quote""d" int, "naïve 東京" text static, normal int, PRIMARY KEY ("Key Column", "select")',
      [`CLUSTERING ORDER BY ("select" DESC)`],
    ),
    table(KS, `"select"`, '"from" int PRIMARY KEY, "where" int'),
    table(KS, `t${'a_long_name_'.repeat(3)}x`, 'k int PRIMARY KEY, v text'),
  ],
  rounds: [
    [
      `INSERT INTO zoo."MixedCase" ("Key Column", "select", "Ключ", "quote""d", "naïve 東京", normal) VALUES (1, 's', 'ж', 2, 'static', 3) USING TIMESTAMP ${at(0)}`,
      `INSERT INTO zoo."select" ("from", "where") VALUES (1, 2) USING TIMESTAMP ${at(0)}`,
      `INSERT INTO zoo.t${'a_long_name_'.repeat(3)}x (k, v) VALUES (1, 'v') USING TIMESTAMP ${at(0)}`,
    ],
  ],
};

const indexes: Exhibit = {
  create: [
    table(
      KS,
      'indexed',
      'k int, c int, v int, t text, m map<text, int>, s set<int>, f frozen<list<int>>, st text static, PRIMARY KEY (k, c)',
    ),
    'CREATE INDEX by_v ON zoo.indexed (v)',
    'CREATE INDEX "ByKeys" ON zoo.indexed (keys(m))',
    'CREATE INDEX by_entries ON zoo.indexed (entries(m))',
    'CREATE INDEX by_values ON zoo.indexed (values(s))',
    'CREATE INDEX by_full ON zoo.indexed (full(f))',
  ],
  rounds: [
    range(0, 10).map(
      (k) =>
        `INSERT INTO zoo.indexed (k, c, v, t, m, s, f, st) VALUES (${k}, 0, ${k % 3}, 't', {'a': ${k}}, {${k}, 1}, [${k}], 's') USING TIMESTAMP ${at(0)}`,
    ),
  ],
};

const sai: Exhibit = {
  from5: true,
  create: [
    table(KS, 'sai', 'k int PRIMARY KEY, v int, t text, e vector<float, 2>'),
    "CREATE INDEX sai_v ON zoo.sai (v) USING 'sai'",
    "CREATE INDEX sai_t ON zoo.sai (t) USING 'sai' WITH OPTIONS = {'case_sensitive': 'false', 'normalize': 'true', 'ascii': 'true'}",
  ],
  rounds: [
    range(0, 20).map(
      (k) =>
        `INSERT INTO zoo.sai (k, v, t, e) VALUES (${k}, ${k % 7}, 'text ${k % 4}', [${k}.5, 1.0]) USING TIMESTAMP ${at(0)}`,
    ),
  ],
};

const views: Exhibit = {
  create: [
    table(KS, 'viewed', 'k int, c int, owner text, v int, PRIMARY KEY (k, c)'),
    `CREATE MATERIALIZED VIEW zoo.by_owner AS SELECT k, c, owner, v FROM zoo.viewed WHERE owner IS NOT NULL AND k IS NOT NULL AND c IS NOT NULL
       PRIMARY KEY (owner, k, c) WITH CLUSTERING ORDER BY (k DESC, c ASC) AND comment = 'a view' AND gc_grace_seconds = 1000`,
  ],
  rounds: [0, 1].map((i) => [
    ...range(i * 5, i * 5 + 10).map(
      (k) =>
        `INSERT INTO zoo.viewed (k, c, owner, v) VALUES (${k}, 0, 'owner ${(k + i) % 3}', ${k}) USING TIMESTAMP ${at(i)}`,
    ),
    `DELETE FROM zoo.viewed USING TIMESTAMP ${at(i) + 1n} WHERE k = ${i * 5} AND c = 0`,
  ]),
};

const functions: Exhibit = {
  create: [
    "CREATE FUNCTION zoo.plus(a int, b int) RETURNS NULL ON NULL INPUT RETURNS int LANGUAGE java AS 'return a + b;'",
    'CREATE FUNCTION zoo."Shout"(t text) CALLED ON NULL INPUT RETURNS text LANGUAGE java AS $$ return t == null ? "" : t.toUpperCase() + "!"; $$',
    'CREATE AGGREGATE zoo.total(int) SFUNC plus STYPE int INITCOND 0',
  ],
  rounds: [],
};

/** Tables as Thrift knew them: without clustering, with a dense one, with a composite one, and with counters. */
const compact: Exhibit = {
  create: [
    ['compact_static', 'k text PRIMARY KEY, a int, b text'],
    ['compact_dense', 'k text, c int, v text, PRIMARY KEY (k, c)'],
    ['compact_dense_composite', 'k text, c int, d text, v text, PRIMARY KEY (k, c, d)'],
    ['compact_key_only', 'k text, c int, PRIMARY KEY (k, c)'],
    ['compact_counters', 'k text PRIMARY KEY, n counter'],
  ].map(([name, columns]) => table(KS, name!, columns!, ['COMPACT STORAGE'])),
  rounds: [
    [
      ...range(0, 3).flatMap((n) => [
        `INSERT INTO zoo.compact_static (k, a, b) VALUES ('k${n}', ${n}, 'b') USING TIMESTAMP ${at(0)}`,
        `INSERT INTO zoo.compact_dense (k, c, v) VALUES ('k', ${n}, 'v${n}') USING TIMESTAMP ${at(0)}`,
        `INSERT INTO zoo.compact_dense_composite (k, c, d, v) VALUES ('k', ${n}, 'd', 'v') USING TIMESTAMP ${at(0)}`,
        `INSERT INTO zoo.compact_key_only (k, c) VALUES ('k', ${n}) USING TIMESTAMP ${at(0)}`,
        `UPDATE zoo.compact_counters SET n = n + ${n} WHERE k = 'k${n}'`,
      ]),
      `DELETE FROM zoo.compact_dense USING TIMESTAMP ${at(0) + 1n} WHERE k = 'k' AND c = 1`,
      `DELETE a FROM zoo.compact_static USING TIMESTAMP ${at(0) + 1n} WHERE k = 'k2'`,
    ],
  ],
};

/** Their files are what matters: a table that is dropped, one with a snapshot, one with incremental backups, one partly repaired. */
const furniture: Exhibit = {
  create: ['abandoned', 'kept', 'repaired'].map((name) => table(KS, name, 'k int PRIMARY KEY, v text')),
  rounds: [0, 1, 2].map((i) =>
    ['abandoned', 'kept', 'repaired'].flatMap((name) =>
      range(i * 5, i * 5 + 10).map(
        (k) => `INSERT INTO zoo.${name} (k, v) VALUES (${k}, 'round ${i}') USING TIMESTAMP ${at(i)}`,
      ),
    ),
  ),
};

export const schemaExhibits = (five: boolean): readonly Exhibit[] => [
  options(five),
  names,
  indexes,
  sai,
  views,
  functions,
  compact,
  furniture,
];
