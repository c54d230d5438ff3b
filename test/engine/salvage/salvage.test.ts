/** Salvage of damaged fixtures. */
import { expect, test } from 'vitest';
import { parseDescriptor } from '../../../src/sstable/descriptor.js';
import { fixtureSSTables } from '../../fixtures.js';
import { campaign, fromDisk, type Patient } from './campaign.js';
import { inSmallPieces } from './judge.js';

const seed = Number(process.env.LSMCTL_SEED ?? 8);
const TABLES =
  /\/(wide|ranges|ranges_down|statics|c_none|c_lz4_4k|counters|collections|many|composite_keys|orders_by_id|wide_text)-/;
const FILES = fixtureSSTables().filter(({ name }) => TABLES.test(name));
const FLIPS = Number(process.env.LSMCTL_FLIPS ?? 1);

test(`whatever is damaged, nothing is invented and what is lost is told (LSMCTL_SEED=${seed})`, {
  timeout: 900_000,
}, async () => {
  const some = FILES.filter((_, i) => i % 7 === seed % 7);
  const patients: Patient[] = some.map(({ file }) => fromDisk(file));
  for (const [i, { name, file }] of some.entries()) {
    for (const chunkLength of [i % 3 === 0 ? 0 : 1024]) {
      const pieces = await inSmallPieces(parseDescriptor(file).descriptor, chunkLength);
      patients.push({ name: `${name} in pieces of ${chunkLength}`, ...pieces });
    }
  }
  const { wrong, ...counts } = await campaign(patients, FLIPS, seed);
  console.log(JSON.stringify({ patients: patients.length, ...counts }));
  expect(wrong.slice(0, 20)).toEqual([]);
  expect(wrong.length).toBe(0);
  expect(counts.part).toBeGreaterThan(10);
});
