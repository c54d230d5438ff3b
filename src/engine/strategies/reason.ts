/** Words for people in the reasons of strategies. */
import type { Candidate } from './strategy.js';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** "5 SSTables of 48–61 MiB", "1 SSTable of 900 B". */
export function sstablesText(sstables: readonly Candidate[]): string {
  let [least, most] = [Infinity, 0];
  for (const { onDiskBytes } of sstables) {
    least = Math.min(least, onDiskBytes);
    most = Math.max(most, onDiskBytes);
  }
  return `${countOf(sstables.length)} of ${spreadText(least, most)}`;
}

export function countOf(count: number): string {
  return count === 1 ? '1 SSTable' : `${count} SSTables`;
}

/** "are" or "is", as many as there are. */
export function areText(sstables: readonly unknown[]): string {
  return sstables.length === 1 ? 'is' : 'are';
}

/** From one size to another, both to some two figures: "48–61 MiB", "900 KiB–1.2 GiB", "48 MiB". */
export function spreadText(least: number, most: number): string {
  const [low, lowUnit] = sizeText(least);
  const [high, highUnit] = sizeText(most);
  if (lowUnit !== highUnit) return `${low} ${lowUnit}–${high} ${highUnit}`;
  return low === high ? `${low} ${lowUnit}` : `${low}–${high} ${lowUnit}`;
}

/** To some two figures: "48 MiB". */
export function bytesText(bytes: number): string {
  return sizeText(bytes).join(' ');
}

function sizeText(bytes: number): [number: string, unit: string] {
  let unit = 0;
  let value = bytes;
  while (value >= (unit === 0 ? 1024 : 1023.5) && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return [value.toFixed(unit === 0 || value >= 9.95 ? 0 : 1), UNITS[unit]!];
}

/** An estimated share in per cent: "~35 %", "~0.4 %". */
export function shareEstimate(share: number): string {
  const percent = share * 100;
  return `~${percent >= 9.95 || percent === 0 ? percent.toFixed(0) : percent.toPrecision(percent >= 1 ? 2 : 1)} %`;
}

/** A threshold in per cent, as given: "20 %", "12.5 %". */
export function shareExact(share: number): string {
  return `${Number((share * 100).toPrecision(6))} %`;
}

const SPANS = [
  [86_400, 'day'],
  [3600, 'hour'],
  [60, 'minute'],
  [1, 'second'],
] as const;

/** In the largest unit that has a whole number or nearly so: "10 days", "1 hour", "90 minutes". */
export function durationText(seconds: number): string {
  const [size, unit] =
    SPANS.find(([size]) => seconds >= size && (seconds % size === 0 || seconds >= 10 * size)) ?? SPANS[3];
  const count = Math.floor(seconds / size);
  return count === 1 ? `1 ${unit}` : `${count} ${unit}s`;
}
