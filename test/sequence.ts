/** Pseudo-random numbers of 16 bits, easy to repeat in another language: facts that Cassandra's classes gave for them stand in tests. */
export function sequence16(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >>> 8) & 0xffff;
  };
}
