/**
 * The campaign: one bit flipped, or the end cut off, at a random place of a random component of a random SSTable; `verify --deep` must find it and
 * say in which component it is, and of Data.db in which chunk or partition. What it does not find must do no harm: every row, every way by the
 * index and every answer of the filter are as before.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { LsmctlError } from '../../src/bytes/errors.js';
import { diskStorage, type Storage } from '../../src/bytes/source.js';
import { findTable } from '../../src/cql/schema.js';
import { loadSchema } from '../../src/engine/schema-loader.js';
import type { SSTableFiles } from '../../src/engine/sstable-directory.js';
import { type Finding, isWrong } from '../../src/engine/verify/finding.js';
import { type VerifyOptions, verifySSTable } from '../../src/engine/verify/verify-sstable.js';
import { componentPath, parseDescriptor, parseTableDirectory } from '../../src/sstable/descriptor.js';
import { isPresent, readFilter } from '../../src/sstable/filter.js';
import { openSSTable, type SSTable } from '../../src/sstable/sstable.js';
import { corrupt, type Damage, randomOf } from '../corrupt.js';
import { FIXTURES, fixtureSSTables } from '../fixtures.js';

export type Subject = { readonly name: string; readonly file: string };

export type Trial = {
  readonly subject: Subject;
  readonly component: string;
  readonly damage: Damage;
};

/**
 * located: found, in the component that was damaged, and of Data.db with a chunk or partition
 * detected: found, but the blame is on another component
 * harmless: not found, and nothing that is decoded differs
 * unproved: something differs in a Data.db that has neither Digest.crc32 nor CRC.db (some of Scylla's), of which verify says that it has no checksums
 * missed: not found, and something differs
 */
export type Outcome = 'located' | 'detected' | 'harmless' | 'unproved' | 'missed';

export type Result = Trial & { readonly outcome: Outcome; readonly rules: readonly string[]; readonly detail: string };

/** After every time in the fixtures; timestamps in the future are no damage. */
const NOW_SECONDS = 4_102_444_800;

/** SSTables to damage: the fixtures, and where the corpus is, all its versions. */
export function subjects(withCorpus: boolean): Subject[] {
  const fixtures = fixtureSSTables().map(({ name, file }) => ({ name, file }));
  if (!withCorpus) return fixtures;
  const corpus = path.resolve(FIXTURES, '../../shared/corpus/public/sstables');
  const names = fs
    .readdirSync(corpus, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('-Data.db'));
  return [...fixtures, ...names.sort().map((name) => ({ name, file: path.join(corpus, name) }))];
}

/** `count` trials, the same for the same seed: versions and components by turns, so that none is rare. */
export function* trials(pool: readonly Subject[], seed: number, count: number): Generator<Trial> {
  const random = randomOf(seed);
  const versions = [...new Set(pool.map(versionOf))].sort();
  for (let i = 0; i < count; i++) {
    const ofVersion = pool.filter((subject) => versionOf(subject) === versions[i % versions.length]);
    const subject = ofVersion[Math.floor(random() * ofVersion.length)]!;
    const components = componentsOf(subject).filter(({ size }) => size > 0);
    const { component, size } = components[Math.floor(random() * components.length)]!;
    const isCut = random() < 0.15;
    const at = Math.floor(random() * size);
    const damage: Damage = isCut
      ? { kind: 'cut', length: at }
      : { kind: 'flip', offset: at, xor: 1 << Math.floor(random() * 8) };
    yield { subject, component, damage };
  }
}

export function versionOf({ file }: Subject): string {
  return path.basename(file).slice(0, 2);
}

function componentsOf({ file }: Subject): { component: string; size: number }[] {
  const directory = path.dirname(file);
  const prefix = path.basename(file).replace(/Data\.db$/, '');
  return fs
    .readdirSync(directory)
    .filter((name) => name.startsWith(prefix))
    .map((name) => ({ component: name.slice(prefix.length), size: fs.statSync(path.join(directory, name)).size }));
}

function filesOf(subject: Subject): SSTableFiles {
  const { descriptor } = parseDescriptor(subject.file);
  const components = componentsOf(subject).map(({ component }) => component);
  return { descriptor, components, place: parseTableDirectory(descriptor.directory) };
}

/** Runs one trial. */
export async function run(trial: Trial): Promise<Result> {
  const { subject, component, damage } = trial;
  const files = filesOf(subject);
  const target = componentPath(files.descriptor, component);
  const storage = corrupt(target, damage);
  const before = await baseline(subject, files);
  const { findings, checks } = await verifySSTable(storage, files, before.options);
  const known = new Set(before.findings);
  const wrong = findings.filter((finding) => isWrong(finding) && !known.has(textOf(finding)));
  const rules = [...new Set(wrong.map(({ rule }) => rule))];
  if (wrong.length > 0) {
    const isLocated = wrong.some((finding) => locates(finding, component, target));
    return { ...trial, outcome: isLocated ? 'located' : 'detected', rules, detail: textOf(wrong[0]!) };
  }
  const difference = await differs(before.content, storage, subject);
  const hasChecksums = component !== 'Data.db' || checks.every(({ check, state }) => check !== 'checksums' || state !== 'absent'); // biome-ignore format: one line
  const outcome = difference === undefined ? 'harmless' : hasChecksums ? 'missed' : 'unproved';
  return { ...trial, outcome, rules, detail: difference ?? '' };
}

function textOf({ rule, file, message, seen = '', expected = '' }: Finding): string {
  return `${rule} ${path.basename(file)}: ${message} (${seen} / ${expected})`;
}

function locates(finding: Finding, component: string, target: string): boolean {
  // a name in TOC.txt that is none any more is told as the file that is missing
  if (component === 'TOC.txt' && finding.rule === 'component-missing') return true;
  if (finding.file !== target) return false;
  if (component !== 'Data.db') return true;
  const isWhole =
    finding.rule === 'data-length' || finding.rule === 'component-empty' || finding.rule === 'data-digest';
  return isWhole || finding.chunk !== undefined || finding.partition !== undefined || finding.offset !== undefined;
}

type Content = { readonly rows: string; readonly ways: string };
type Baseline = { readonly findings: readonly string[]; readonly content: Content; readonly options: VerifyOptions };
const baselines = new Map<string, Promise<Baseline>>();

/** What an SSTable holds, and what is found in it, before it is damaged. */
function baseline(subject: Subject, files: SSTableFiles) {
  let known = baselines.get(subject.file);
  if (!known) {
    known = (async () => {
      const options: VerifyOptions = { level: 'deep', nowSeconds: NOW_SECONDS, ...(await tableOf(subject, files)) };
      const { findings } = await verifySSTable(diskStorage, files, options);
      return { findings: findings.map(textOf), content: await contentOf(diskStorage, subject), options };
    })();
    baselines.set(subject.file, known);
  }
  return known;
}

/** What the schema says of the table, as every data directory has one; where there is none, what the header said before. */
async function tableOf({ file }: Subject, { place }: SSTableFiles): Promise<Pick<VerifyOptions, 'table'>> {
  if (place.index !== undefined) return {};
  const { schema } = await loadSchema(diskStorage, [file], { nowSeconds: NOW_SECONDS });
  const table = findTable(schema, place.keyspace, place.table);
  return table ? { table } : {};
}

async function differs(before: Content, storage: Storage, subject: Subject): Promise<string | undefined> {
  try {
    const after = await contentOf(storage, subject);
    if (after.rows !== before.rows) return 'rows differ';
    return after.ways === before.ways ? undefined : 'ways by the index differ';
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    return `can not be read: ${error.facts.file} ${error.message}`;
  }
}

/** Digests of all rows, and of where the index, with summary and filter, leads for every key. */
async function contentOf(storage: Storage, { file }: Subject): Promise<Content> {
  const sstable = await openSSTable(storage, file);
  try {
    return { rows: rowsOf(sstable), ways: waysOf(storage, sstable) };
  } finally {
    sstable.close();
  }
}

function rowsOf(sstable: SSTable): string {
  const hash = createHash('sha1');
  const text = (value: unknown) =>
    JSON.stringify(value, (key, part: unknown) => {
      if (key === 'column') return (part as { name: string }).name;
      if (typeof part === 'bigint') return part.toString();
      return part instanceof Uint8Array ? Buffer.from(part).toString('hex') : part;
    });
  for (const { unfiltereds, ...partition } of sstable.partitions()) {
    hash.update(text(partition) ?? '');
    for (const unfiltered of unfiltereds) hash.update(text(unfiltered) ?? '');
  }
  return hash.digest('hex');
}

const MOST_SEARCHES = 300;

function waysOf(storage: Storage, sstable: SSTable): string {
  const hash = createHash('sha1');
  const filter = readFilter(storage, sstable.descriptor);
  const index = sstable.openIndex(storage);
  try {
    const keys: Uint8Array[] = [];
    for (const partition of sstable.partitions()) keys.push(partition.key);
    // without Summary.db each search walks the index
    const step = Math.ceil(keys.length / MOST_SEARCHES);
    for (const [i, key] of keys.entries()) {
      if (i % step !== 0) continue;
      const entry = index.find(key);
      const isAdmitted = !filter || isPresent(filter, key);
      hash.update(`${isAdmitted} ${entry?.dataPosition}`);
      const rows = entry?.rowIndex();
      if (!rows) continue;
      const { deletion } = rows;
      hash.update(`${deletion?.markedForDeleteAtMicros} ${deletion?.localDeletionSeconds}`);
      for (const { position, openDeletion } of rows.blocks()) {
        hash.update(`${position} ${openDeletion?.markedForDeleteAtMicros} ${openDeletion?.localDeletionSeconds};`);
      }
    }
    for (const { dataPosition } of index.entries()) hash.update(`${dataPosition},`);
    return hash.digest('hex');
  } finally {
    index.close();
  }
}
