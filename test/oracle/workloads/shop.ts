/** A web shop: the tables that a guided tour walks through. */
import { HOUR_MICROS, quote, random, range, START_MICROS, table, uuid, type Workload } from './workload.js';

const KS = 'shop';
const STATUSES = ['pending', 'paid', 'shipped', 'delivered', 'cancelled', 'returned'] as const;
const GOODS = [
  'walnut desk',
  'brass lamp',
  'linen shirt',
  'café table',
  'oak chair',
  'wool rug',
  'steel kettle',
  'cotton sheet',
  'glass vase',
  'leather bag',
] as const;
const CITIES = ['Berlin', 'København', '東京', 'São Paulo', 'Nairobi', 'Łódź'] as const;

function create(five: boolean): string[] {
  const stcs = `compaction = {'class': 'SizeTieredCompactionStrategy', 'min_threshold': '4', 'max_threshold': '32'}`;
  return [
    `CREATE KEYSPACE ${KS} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
    `CREATE TYPE ${KS}.address (street text, city text, zip int)`,
    `CREATE TYPE ${KS}.contact (kind text, value text)`,
    table(
      KS,
      'orders_by_id',
      'order_id uuid PRIMARY KEY, user_id uuid, status text, amount decimal, description text, created_at timestamp',
      [stcs, "comment = 'One row an order, rewritten whenever its status changes'"],
    ),
    table(
      KS,
      'orders_by_user',
      'user_id uuid, created_at timestamp, order_id uuid, status text, amount decimal, PRIMARY KEY (user_id, created_at, order_id)',
      ['CLUSTERING ORDER BY (created_at DESC, order_id ASC)', stcs],
    ),
    table(
      KS,
      'customers',
      `user_id uuid PRIMARY KEY, name text, emails set<text>, addresses map<text, frozen<address>>, contacts list<frozen<contact>>, home address, since date`,
    ),
    table(
      KS,
      'carts',
      'user_id uuid, item_id int, note text static, coupons set<text> static, product text, quantity int, options map<text, text>, PRIMARY KEY (user_id, item_id)',
      ['gc_grace_seconds = 3600'],
    ),
    table(KS, 'events', 'source text, at timestamp, kind text, body text, PRIMARY KEY (source, at)', [
      'default_time_to_live = 7776000',
      'gc_grace_seconds = 60',
      `compaction = {'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': 'HOURS', 'compaction_window_size': '1'}`,
    ]),
    table(KS, 'sensors', 'id int, at int, reading double, PRIMARY KEY (id, at)', [
      `compaction = {'class': 'LeveledCompactionStrategy', 'sstable_size_in_mb': '1'}`,
    ]),
    table(KS, 'page_views', 'page text, day date, views counter, bounces counter, PRIMARY KEY (page, day)'),
    table(
      KS,
      'inventory',
      'sku text, warehouse text, quantity int, price decimal, tags frozen<set<text>>, PRIMARY KEY (sku, warehouse)',
      [
        five ? `compaction = {'class': 'UnifiedCompactionStrategy', 'scaling_parameters': 'T4'}` : stcs,
        `compression = {'class': 'ZstdCompressor', 'chunk_length_in_kb': '16'}`,
      ],
    ),
  ];
}

function round(i: number): string[] {
  const r = random(100 + i);
  const ts = START_MICROS + BigInt(i) * HOUR_MICROS;
  const millis = (n: number) => 1_700_000_000_000 + n * 1000;
  const user = (n: number) => uuid(n, 'user');
  const order = (n: number) => uuid(n, 'order');
  const statements: string[] = [];
  for (const n of range(i * 150, i * 150 + 350)) {
    const amount = (r.int(100, 99_999) / 100).toFixed(2);
    const text = `${r.int(1, 9)} × ${r.pick(GOODS)}, to ${r.pick(CITIES)}`;
    const [owner, status] = [user(n % 40), STATUSES[Math.min(i + r.int(0, 3), 5)]!];
    statements.push(
      `INSERT INTO ${KS}.orders_by_id (order_id, user_id, status, amount, description, created_at) VALUES (${order(n)}, ${owner}, '${status}', ${amount}, ${quote(text)}, ${millis(n)}) USING TIMESTAMP ${ts}`,
    );
    statements.push(
      `INSERT INTO ${KS}.orders_by_user (user_id, created_at, order_id, status, amount) VALUES (${owner}, ${millis(n)}, ${order(n)}, '${status}', ${amount}) USING TIMESTAMP ${ts}`,
    );
  }
  for (const n of range(i * 150, i * 150 + 350).filter((n) => n % 17 === 0))
    statements.push(`DELETE FROM ${KS}.orders_by_id USING TIMESTAMP ${ts + 10n} WHERE order_id = ${order(n)}`);
  // One customer works as a queue: every row is read once and deleted, and the partition is all tombstones.
  for (const n of range(i * 200, i * 200 + 200)) {
    statements.push(
      `INSERT INTO ${KS}.orders_by_user (user_id, created_at, order_id, status, amount) VALUES (${user(999)}, ${millis(n)}, ${order(n)}, 'pending', 1) USING TIMESTAMP ${ts}`,
    );
    if (n % 200 < 190)
      statements.push(
        `DELETE FROM ${KS}.orders_by_user USING TIMESTAMP ${ts + 10n} WHERE user_id = ${user(999)} AND created_at = ${millis(n)} AND order_id = ${order(n)}`,
      );
  }
  statements.push(
    `DELETE FROM ${KS}.orders_by_user USING TIMESTAMP ${ts + 20n} WHERE user_id = ${user(7)} AND created_at < ${millis(i * 150 + 100)}`,
  );
  for (const n of range(i * 10, i * 10 + 30)) {
    const address = `{street: '${r.int(1, 99)} Mill Lane', city: ${quote(r.pick(CITIES))}, zip: ${r.int(10_000, 99_999)}}`;
    statements.push(
      `INSERT INTO ${KS}.customers (user_id, name, emails, addresses, contacts, home, since) VALUES (${user(n)}, 'customer ${n}', {'c${n}@example.org', 'c${n}@example.com'}, {'work': ${address}}, [{kind: 'phone', value: '+49 ${n}'}], ${address}, '2023-1${i}-01') USING TIMESTAMP ${ts}`,
      `UPDATE ${KS}.customers USING TIMESTAMP ${ts + 1n} SET home.street = 'moved ${i}', emails = emails - {'c${n}@example.com'}, contacts = contacts + [{kind: 'fax', value: '${i}'}] WHERE user_id = ${user(n)}`,
    );
  }
  for (const n of range(0, 25)) {
    statements.push(
      `UPDATE ${KS}.carts USING TIMESTAMP ${ts} SET note = 'visit ${i}', coupons = coupons + {'SPRING${i}'} WHERE user_id = ${user(n)}`,
    );
    for (const item of range(i * 3, i * 3 + 6))
      statements.push(
        `INSERT INTO ${KS}.carts (user_id, item_id, product, quantity, options) VALUES (${user(n)}, ${item}, ${quote(r.pick(GOODS))}, ${r.int(1, 5)}, {'colour': 'blue', 'size': '${r.pick(['S', 'M', 'L'])}'}) USING TIMESTAMP ${ts}`,
      );
    if (n % 3 === 0)
      statements.push(
        `DELETE FROM ${KS}.carts USING TIMESTAMP ${ts + 5n} WHERE user_id = ${user(n)} AND item_id >= ${i * 3} AND item_id < ${i * 3 + 4}`,
      );
    if (n % 5 === 0) statements.push(`DELETE FROM ${KS}.carts USING TIMESTAMP ${ts + 6n} WHERE user_id = ${user(n)}`);
    if (n % 4 === 0)
      statements.push(
        `DELETE options['colour'], quantity FROM ${KS}.carts USING TIMESTAMP ${ts + 7n} WHERE user_id = ${user(n)} AND item_id = ${i * 3 + 5}`,
      );
  }
  // The first window is over at once, the second mixes both kinds, the third lives for months.
  for (const n of range(0, 120)) {
    const ttl = i === 0 || (i === 1 && n % 2 === 0) ? 1 : 7_776_000;
    statements.push(
      `INSERT INTO ${KS}.events (source, at, kind, body) VALUES ('web-${n % 6}', ${millis(i * 3600 + n)}, '${r.pick(['click', 'view', 'login'])}', 'session ${n}') USING TIMESTAMP ${ts + BigInt(n)} AND TTL ${ttl}`,
    );
  }
  for (const n of range(0, 600))
    statements.push(
      `INSERT INTO ${KS}.sensors (id, at, reading) VALUES (${n % 60}, ${i * 500 + r.int(0, 999)}, ${(20 + r.next() * 10).toFixed(2)}) USING TIMESTAMP ${ts}`,
    );
  for (const page of ['/', '/sale', '/about', '/cart'])
    for (const day of [1, 2, 3])
      statements.push(
        `UPDATE ${KS}.page_views SET views = views + ${r.int(1, 500)}, bounces = bounces + ${r.int(0, 20)} WHERE page = '${page}' AND day = '2023-11-0${day + i}'`,
      );
  for (const n of range(0, 60))
    statements.push(
      `INSERT INTO ${KS}.inventory (sku, warehouse, quantity, price, tags) VALUES ('sku-${String(n * (i + 1)).padStart(4, '0')}', '${r.pick(['north', 'south'])}', ${r.int(0, 500)}, ${r.int(1, 9999)}.90, {'new', ${quote(r.pick(GOODS))}}) USING TIMESTAMP ${ts}`,
    );
  return statements;
}

export function shop(version: string): Workload {
  return { keyspace: KS, create: create(version.startsWith('5')), rounds: [0, 1, 2].map(round) };
}
