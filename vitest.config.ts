/** vitest.config: the tests of `npm test`, each beside its subject; COWBENCH_TEST_JSON names a file for the totals. */
import { defineConfig } from 'vitest/config'

const json = process.env['COWBENCH_TEST_JSON']

export default defineConfig({
  test: {
    include: ['{src,policies,workloads,scripts}/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Same order, same clock zone, no colour codes in captured output: a failure must repeat.
    sequence: { shuffle: false, concurrent: false },
    retry: 0,
    env: { TZ: 'UTC', NO_COLOR: '1' },
    reporters: json ? ['default', ['json', { outputFile: json }]] : ['default'],
    coverage: {
      provider: 'v8',
      include: ['{src,policies,workloads}/**/*.ts'],
      exclude: ['**/*.test.ts', '**/*.soak.ts', 'src/test/**'],
      reporter: ['text'],
    },
  },
})
