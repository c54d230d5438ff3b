/** Salvage of damaged fixtures. */
import { describe, expect, test } from 'vitest';
import { crc32 } from '../../../src/bytes/crc32.js';
import { repairByte } from '../../../src/engine/salvage/byte-repair.js';
import { parseDescriptor } from '../../../src/sstable/descriptor.js';
import { fixtureSSTables } from '../../fixtures.js';
import { campaign, fromDisk, type Patient, worse } from './campaign.js';
import { inSmallPieces } from './judge.js';

const seed = Number(process.env.LSMCTL_SEED ?? 8);
const TABLES =
  /\/(wide|ranges|ranges_down|statics|c_none|c_lz4_4k|counters|collections|many|composite_keys|orders_by_id|wide_text)-/;
const FILES = fixtureSSTables().filter(({ name }) => TABLES.test(name));
const FLIPS = Number(process.env.LSMCTL_FLIPS ?? 1);

/** Each fixture as it is, and in small pieces, of which damage takes but some. */
async function patientsOf(files: typeof FILES): Promise<Patient[]> {
  const patients: Patient[] = files.map(({ file }) => fromDisk(file));
  for (const [i, { name, file }] of files.entries()) {
    const chunkLength = i % 3 === 0 ? 0 : 1024;
    const pieces = await inSmallPieces(parseDescriptor(file).descriptor, chunkLength);
    patients.push({ name: `${name} in pieces of ${chunkLength}`, ...pieces });
  }
  return patients;
}

const some = (every: number) => FILES.filter((_, i) => i % every === seed % every);

test(`one component is damaged: what is kept is unchanged, what is lost is told (LSMCTL_SEED=${seed})`, {
  timeout: 900_000,
}, async () => {
  const { wrong, ...counts } = await campaign(await patientsOf(some(14)), FLIPS, seed);
  console.log(JSON.stringify(counts));
  expect(wrong.slice(0, 20)).toEqual([]);
  expect(counts.runs).toBeGreaterThan(200);
  expect(counts.part).toBeGreaterThan(0);
  expect(counts.whole).toBeGreaterThan(counts.runs / 3);
});

test(`data and index are damaged (LSMCTL_SEED=${seed})`, { timeout: 900_000 }, async () => {
  const pieces = (await patientsOf(some(9))).filter(({ name }) => name.endsWith('1024'));
  const { wrong, ...counts } = await worse(pieces, 6 * FLIPS, seed);
  console.log(JSON.stringify(counts));
  expect(wrong.slice(0, 20)).toEqual([]);
  expect(counts.part).toBeGreaterThan(counts.runs / 4);
});

describe('a wrong byte is found by the checksum', () => {
  const bytes = Uint8Array.from({ length: 600 }, (_, i) => (i * 73) & 0xff);
  const checksum = crc32(bytes);

  test('anywhere', () => {
    for (const offset of [0, 1, 299, 598, 599]) {
      const bad = bytes.slice();
      bad[offset]! ^= 0x5a;
      expect(repairByte(bad, checksum)).toEqual({ offset, value: bytes[offset] });
    }
  });

  test('or it is the checksum that is wrong, or nothing is', () => {
    expect(repairByte(bytes, checksum)).toBe('sound');
    expect(repairByte(bytes, (checksum ^ 0x00410000) >>> 0)).toBe('checksum');
  });

  test('two of them are not put right', () => {
    const bad = bytes.slice();
    bad[10]! ^= 1;
    bad[400]! ^= 0x80;
    expect(repairByte(bad, checksum)).toBeUndefined();
  });
});
