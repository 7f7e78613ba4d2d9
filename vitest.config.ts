import { defineConfig } from 'vitest/config';

const conditions = ['@milestones/source'];

export default defineConfig({
  // Tests run from the sources of every package, never from a stale build.
  resolve: { conditions: [...conditions, 'module', 'node', 'import', 'default'] },
  ssr: {
    resolve: {
      conditions: [...conditions, 'module', 'node', 'import', 'default'],
      externalConditions: [...conditions, 'node', 'import', 'default'],
    },
  },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'scripts/**/*.test.ts'],
    pool: 'forks',
    testTimeout: 30_000,
  },
});
