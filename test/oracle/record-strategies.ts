/**
 * `npx vite-node test/oracle/record-strategies.ts -- [MODE...]`: what Cassandra's own strategies pick in some hundred layouts, and which options they
 * refuse, kept in test/golden/strategies for the tests that need no Cassandra. Of each ten layouts nine small ones are kept and one of whatever size.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { OPTION_LINES, UNSAFE_LINES } from '../engine/strategies/option-lines.js';
import { setup, V5 } from './cassandra.js';
import { realPicks, realVerdicts, STRATEGY_MODES, type StrategyMode } from './strategies.js';

/** How many layouts of each are kept, and how many lines a small one has at most. Levels take many SSTables to show anything. */
const RECORDED: Readonly<Record<StrategyMode, { readonly count: number; readonly lines: number }>> = {
  stcs: { count: 300, lines: 8 },
  twcs: { count: 300, lines: 8 },
  lcs: { count: 250, lines: 60 },
  'lcs-rounds': { count: 100, lines: Number.POSITIVE_INFINITY },
  ucs: { count: 300, lines: 30 },
};

function small(text: string, { count, lines }: { readonly count: number; readonly lines: number }): string {
  const layouts = text.split(/^(?=L )/m);
  const kept = layouts.filter((layout, i) => i % 20 === 0 || layout.split('\n').length <= lines);
  if (kept.length < count) throw new Error(`only ${kept.length} layouts are small`);
  return kept.slice(0, count).join('');
}

const golden = fileURLToPath(new URL('../golden/strategies/', import.meta.url));
mkdirSync(golden, { recursive: true });
setup([V5]);
const asked = process.argv.slice(2);
for (const mode of STRATEGY_MODES) {
  if (asked.length > 0 && !asked.includes(mode)) continue;
  const { count } = RECORDED[mode];
  const packed = gzipSync(
    small(realPicks(mode, 1, mode === 'lcs-rounds' ? count : count * 8, 'round'), RECORDED[mode]),
    { level: 9 },
  );
  writeFileSync(`${golden}${mode}.txt.gz`, packed);
  console.log(`${mode}: ${count} layouts, ${packed.length} bytes`);
}
if (asked.length === 0 || asked.includes('options')) {
  writeFileSync(`${golden}options.txt.gz`, gzipSync(realVerdicts(OPTION_LINES, false), { level: 9 }));
  writeFileSync(`${golden}options-unsafe.txt.gz`, gzipSync(realVerdicts(UNSAFE_LINES, true), { level: 9 }));
}
