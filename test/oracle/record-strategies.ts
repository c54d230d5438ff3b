/**
 * `npx vite-node test/oracle/record-strategies.ts -- [MODE...]`: what Cassandra's own strategies pick in some hundred layouts, and which options they
 * refuse, kept in test/golden/strategies for the tests that need no Cassandra. Of each ten layouts nine small ones are kept and one of whatever size.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { OPTION_LINES, UNSAFE_LINES } from '../engine/strategies/option-lines.js';
import { setup, V5 } from './cassandra.js';
import { realPicks, realVerdicts, STRATEGY_MODES } from './strategies.js';

const COUNT = 300;
const MOST_LINES = 8;

function small(text: string): string {
  const layouts = text.split(/^(?=L )/m);
  const kept = layouts.filter((layout, i) => i % 20 === 0 || layout.split('\n').length <= MOST_LINES);
  if (kept.length < COUNT) throw new Error(`only ${kept.length} layouts are small`);
  return kept.slice(0, COUNT).join('');
}

const golden = fileURLToPath(new URL('../golden/strategies/', import.meta.url));
mkdirSync(golden, { recursive: true });
setup([V5]);
const asked = process.argv.slice(2);
for (const mode of STRATEGY_MODES) {
  if (asked.length > 0 && !asked.includes(mode)) continue;
  const packed = gzipSync(small(realPicks(mode, 1, COUNT * 8, 'round')), { level: 9 });
  writeFileSync(`${golden}${mode}.txt.gz`, packed);
  console.log(`${mode}: ${COUNT} layouts, ${packed.length} bytes`);
}
if (asked.length === 0 || asked.includes('options')) {
  writeFileSync(`${golden}options.txt.gz`, gzipSync(realVerdicts(OPTION_LINES, false), { level: 9 }));
  writeFileSync(`${golden}options-unsafe.txt.gz`, gzipSync(realVerdicts(UNSAFE_LINES, true), { level: 9 }));
}
