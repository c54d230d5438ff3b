/** Times are UTC and ISO 8601; a time that is only a marker ("never") says so instead. */

/** The furthest that a Date reaches, in milliseconds either way. */
const MAX_DATE_MILLIS = 8.64e15;

/** "2024-06-01T12:00:00Z"; beyond the reach of a Date: "9999999999999 s since 1970". */
export function secondsTimeText(unixSeconds: number): string {
  if (Math.abs(unixSeconds) * 1000 > MAX_DATE_MILLIS) return `${unixSeconds} s since 1970`;
  return new Date(unixSeconds * 1000).toISOString().replace('.000Z', 'Z');
}

/** "2024-06-01T12:00:00.123456Z" of microseconds since 1970, of any int64. Zeros at the end are kept: the unit shows. */
export function microsTimeText(unixMicros: bigint): string {
  const seconds = unixMicros >= 0n ? unixMicros / 1000000n : -((-unixMicros + 999999n) / 1000000n);
  const fraction = unixMicros - seconds * 1000000n;
  if (Math.abs(Number(seconds)) * 1000 > MAX_DATE_MILLIS) return `${unixMicros} µs since 1970`;
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, -5)}.${fraction.toString().padStart(6, '0')}Z`;
}

/** Two units at most: "42 s", "3 min 20 s", "5 h 12 min", "10 d", "2 d 3 h". */
export function durationText(seconds: number): string {
  const whole = Math.round(Math.abs(seconds));
  const sign = seconds < 0 && whole > 0 ? '-' : '';
  const units: readonly [number, string][] = [
    [86400, 'd'],
    [3600, 'h'],
    [60, 'min'],
    [1, 's'],
  ];
  const first = units.findIndex(([size]) => whole >= size);
  if (first < 0) return '0 s';
  const [size, name] = units[first]!;
  const next = units[first + 1];
  const parts = [`${Math.floor(whole / size)} ${name}`];
  if (next && Math.floor((whole % size) / next[0]) > 0)
    parts.push(`${Math.floor((whole % size) / next[0])} ${next[1]}`);
  return sign + parts.join(' ');
}
