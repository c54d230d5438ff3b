import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // These need a real Cassandra: npm run test:cassandra.
    exclude: ['test/oracle/**', 'node_modules/**'],
    reporters: ['./test/reporter.ts'],
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
