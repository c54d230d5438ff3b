import { expect, it } from 'vitest';
import { progressText } from '../../src/cli/progress.js';

it.each([
  [0, 1 << 30, 0, 'dumping 0 B of 1.00 GiB'],
  [1 << 29, 1 << 30, 2000, 'dumping 512 MiB of 1.00 GiB, 50 %, 256 MiB/s, 2 s left'],
  [1 << 20, 1 << 30, 1000, 'dumping 1.00 MiB of 1.00 GiB, 0 %, 1.00 MiB/s, 17 min 3 s left'],
  [1 << 30, 1 << 30, 1000, 'dumping 1.00 GiB of 1.00 GiB, 100 %, 1.00 GiB/s, 0 s left'],
  [3 << 29, 1 << 30, 1000, 'dumping 1.50 GiB of 1.00 GiB, 100 %, 1.50 GiB/s, 0 s left'],
])('%i of %i bytes in %i ms', (done, total, millis, text) => {
  expect(progressText('dumping', done, total, millis)).toBe(text);
});
