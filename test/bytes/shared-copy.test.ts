import { expect, it } from 'vitest';
import { copyFromShared } from '../../src/bytes/shared-copy.js';

it('copies what `set` copies, wherever both sides lie', () => {
  const shared = new Uint8Array(new SharedArrayBuffer(100_064), 8);
  for (let i = 0; i < shared.length; i++) shared[i] = (i * i) >>> 5;
  for (const length of [0, 1, 7, 8, 9, 4096, 32_768, 32_769, 70_000]) {
    for (let start = 0; start < 9; start++) {
      for (let at = 0; at < 9; at++) {
        const [seen, expected] = [new Uint8Array(70_032), new Uint8Array(70_032)];
        expected.set(shared.subarray(start, start + length), at);
        copyFromShared(shared, start, start + length, seen, at);
        expect(Buffer.compare(seen, expected), `${length} bytes from ${start} to ${at}`).toBe(0);
      }
    }
  }
});

it('takes views that begin anywhere', () => {
  const shared = new Uint8Array(new SharedArrayBuffer(32), 3, 20);
  shared.set(Buffer.from('abcdefghijklmnopqrst'));
  const target = new Uint8Array(new ArrayBuffer(32), 5);
  copyFromShared(shared, 2, 18, target, 1);
  expect(Buffer.from(target).subarray(1, 17).toString()).toBe('cdefghijklmnopqr');
});
