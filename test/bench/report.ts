/** What the benchmarks print, and how many targets were missed. */
import type { Figures } from './measure.js';

let count = 0;

export const missed = (): number => count;

export function show(title: string, figures: readonly Figures[]): void {
  console.log(`\n${title}`);
  console.log(`  ${'command'.padEnd(46)} median s   (least – most)   first byte s   peak MB   output MB`);
  for (const f of figures) {
    const range = `(${f.least.toFixed(2)} – ${f.most.toFixed(2)})`;
    console.log(
      `  ${f.label.slice(0, 46).padEnd(46)} ${f.seconds.toFixed(2).padStart(8)} ${range.padStart(16)} ${f.firstByteSeconds.toFixed(2).padStart(14)} ${f.peakMegabytes.toFixed(0).padStart(9)} ${f.outputMegabytes.toFixed(1).padStart(11)}`,
    );
  }
}

export function target(text: string, seen: number, limit: number, unit: string): void {
  judge(seen <= limit, `${text}: ${seen.toFixed(2)} ${unit} (target: at most ${limit} ${unit})`);
}

export function targetAtLeast(text: string, seen: number, limit: number, unit: string): void {
  judge(seen >= limit, `${text}: ${seen.toFixed(2)} ${unit} (target: at least ${limit} ${unit})`);
}

export function judge(met: boolean, text: string): void {
  if (!met) count++;
  console.log(`  ${met ? 'met   ' : 'MISSED'} ${text}`);
}
