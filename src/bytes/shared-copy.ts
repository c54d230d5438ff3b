/**
 * Copies out of shared memory. The engine moves single bytes there, at some 2 GB a second, unless both sides lie alike modulo 8: then words, at 15.
 * So bytes that lie otherwise go through memory of our own.
 */

const STAGE_BYTES = 1 << 15;
const WORD = 8;

let stage: Uint8Array | undefined;

/** `shared[start, end)` to `target[at…]`, which is not shared. */
export function copyFromShared(shared: Uint8Array, start: number, end: number, target: Uint8Array, at: number): void {
  const lead = (shared.byteOffset + start) % WORD;
  if ((target.byteOffset + at) % WORD === lead) {
    target.set(shared.subarray(start, end), at);
    return;
  }
  stage ??= new Uint8Array(STAGE_BYTES + WORD);
  for (let from = start; from < end; from += STAGE_BYTES) {
    const length = Math.min(STAGE_BYTES, end - from);
    stage.set(shared.subarray(from, from + length), lead);
    target.set(stage.subarray(lead, lead + length), at + from - start);
  }
}
