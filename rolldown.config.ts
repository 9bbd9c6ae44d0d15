/**
 * rolldown.config: how the program is built. What decides a row (policies, mechanism, oracle, workloads) becomes one
 * module, and its exported constants are written out as numbers: V8 loads a constant that is imported, checks it and
 * takes its tag off wherever it is used, and constants are what the hot paths consist of. Private members become plain
 * ones there (scripts/plain-members.ts). The rest is split by what is loaded together, so that a command loads a handful
 * of modules.
 */
import { chmodSync } from 'node:fs'
import { relative } from 'node:path'
import { defineConfig, type Plugin } from 'rolldown'
import { plainMembers } from './scripts/plain-members.ts'
import { DECIDES } from './src/load/package.ts'

const MODEL = 'model'

/** Whatever is started, imported or read by its path. The rest may go wherever it is used. */
const ENTRIES = [
  'src/cli/main',
  'src/cli/program',
  'src/index',
  'src/plug-in',
  'src/worker',
  'src/check/thread',
  'scripts/mutate/thread',
  'src/stream/ring',
  'scripts/answers',
  'scripts/bench',
  'scripts/bench/sample',
  'scripts/bench/policies',
]

/** npx makes the program executable when it first sees it, and fails once a build has replaced it. */
const executable: Plugin = {
  name: 'executable',
  writeBundle: () => chmodSync('dist/src/cli/main.js', 0o755),
}

export default defineConfig({
  input: Object.fromEntries(ENTRIES.map((entry) => [entry, `${entry}.ts`])),
  platform: 'node',
  tsconfig: 'tsconfig.json',
  // Packages are loaded from node_modules.
  external: /^[^./]/,
  plugins: [plainMembers(MODEL), executable],
  optimization: { inlineConst: { mode: 'all', pass: 3 } },
  output: {
    dir: 'dist',
    cleanDir: true,
    sourcemap: true,
    entryFileNames: '[name].js',
    // As deep in dist as most sources are in the repository: paths relative to a module stay what they were. (Those of
    // src/cli/*/ know that they are one deeper.)
    chunkFileNames: 'src/chunks/[name].js',
    codeSplitting: {
      groups: [{ name: MODEL, test: (path) => DECIDES.test(relative(import.meta.dirname, path)) }],
    },
  },
})
