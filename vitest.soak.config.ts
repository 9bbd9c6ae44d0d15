/** vitest.soak.config: the long searches and endurance tests of `npm run soak`; no time limit worth the name. */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{src,policies,workloads,scripts}/**/*.soak.ts'],
    passWithNoTests: true,
    testTimeout: 12 * 3_600_000,
    hookTimeout: 600_000,
    sequence: { shuffle: false, concurrent: false },
    retry: 0,
    env: { TZ: 'UTC', NO_COLOR: '1' },
    fileParallelism: false,
  },
})
