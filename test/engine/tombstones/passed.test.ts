/** Partitions that a scan passes over without a merge: what is counted and judged is what their text says, by ranges of tokens too. */
import { expect, it } from 'vitest';
import { readCandidate } from '../../../src/engine/compaction/read-candidate.js';
import { compactionParams } from '../../../src/engine/strategies/options.js';
import { loneJudge } from '../../../src/engine/tombstones/judge.js';
import { addScans, type ScanResult, scanTable, TableScan } from '../../../src/engine/tombstones/table-scan.js';
import type { TokenRange } from '../../../src/sstable/partitioner.js';
import { sequence16 } from '../../sequence.js';
import { type Made, TEXT, TestTable } from '../merge/build.js';
import { countText, GC_BEFORE, NOW, readText } from './random-table.js';

const KEYS = 120;
const ROWS = 3;

/** Mostly rows as an INSERT writes them, short and long, few and many, and everything else between. */
function linesOf(below: (n: number) => number): string[] {
  const at = below(8);
  const value = 'x'.repeat([0, 1, 3, 70, 200, 20_000][below(6)]!);
  const plain = (place: string) => `${place}: @${at} v=${value}@${at} w=y@${at}`;
  const many = Array.from({ length: 1 + below(24) }, (_, i) => plain(`r${String(i).padStart(2, '0')}`));
  const other = [
    `z: @${at} v=x@${at + 1} w=y@${at}`,
    `z: @${at} v=x@${at}`,
    `z: v=x@${at} w=y@${at}`,
    `z: @${at}+50=950 v=x@${at} w=y@${at}`,
    `z: @${at} v-@${at}/890 w=y@${at}`,
    `z: @${at} v=x@${at}+50=960 w=y@${at}`,
    `z: -${at}/950`,
    `'': @${at} v=x@${at} w=y@${at}`,
  ];
  const kind = below(10);
  if (kind < 6) return many;
  if (kind === 6) return [`deletion ${at}/950`, ...many];
  if (kind === 7) return [...many, `[y ${at}/950`, `yy] ${at}/950`];
  return kind === 8 ? [...many, other[below(7)]!] : [other[7]!, ...many];
}

function shown({ reads, groups }: ScanResult): object {
  const tallyText = ({ counts, oldestSeconds, newestSeconds }: ScanResult['reads']['tally']) => `${counts.join()} ${oldestSeconds} ${newestSeconds}`; // biome-ignore format: one line
  const top = reads.top.map(({ key, reads: own, tally }) => [Buffer.from(key).toString(), own, tallyText(tally)]);
  const judged = groups.map((list) => list.map(({ verdict, by, tally }) => [verdict, by, tallyText(tally)]));
  return { ...reads, tally: tallyText(reads.tally), top, judged };
}

it('counts and judges what their text says', async () => {
  let passed = 0;
  for (let seed = 1; seed <= 6; seed++) {
    const next = sequence16(seed);
    const below = (n: number) => next() % n;
    const table = new TestTable({ clustering: [TEXT], regulars: { v: TEXT, w: TEXT } }, seed % 2 === 0 ? 'oa' : 'da'); // biome-ignore format: one line
    const parts: Made[] = Array.from({ length: 1 + (seed % 3) }, () =>
      table.make(Object.fromEntries(Array.from({ length: KEYS }, () => [`k${below(KEYS * 2)}`, linesOf(below)]))),
    );
    const sstables = parts.map(({ descriptor }) => readCandidate(table.output, descriptor));
    const setup = () => {
      const common = { storage: table.output, definition: undefined, params: compactionParams({ class: 'SizeTieredCompactionStrategy' }), nowSeconds: NOW, gcGraceSeconds: NOW - GC_BEFORE, isStrict: false }; // biome-ignore format: one line
      const judges = sstables.map((one) => loneJudge({ ...common, inputs: [one], others: [] }).purger);
      return { ...common, sstables, rows: ROWS, top: 1000, warn: 1, fail: 3, judges };
    };
    const whole = await scanTable(setup());
    const { contents } = await table.merge(parts, { nowSeconds: NOW, gcBeforeSeconds: GC_BEFORE });
    const expected = Object.values(contents).map((lines) => readText(lines, ROWS));
    for (const shape of ['whole', 'first', 'last'] as const) {
      const sum = expected.reduce((count, one) => count + one[shape], 0);
      expect(whole.reads.reads[shape], `seed ${seed}`).toBe(sum);
    }
    const keys = new Set<string>();
    for (const [i, part] of parts.entries()) {
      const own = await table.read(part);
      for (const key of Object.keys(own)) keys.add(key);
      const held = Object.values(countText(own)).reduce((sum, count) => sum + count, 0);
      expect(
        whole.groups[i]!.reduce((sum, { tally }) => sum + tally.total, 0),
        `seed ${seed}`,
      ).toBe(held);
    }
    expect(whole.reads.partitions, `seed ${seed}`).toBe(keys.size);
    passed += whole.reads.partitions - whole.reads.withTombstones;
    const cut = { kind: 'long', hi: below(0x7fff) << 8, lo: below(0xffff) } as const;
    const ranges: TokenRange[] = [{ to: { token: cut, inclusive: true } }, { from: { token: cut, inclusive: false } }];
    const pieces: ScanResult[] = [];
    for (const range of ranges) {
      const scan = await TableScan.open(setup());
      scan.scan(range);
      pieces.push(scan.result);
      scan.close();
    }
    expect(shown(addScans(pieces, 1000)), `seed ${seed}`).toEqual(shown(whole));
  }
  expect(passed).toBeGreaterThan(250);
});
