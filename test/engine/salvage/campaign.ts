/** Damage at random, and what a salvage makes of it. */
import fs from 'node:fs';
import path from 'node:path';
import { LsmctlError } from '../../../src/bytes/errors.js';
import { memoryOutput } from '../../../src/bytes/sink.js';
import { readCompressionParameters } from '../../../src/sstable/compression-info.js';
import { type Descriptor, parseDescriptor } from '../../../src/sstable/descriptor.js';
import { openDescriptor } from '../../../src/sstable/sstable.js';
import { type Damage, damages, randomOf } from '../../corrupt.js';
import { type Content, contentsOf, judge, type Run, salvageInMemory } from './judge.js';

export type Tally = {
  runs: number;
  /** Nothing lost. */
  whole: number;
  /** Something kept, and something lost. */
  part: number;
  nothing: number;
  /** Refused with an error that says why. */
  refused: number;
  readonly wrong: string[];
};

/** Bytes of a chunk of CRC.db. */
const CRC_CHUNK = 65536;

/** Components without which nothing can be salvaged. */
const NEEDED = ['Data.db', 'Statistics.db', 'CompressionInfo.db'];

/** An SSTable to be damaged. */
export type Patient = {
  readonly name: string;
  readonly descriptor: Descriptor;
  /** Its files by path. */
  readonly files: ReadonlyMap<string, Uint8Array>;
};

/** One of the fixtures as it is. */
export function fromDisk(file: string): Patient {
  const { descriptor } = parseDescriptor(file);
  const names = fs.readdirSync(descriptor.directory).filter((name) => name.startsWith(`${descriptor.prefix}-`));
  // a slice of a Buffer would be a view of it
  const files = new Map(names.map((name) => [path.join(descriptor.directory, name), new Uint8Array(fs.readFileSync(path.join(descriptor.directory, name)))])); // biome-ignore format: one line
  return { name: file, descriptor, files };
}

/**
 * Damages each component of each patient by itself, `flips` times and by some cuts.
 * @param seed repeats it
 */
export async function campaign(patients: readonly Patient[], flips: number, seed: number): Promise<Tally> {
  const tally: Tally = { runs: 0, whole: 0, part: 0, nothing: 0, refused: 0, wrong: [] };
  const random = randomOf(seed);
  for (const patient of patients) {
    const { descriptor, files } = patient;
    const intact = memoryOutput(new Map(files));
    const original = await contentsOf(intact, descriptor);
    const sstable = await openDescriptor(intact, descriptor);
    const types = sstable.header.clusteringTypes;
    sstable.close();
    for (const [file, bytes] of files) {
      for (const damage of damages(bytes.length, flips, random)) {
        await judgeOne(patient, file, damage, original, types, tally);
      }
    }
  }
  return tally;
}

/** Damages Data.db in a few places at once, where the index is gone or damaged too. */
export async function worse(patients: readonly Patient[], runs: number, seed: number): Promise<Tally> {
  const tally: Tally = { runs: 0, whole: 0, part: 0, nothing: 0, refused: 0, wrong: [] };
  const random = randomOf(seed);
  for (const patient of patients) {
    const { descriptor, files, name } = patient;
    const intact = memoryOutput(new Map(files));
    const original = await contentsOf(intact, descriptor);
    const sstable = await openDescriptor(intact, descriptor);
    const types = sstable.header.clusteringTypes;
    sstable.close();
    for (let i = 0; i < runs; i++) {
      const bad = new Map(files);
      for (const [file, bytes] of files) {
        const isIndex = /(Index|Summary|Partitions|Rows)\.db$/.test(file);
        if (isIndex && i % 2 === 0) bad.delete(file);
        else if (isIndex || file.endsWith('-Data.db')) {
          for (let k = 0; k <= i % 3; k++) {
            const offset = Math.floor(random() * bytes.length);
            bad.set(file, apply(bad.get(file)!, { kind: 'flip', offset, xor: 1 + Math.floor(random() * 255) }));
          }
        }
      }
      tally.runs++;
      const run = await salvageInMemory(memoryOutput(bad), descriptor);
      const wrong = await judge(original, run, types);
      tally.wrong.push(...wrong.slice(0, 3).map((text) => `${name}, run ${i}: ${text}`));
      if (run.result.losses.length === 0) tally.whole++;
      else if (run.result.written) tally.part++;
      else tally.nothing++;
    }
  }
  return tally;
}

/** With one bad chunk, all partitions beside it must be kept, and rows before it. */
async function tooMuchLost(original: readonly Content[], { result, output, descriptor }: Run): Promise<string[]> {
  const { chunk } = result.losses[0]?.cause ?? {};
  if (chunk === undefined) return [];
  const { chunkLength } = readCompressionParameters(output, descriptor) ?? { chunkLength: CRC_CHUNK };
  const [start, end] = [chunk * chunkLength, (chunk + 1) * chunkLength];
  const kept = result.written ? await contentsOf(output, descriptor) : [];
  const keptKeys = new Map(kept.map((content) => [content.key, content]));
  return original.flatMap((content) => {
    if (content.end <= start || content.start >= end) return keptKeys.has(content.key) ? [] : [`${content.key} is lost for nothing`]; // biome-ignore format: one line
    const texts = new Set(keptKeys.get(content.key)?.items.map(({ text }) => text));
    const before = content.items.filter((item) => item.isRow && item.end <= start);
    return before.every(({ text }) => texts.has(text)) ? [] : [`${content.key}: rows before the chunk are lost`];
  });
}

function apply(good: Uint8Array, damage: Damage): Uint8Array {
  const bad = good.slice(0, damage.kind === 'cut' ? damage.length : good.length);
  if (damage.kind === 'flip') bad[damage.offset]! ^= damage.xor;
  return bad;
}

async function judgeOne(
  { name, descriptor, files }: Patient,
  file: string,
  damage: Damage,
  original: readonly Content[],
  types: Parameters<typeof judge>[2],
  tally: Tally,
): Promise<void> {
  tally.runs++;
  const component = path.basename(file).slice(descriptor.prefix.length + 1);
  const say = (text: string) => tally.wrong.push(`${name} ${component} ${JSON.stringify(damage)}: ${text}`);
  const storage = memoryOutput(new Map(files).set(file, apply(files.get(file)!, damage)));
  try {
    const run = await salvageInMemory(storage, descriptor);
    for (const text of (await judge(original, run, types)).slice(0, 3)) say(text);
    const { losses, written } = run.result;
    if (component === 'Data.db' && damage.kind === 'flip')
      for (const text of await tooMuchLost(original, run)) say(text);
    if (losses.length === 0) tally.whole++;
    else if (written) tally.part++;
    else tally.nothing++;
    if (losses.length > 0 && component !== 'Data.db' && component !== 'CompressionInfo.db') {
      // the data is sound: all of it must be kept, whatever became of the rest
      say(`${losses.length} losses, though the data is sound: ${JSON.stringify(losses[0]!.cause)}`);
    }
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    tally.refused++;
    if (!NEEDED.includes(component)) say(`refused: ${error.message}`);
  }
}
