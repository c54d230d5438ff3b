import { defineConfig } from 'vitest/config';

/** `npm run test:cassandra`: what real Cassandra makes of lsmctl's output, and lsmctl of Cassandra's. Nodes take memory: one file at a time. */
export default defineConfig({
  test: {
    include: ['test/oracle/**/*.test.ts'],
    reporters: ['./test/reporter.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 900_000,
  },
});
