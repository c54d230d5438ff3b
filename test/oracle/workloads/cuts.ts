/**
 * Tables whose major compaction has several tasks or outputs, or drops SSTables unread: what decides is the strategy's options, the tokens of keys
 * and times. Values are random bytes, so that sizes on disk hardly depend on a compressor.
 */
import { murmur3Token } from '../../../src/cql/token.js';
import { hex, type Random, random, range, START_MICROS, table, type Workload } from './workload.js';

const KS = 'cuts';
const COLUMNS = 'k int, c int, v blob, PRIMARY KEY (k, c)';

type Spec = {
  readonly name: string;
  readonly options: readonly string[];
  /** Statements of a round (0 to 2). */
  readonly write: (r: Random, round: number) => string[];
};

const compaction = (name: string, options: Record<string, string>) =>
  `compaction = ${JSON.stringify({ class: name, ...options }).replaceAll('"', "'")}`;
const leveled = (options: Record<string, string>) => compaction('LeveledCompactionStrategy', options);
const unified = (options: Record<string, string>) => compaction('UnifiedCompactionStrategy', options);
const windows = compaction('TimeWindowCompactionStrategy', { compaction_window_size: '1' });
const PLAIN = "compression = {'enabled': 'false'}";
const SMALL_CHUNKS = "compression = {'class': 'LZ4Compressor', 'chunk_length_in_kb': '4'}";

function insert(name: string, k: number, c: number, value: string, micros: bigint, ttlSeconds = 0): string {
  const ttl = ttlSeconds > 0 ? ` AND TTL ${ttlSeconds}` : '';
  return `INSERT INTO ${KS}.${name} (k, c, v) VALUES (${k}, ${c}, 0x${value}) USING TIMESTAMP ${micros}${ttl}`;
}

/** Rows of about a kilobyte in keys 0 to `keys`, some of them in every round. */
function bulk(name: string, keys: number, rows: number): Spec['write'] {
  return (r, round) =>
    range(0, rows).map((i) =>
      insert(name, r.int(0, keys), i % 7, hex(r, 1000), START_MICROS + BigInt(round * 1_000_000 + i)),
    );
}

function tokenOf(k: number): bigint {
  const key = Buffer.alloc(4);
  key.writeInt32BE(k);
  const [hi, lo] = murmur3Token(key, 0, 4, new Int32Array(2));
  return (BigInt(hi!) << 32n) | BigInt(lo! >>> 0);
}

/** Keys 0 to 299 in the order of their tokens. */
const BY_TOKEN = range(0, 300).sort((a, b) => (tokenOf(a) < tokenOf(b) ? -1 : 1));

/** The keys of a round. */
function writeKeys(name: string, keysOf: (round: number) => readonly number[]): Spec['write'] {
  return (r, round) =>
    keysOf(round).map((k) => insert(name, k, round, hex(r, 50), START_MICROS + BigInt(round * 1_000_000 + k)));
}

/** SSTables of which the first is expired: with a TTL, gone before anything is compacted. Half of its keys are its own. */
function expiring(name: string, firstMicros: bigint, restMicros: bigint): Spec['write'] {
  return (r, round) =>
    range(0, 60).map((k) => {
      const micros = (round === 0 ? firstMicros : restMicros) + BigInt(round * 1_000_000 + k);
      return insert(name, round === 0 ? k * 2 : k, round, hex(r, 50), micros, round === 0 ? 1 : 0);
    });
}

const LATER = START_MICROS + 3_600_000_000n;

const EVERYWHERE: readonly Spec[] = [
  {
    name: 'levels_plain',
    options: [leveled({ sstable_size_in_mb: '1', fanout_size: '2' }), PLAIN],
    write: bulk('levels_plain', 900, 2500),
  },
  {
    name: 'levels_lz4',
    options: [leveled({ sstable_size_in_mb: '1', fanout_size: '3' }), SMALL_CHUNKS],
    write: bulk('levels_lz4', 900, 2500),
  },
  { name: 'expired', options: [windows, 'gc_grace_seconds = 0'], write: expiring('expired', START_MICROS, LATER) },
  { name: 'not_yet', options: [windows, 'gc_grace_seconds = 0'], write: expiring('not_yet', LATER, START_MICROS) },
  { name: 'in_grace', options: [windows], write: expiring('in_grace', START_MICROS, LATER) },
  {
    name: 'unrepaired',
    options: [
      compaction('SizeTieredCompactionStrategy', { only_purge_repaired_tombstones: 'true' }),
      'gc_grace_seconds = 0',
    ],
    write: expiring('unrepaired', START_MICROS, LATER),
  },
];

const UNIFIED: readonly Spec[] = [
  {
    name: 'shards',
    options: [unified({ base_shard_count: '4', min_sstable_size: '0B', target_sstable_size: '1GiB' })],
    write: bulk('shards', 900, 400),
  },
  {
    name: 'shards_3',
    options: [
      unified({ base_shard_count: '3', min_sstable_size: '0B', target_sstable_size: '1MiB', sstable_growth: '0' }),
    ],
    write: bulk('shards_3', 900, 2500),
  },
  {
    name: 'shards_growing',
    options: [unified({ base_shard_count: '1', min_sstable_size: '64KiB', target_sstable_size: '1MiB' }), PLAIN],
    write: bulk('shards_growing', 900, 2500),
  },
  {
    name: 'shards_least',
    options: [unified({ base_shard_count: '8', min_sstable_size: '500KiB', target_sstable_size: '1MiB' })],
    write: bulk('shards_least', 900, 900),
  },
  {
    name: 'shards_narrow',
    options: [unified({ base_shard_count: '5', min_sstable_size: '0B', target_sstable_size: '1GiB' })],
    write: writeKeys('shards_narrow', (round) => BY_TOKEN.slice(100 + round * 10, 200 - round * 10)),
  },
  {
    name: 'apart',
    options: [unified({})],
    write: writeKeys('apart', (round) => BY_TOKEN.slice(round * 100, round * 100 + 100)),
  },
  {
    name: 'two_apart',
    options: [unified({})],
    write: writeKeys('two_apart', (round) => BY_TOKEN.slice([0, 50, 200][round], [100, 150, 300][round])),
  },
];

/** @param version of Cassandra; UnifiedCompactionStrategy is 5.0's */
export function cuts(version: string): Workload {
  const specs = Number.parseInt(version, 10) < 5 ? EVERYWHERE : [...EVERYWHERE, ...UNIFIED];
  const rounds = range(0, 3).map((round) => specs.flatMap(({ write }, i) => write(random(100 * round + i), round)));
  return {
    keyspace: KS,
    create: [
      `CREATE KEYSPACE ${KS} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
      ...specs.map(({ name, options }) => table(KS, name, COLUMNS, options)),
    ],
    rounds,
  };
}
