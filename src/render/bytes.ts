/** Sizes and counts for people: the unit always stands there, and it is a binary one. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

/** Three figures: "999 B", "1.00 KiB", "17.3 MiB", "512 GiB". */
export function bytesText(bytes: number): string {
  let unit = 0;
  let value = Math.abs(bytes);
  // 1023.5 would round to 1024 of the smaller unit.
  while (value >= (unit === 0 ? 1024 : 1023.5) && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${bytes < 0 ? '-' : ''}${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** Digits in threes: "1,234,567". */
export function countText(count: number | bigint): string {
  const text = count.toString();
  return /e|\./.test(text) ? text : text.replace(/\B(?=(\d{3})+$)/g, ',');
}

/** An estimate is never shown like an exact count: "~1,234,567". */
export function estimateText(count: number | bigint): string {
  return `~${countText(typeof count === 'number' ? Math.round(count) : count)}`;
}

/** A share of one in per cent: "0 %", "0.02 %", "12.3 %", "100 %". */
export function shareText(share: number): string {
  const percent = share * 100;
  if (percent === 0 || percent >= 99.95) return `${Math.round(percent)} %`;
  return `${percent >= 1 ? percent.toFixed(1) : percent.toPrecision(percent < 0.01 ? 1 : 2)} %`;
}
