/** Types made up by a seed, and values of them as CQL literals. */
import { hex, quote, type Random, range, uuid, words } from './workload.js';
import { CLUSTERINGS, EDGES } from './zoo-types.js';

export type RandomType = {
  /** Within another type, or as a key: collections and user types frozen. */
  readonly frozen: string;
  /** As the type of a column. */
  readonly column: string;
  /** Whether values can be keys, clusterings and elements of sets. */
  readonly isKey: boolean;
  /** What updates beyond a plain value a column of it takes. */
  readonly multiCell?: 'list' | 'set' | 'map' | 'udt';
  /** A value, of a collection one with elements. */
  literal(r: Random): string;
  /** For collections, the literals of a map's key or a set's element, and of a list's element or a map's value. */
  key?(r: Random): string;
  element?(r: Random): string;
  /** For user types, the names of the fields and their types. */
  readonly fields?: readonly (readonly [name: string, type: RandomType])[];
};

/** Any value of the types whose values are easily made up; the others have only their edges. */
const ANY: Readonly<Record<string, (r: Random) => string>> = {
  ascii: (r) => `'${hex(r, r.int(0, 8))}'`,
  bigint: (r) => String(BigInt(r.int(-(2 ** 31), 2 ** 31)) * BigInt(r.int(1, 2 ** 31))),
  blob: (r) => `0x${hex(r, r.int(0, 20))}`,
  decimal: (r) =>
    `${r.int(-99_999, 99_999)}${r.pick(['', '.5', '.00', `.${r.int(0, 10 ** 9)}`, `E${r.int(-30, 30)}`])}`,
  // A multiple of 1/16 has but one shortest form: JDK 17 prints some others with more digits than they need.
  double: (r) => String(r.int(-(2 ** 20), 2 ** 20) / 16),
  float: (r) => String(r.int(-(2 ** 12), 2 ** 12) / 16),
  inet: (r) => `'${r.int(0, 255)}.${r.int(0, 255)}.0.${r.int(0, 255)}'`,
  int: (r) => String(r.int(-(2 ** 31), 2 ** 31 - 1)),
  smallint: (r) => String(r.int(-(2 ** 15), 2 ** 15 - 1)),
  text: (r) => quote(words(r, r.int(0, 4))),
  time: (r) =>
    `'${String(r.int(0, 23)).padStart(2, '0')}:${String(r.int(0, 59)).padStart(2, '0')}:07.${r.int(0, 999_999_999)}'`,
  timestamp: (r) => String(r.int(-(10 ** 12), 4 * 10 ** 12)),
  tinyint: (r) => String(r.int(-128, 127)),
  uuid: (r) => uuid(r.int(0, 50)),
  varint: (r) => `${r.pick(['', '-'])}${r.int(1, 2 ** 50)}${r.int(0, 1) ? r.int(0, 2 ** 50) : ''}`,
};
const NATIVES = [...Object.keys(CLUSTERINGS).filter((name) => /^\w+$/.test(name)), 'duration'];

function native(name: string): RandomType {
  const edges = name === 'duration' ? EDGES.du! : CLUSTERINGS[name]!;
  const any = ANY[name];
  const literal = (r: Random) => (any && r.next() < 0.6 ? any(r) : r.pick(edges));
  return { frozen: name, column: name, isKey: name !== 'duration', literal };
}

function collection(r: Random, depth: number): RandomType {
  const kind = r.pick(['list', 'set', 'map'] as const);
  const value = randomType(r, depth - 1, kind === 'set');
  const key = kind === 'map' ? randomType(r, depth - 1, true) : value;
  const name = kind === 'map' ? `map<${key.frozen}, ${value.frozen}>` : `${kind}<${value.frozen}>`;
  const entry = (of: Random) => (kind === 'map' ? `${key.literal(of)}: ${value.literal(of)}` : value.literal(of));
  const literal = (of: Random) => {
    const entries = range(0, of.int(1, 3)).map(() => entry(of));
    return kind === 'list' ? `[${entries.join(', ')}]` : `{${entries.join(', ')}}`;
  };
  const frozen = `frozen<${name}>`;
  const isFrozen = r.next() < 0.3;
  return {
    frozen,
    column: isFrozen ? frozen : name,
    isKey: value.isKey && key.isKey,
    literal,
    key: key.literal,
    element: value.literal,
    ...(isFrozen ? {} : { multiCell: kind }),
  };
}

function tuple(r: Random, depth: number): RandomType {
  const types = range(0, r.int(1, 3)).map(() => randomType(r, depth - 1));
  const name = `frozen<tuple<${types.map((type) => type.frozen).join(', ')}>>`;
  const literal = (of: Random) => `(${types.map((type) => (of.next() < 0.1 ? 'null' : type.literal(of))).join(', ')})`;
  return { frozen: name, column: name, isKey: types.every((type) => type.isKey), literal };
}

function vector(r: Random, depth: number): RandomType {
  const type = randomType(r, depth - 1);
  const size = r.int(1, 4);
  const name = `vector<${type.frozen}, ${size}>`;
  const literal = (of: Random) =>
    `[${range(0, size)
      .map(() => type.literal(of))
      .join(', ')}]`;
  return { frozen: name, column: name, isKey: type.isKey, literal };
}

/** A user type of that name, with the fields it is created with. */
export function userType(r: Random, name: string): RandomType {
  const fields = range(0, r.int(1, 4)).map((n) => [r.pick([`f${n}`, `"F ${n}"`]), randomType(r, 1)] as const);
  const literal = (of: Random) => {
    const present = fields.filter(() => of.next() < 0.9);
    const shown = present.length > 0 ? present : [fields[0]!];
    return `{${shown.map(([field, type]) => `${field}: ${type.literal(of)}`).join(', ')}}`;
  };
  const isKey = fields.every(([, type]) => type.isKey);
  return { frozen: `frozen<${name}>`, column: name, isKey, multiCell: 'udt', literal, fields };
}

/** A type at most `depth` deep; with `key` one whose values can be keys. */
export function randomType(r: Random, depth: number, key = false): RandomType {
  for (;;) {
    const chance = r.next();
    let type: RandomType;
    if (depth === 0 || chance < 0.6) type = native(r.pick(NATIVES));
    else if (chance < 0.85) type = collection(r, depth);
    else type = tuple(r, depth);
    if (type.isKey || !key) return type;
  }
}

/** The type of a column that is no key: any of the above, a vector (from 5.0), or a user type, frozen or not. */
export function columnType(r: Random, userTypes: readonly RandomType[], vectors: boolean): RandomType {
  const chance = r.next();
  if (vectors && chance < 0.06) return vector(r, 1);
  if (chance < 0.85) return randomType(r, 2);
  const user = r.pick(userTypes);
  if (chance < 0.92) return user;
  const { frozen, isKey, literal } = user;
  return { frozen, column: frozen, isKey, literal };
}
