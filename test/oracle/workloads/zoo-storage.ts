/** The zoo's tables for storage: deletions of every kind, expiry, counters, statics, wide partitions, dropped columns, compressors. */
import { hex, quote, random, range, START_MICROS, table, uuid, words } from './workload.js';
import type { Exhibit } from './zoo.js';

const KS = 'zoo';
const at = (round: number): bigint => START_MICROS + BigInt(round) * 1_000_000n;

const statics: Exhibit = {
  create: [
    table(
      KS,
      'statics',
      'k int, c int, st text static, sl list<int> static, sm map<text, int> static, v text, PRIMARY KEY (k, c)',
    ),
  ],
  rounds: [0, 1].map((i) =>
    range(0, 6).flatMap((k) => [
      `UPDATE zoo.statics USING TIMESTAMP ${at(i)} SET st = 'static ${i} ${k}', sl = sl + [${i}], sm['m'] = ${k} WHERE k = ${k}`,
      // Every other partition has nothing but its static row.
      ...(k % 2
        ? range(i * 2, i * 2 + 3).map(
            (c) => `INSERT INTO zoo.statics (k, c, v) VALUES (${k}, ${c}, 'v${c}') USING TIMESTAMP ${at(i)}`,
          )
        : []),
      ...(k === i ? [`DELETE st, sm FROM zoo.statics USING TIMESTAMP ${at(i) + 1n} WHERE k = ${k}`] : []),
    ]),
  ),
};

/** Slices with every kind of bound, that overlap, meet and leave gaps, so that boundaries come out too. */
const SLICES = [
  'k = 0 AND a = 1',
  'k = 0 AND a >= 2 AND a < 3',
  'k = 1 AND a = 1 AND b > 1',
  'k = 1 AND a = 1 AND b <= 2',
  'k = 1 AND (a, b) > (1, 2) AND (a, b) <= (3, 1)',
  'k = 2',
  "k = 3 AND a = 0 AND b = 0 AND c = 'p'",
  "k = 3 AND a = 2 AND b = 2 AND c >= 'q'",
  'k = 4 AND a <= 1',
  'k = 4 AND a > 1',
  'k = 4 AND a > 0 AND a < 3',
  'k = 9 AND a >= 5',
];

const ranges: Exhibit = {
  create: [
    table(KS, 'ranges', 'k int, a int, b int, c text, v int, PRIMARY KEY (k, a, b, c)'),
    table(KS, 'ranges_down', 'k int, a int, b int, c text, v int, PRIMARY KEY (k, a, b, c)', [
      'CLUSTERING ORDER BY (a DESC, b ASC, c DESC)',
    ]),
  ],
  rounds: [0, 1, 2].map((i) => {
    const r = random(30 + i);
    return ['zoo.ranges', ...(i < 2 ? ['zoo.ranges_down'] : [])].flatMap((name) => [
      ...range(0, 5).flatMap((k) =>
        range(0, 4).flatMap((a) =>
          range(0, 3).flatMap((b) =>
            ['p', 'q'].map(
              (c) =>
                `INSERT INTO ${name} (k, a, b, c, v) VALUES (${k}, ${a}, ${b}, '${c}', ${r.int(0, 9)}) USING TIMESTAMP ${at(i)}`,
            ),
          ),
        ),
      ),
      // Three slices a round and one more meet within it: later ones split the earlier.
      ...SLICES.map((slice) =>
        `DELETE FROM ${name} USING TIMESTAMP ${at(i) + BigInt(r.int(1, 5))} WHERE ${slice}`.replaceAll(
          ' AND (a, b) > (1, 2) AND (a, b) <= (3, 1)',
          name.endsWith('down') ? ' AND a > 1 AND a <= 3' : ' AND (a, b) > (1, 2) AND (a, b) <= (3, 1)',
        ),
      ),
      `DELETE v FROM ${name} USING TIMESTAMP ${at(i) + 7n} WHERE k = 4 AND a = 3 AND b = 2 AND c = 'q'`,
      `INSERT INTO ${name} (k, a, b, c, v) VALUES (4, 1, 1, 'inside', 1) USING TIMESTAMP ${at(i) + 9n}`,
    ]);
  }),
};

/** One partition over many index blocks, with tombstones that span several, and a small one beside it. */
const wide: Exhibit = {
  create: [
    table(KS, 'wide', 'k int, a int, b text, s text static, v text, PRIMARY KEY (k, a, b)', [
      'CLUSTERING ORDER BY (a DESC, b ASC)',
    ]),
    table(KS, 'wide_text', 'k text, c text, v text, PRIMARY KEY (k, c)', [
      `compression = {'class': 'LZ4Compressor', 'chunk_length_in_kb': '4'}`,
    ]),
  ],
  rounds: [0, 1].map((i) =>
    [
      ...range(i * 60, i * 60 + 120).flatMap((a) =>
        ['x', 'yy', ''].map(
          (b) =>
            `INSERT INTO zoo.wide (k, a, b, v) VALUES (1, ${a}, '${b}', '${`row ${a} `.repeat(20)}') USING TIMESTAMP ${at(i)}`,
        ),
      ),
      `INSERT INTO zoo.wide (k, s) VALUES (1, 'static ${i}') USING TIMESTAMP ${at(i)}`,
      `INSERT INTO zoo.wide (k, a, b, v) VALUES (${2 + i}, 1, 'small', 'v') USING TIMESTAMP ${at(i)}`,
      `DELETE FROM zoo.wide USING TIMESTAMP ${at(i) + 9n} WHERE k = 1 AND a > ${i * 60 + 20} AND a <= ${i * 60 + 90}`,
      `DELETE FROM zoo.wide USING TIMESTAMP ${at(i) + 10n} WHERE k = 1 AND a > ${i * 60 + 50} AND a <= ${i * 60 + 60}`,
      ...(i === 1 ? [`DELETE FROM zoo.wide USING TIMESTAMP ${at(i) - 1n} WHERE k = 1`] : []),
      ...range(0, 200).map(
        (c) =>
          `INSERT INTO zoo.wide_text (k, c, v) VALUES ('wide', 'common prefix ${'é'.repeat(c % 7)}${c}', '${'v'.repeat(150)}') USING TIMESTAMP ${at(i)}`,
      ),
    ].slice(0, i === 0 ? undefined : -200),
  ),
};

/** Rows, statics and partition headers that are larger than a chunk. */
const large: Exhibit = {
  create: [table(KS, 'large', 'k text, c int, s text static, v text, PRIMARY KEY (k, c)')],
  rounds: [
    [
      `INSERT INTO zoo.large (k, c, v) VALUES ('value', 1, '${'x'.repeat(100_000)}') USING TIMESTAMP ${at(0)}`,
      `INSERT INTO zoo.large (k, c, v) VALUES ('value', 2, 'after') USING TIMESTAMP ${at(0)}`,
      `INSERT INTO zoo.large (k, c, s, v) VALUES ('static', 1, '${'y'.repeat(80_000)}', 'v') USING TIMESTAMP ${at(0)}`,
      `INSERT INTO zoo.large (k, c, v) VALUES ('${'key '.repeat(5_000)}', 1, 'v') USING TIMESTAMP ${at(0)}`,
    ],
  ],
};

const expiring = (five: boolean): Exhibit => ({
  create: [
    table(KS, 'ttl', 'k int, c int, v text, w int, PRIMARY KEY (k, c)', [
      'gc_grace_seconds = 0',
      'default_time_to_live = 864000',
    ]),
  ],
  rounds: [0, 1].map((i) => {
    const r = random(40 + i);
    const times = [1, 2, 20_000_000, ...(five ? [630_720_000] : [])];
    return [
      ...range(0, 4).flatMap((k) =>
        range(i * 2, i * 2 + 5).map(
          (c) =>
            `INSERT INTO zoo.ttl (k, c, v, w) VALUES (${k}, ${c}, 'v', ${c}) USING TIMESTAMP ${at(i)} AND TTL ${r.pick(times)}`,
        ),
      ),
      `INSERT INTO zoo.ttl (k, c, v) VALUES (${i}, 77, 'default ttl') USING TIMESTAMP ${at(i)}`,
      `UPDATE zoo.ttl USING TIMESTAMP ${at(i) + 1n} AND TTL 0 SET v = 'no ttl' WHERE k = ${i} AND c = ${i * 2}`,
      `UPDATE zoo.ttl USING TIMESTAMP ${at(i) + 2n} AND TTL 1 SET w = 5 WHERE k = ${i} AND c = ${i * 2 + 1}`,
    ];
  }),
});

const counters: Exhibit = {
  create: [table(KS, 'counters', 'k text, c int, s counter static, n counter, m counter, PRIMARY KEY (k, c)')],
  rounds: [0, 1].map((i) =>
    range(0, 4).flatMap((k) => [
      `UPDATE zoo.counters SET n = n + ${k * 1000 - 5}, m = m - 1 WHERE k = 'c${k}' AND c = ${i % 2}`,
      `UPDATE zoo.counters SET s = s + 4611686018427387904 WHERE k = 'c${k}'`,
      ...(k === 1 ? [`DELETE m FROM zoo.counters WHERE k = 'c0' AND c = ${i % 2}`] : []),
    ]),
  ),
};

const dropped: Exhibit = {
  create: [
    table(
      KS,
      'dropped',
      'k int, c int, keep text, gone int, gone_set set<int>, gone_user frozen<address>, gone_static text static, PRIMARY KEY (k, c)',
    ),
  ],
  rounds: [
    range(0, 8).map(
      (k) =>
        `INSERT INTO zoo.dropped (k, c, keep, gone, gone_set, gone_user, gone_static) VALUES (${k}, 0, 'keep', ${k}, {${k}, 1}, {street: 's'}, 'static') USING TIMESTAMP ${at(0)}`,
    ),
    [
      ...['gone', 'gone_set', 'gone_user', 'gone_static'].map(
        (column) => `ALTER TABLE zoo.dropped DROP ${column} USING TIMESTAMP ${at(0) + 1n}`,
      ),
      'ALTER TABLE zoo.dropped ADD added text',
      // The name comes back, and only what is younger than the drop is seen.
      'ALTER TABLE zoo.dropped ADD gone int',
      ...range(4, 12).map(
        (k) =>
          `INSERT INTO zoo.dropped (k, c, keep, added, gone) VALUES (${k}, 0, 'kept', 'new', ${-k}) USING TIMESTAMP ${at(1)}`,
      ),
    ],
  ],
};

/** Column subsets: small ones, more than 64 columns with few present, and more than 64 with few absent. */
const sparse: Exhibit = {
  create: [
    table(
      KS,
      'sparse',
      `k int PRIMARY KEY, ${range(0, 70)
        .map((n) => `c${n} int`)
        .join(', ')}`,
    ),
  ],
  rounds: [
    [
      `INSERT INTO zoo.sparse (k, c0, c69) VALUES (1, 0, 69) USING TIMESTAMP ${at(0)}`,
      `INSERT INTO zoo.sparse (k, ${range(0, 70)
        .map((n) => `c${n}`)
        .join(', ')}) VALUES (2, ${range(0, 70).join(', ')}) USING TIMESTAMP ${at(0)}`,
      `INSERT INTO zoo.sparse (k, ${range(3, 70)
        .map((n) => `c${n}`)
        .join(', ')}) VALUES (3, ${range(3, 70).join(', ')}) USING TIMESTAMP ${at(0)}`,
      `INSERT INTO zoo.sparse (k) VALUES (4) USING TIMESTAMP ${at(0)}`,
    ],
  ],
};

const COMPRESSIONS: Readonly<Record<string, string>> = {
  lz4_4k: "{'class': 'LZ4Compressor', 'chunk_length_in_kb': '4'}",
  lz4_high:
    "{'class': 'LZ4Compressor', 'lz4_compressor_type': 'high', 'lz4_high_compressor_level': '12', 'chunk_length_in_kb': '4'}",
  zstd: "{'class': 'ZstdCompressor', 'compression_level': '5', 'chunk_length_in_kb': '8'}",
  deflate: "{'class': 'DeflateCompressor', 'chunk_length_in_kb': '8'}",
  snappy: "{'class': 'SnappyCompressor', 'chunk_length_in_kb': '8'}",
  noop: "{'class': 'NoopCompressor', 'chunk_length_in_kb': '8'}",
  none: "{'enabled': 'false'}",
  // Incompressible chunks stay plain beside compressed ones.
  ratio: "{'class': 'LZ4Compressor', 'min_compress_ratio': '1.5', 'chunk_length_in_kb': '4'}",
};

const compressed: Exhibit = {
  create: Object.entries(COMPRESSIONS).map(([name, options]) =>
    table(KS, `c_${name}`, 'k int, c int, v text, PRIMARY KEY (k, c)', [`compression = ${options}`]),
  ),
  rounds: [
    Object.keys(COMPRESSIONS).flatMap((name) => {
      const r = random(50);
      return range(0, 20).flatMap((k) =>
        range(0, 5).map(
          (c) =>
            `INSERT INTO zoo.c_${name} (k, c, v) VALUES (${k}, ${c}, ${quote(name === 'ratio' && k % 2 ? hex(r, 40) : words(r, 9))}) USING TIMESTAMP ${at(0)}`,
        ),
      );
    }),
  ],
};

/** Enough keys for a summary of several entries and a partition index of several pages. */
const many: Exhibit = {
  create: [table(KS, 'many', 'k uuid PRIMARY KEY, v tinyint', ['min_index_interval = 32', 'max_index_interval = 64'])],
  rounds: [
    range(0, 1200).map(
      (n) => `INSERT INTO zoo.many (k, v) VALUES (${uuid(n, 'many')}, ${n % 100}) USING TIMESTAMP ${at(0)}`,
    ),
  ],
};

export const storageExhibits = (five: boolean): readonly Exhibit[] => [
  statics,
  ranges,
  wide,
  large,
  expiring(five),
  counters,
  dropped,
  sparse,
  compressed,
  many,
];
