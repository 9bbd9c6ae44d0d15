/** layers.test: canaries. They plant breaches in a copy of the layout and expect `npm run layers` to fail on them. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, test } from 'vitest'

const HOME = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
const JITI = join(HOME, 'node_modules/jiti/lib/jiti-cli.mjs')

/** A small tree that follows every arrow it uses. */
const CLEAN: Record<string, string> = {
  'package.json': '{ "type": "module" }',
  'src/state/frames.ts': 'export const frames = [0]\n',
  'src/policy/verdict.ts': 'export const REUSE = 0\n',
  'src/policy/api.ts': "export { frames } from '../state/frames.ts'\n",
  'src/trace/ops.ts': 'export const OP_FORK = 1\n',
  'src/sim/machine.ts': [
    "import { frames } from '../state/frames.ts'",
    "import { OP_FORK } from '../trace/ops.ts'",
    '// A comment may speak of Date.now(), and a variable may be called process.',
    'export const step = (process: number) => frames.length + OP_FORK + process + Math.imul(2, 3)',
  ].join('\n'),
  'src/oracle/judge.ts': "export { REUSE } from '../policy/verdict.ts'\n",
  'src/cli/main.ts': "import { step } from '../sim/machine.ts'\nconsole.log(step(Date.now()))\n",
  'src/report/charts.ts': "import { table } from './table.ts'\nexport const chart = table\n",
  'src/report/table.ts': 'export const table = 1\n',
  'policies/mapcount.ts': "export { frames as default } from '../src/policy/api.ts'\n",
  'policies/index.ts': "export { default as mapcount } from './mapcount.ts'\n",
  'workloads/index.ts': 'export const workloads = []\n',
}

/** Breaches, as files that replace or join those of CLEAN, and what the check has to say about each. */
const BREACHES = [
  {
    breach: 'the mechanism imports the oracle',
    file: 'src/sim/fault.ts',
    text: "export { REUSE } from '../oracle/judge.ts'\n",
    says: /^src\/sim\/fault\.ts: imports src\/oracle\/judge\.ts \(src\/sim may import src\/state, /m,
  },
  {
    breach: 'the oracle imports a type of the mechanism',
    file: 'src/oracle/shadow.ts',
    text: "import type { step } from '../sim/machine.ts'\nexport type Step = typeof step\n",
    says: /^src\/oracle\/shadow\.ts: imports src\/sim\/machine\.ts \(src\/oracle may import /m,
  },
  {
    breach: 'a policy imports the mechanism',
    file: 'policies/page-count.ts',
    text: "export * from '../src/sim/machine.ts'\n",
    says: /^policies\/page-count\.ts: imports src\/sim\/machine\.ts \(policies may import src\/policy\/api\)$/m,
  },
  {
    breach: 'a pure layer imports a builtin',
    file: 'src/state/swap.ts',
    text: "export { readFileSync } from 'node:fs'\n",
    says: /^src\/state\/swap\.ts: imports (node:)?fs \(src\/state may import src\/geometry, src\/trace\/by-id\)$/m,
  },
  {
    breach: 'two files import each other',
    file: 'src/report/table.ts',
    text: "export { chart } from './charts.ts'\nexport const table = 1\n",
    says: /^src\/report\/(table|charts)\.ts: imports src\/report\/(table|charts)\.ts \(no cycles\)$/m,
  },
  {
    breach: 'a folder has no layer',
    file: 'src/misc/thing.ts',
    text: "export { frames } from '../state/frames.ts'\n",
    says: /^src\/misc\/thing\.ts: imports .*\(give the new folder /m,
  },
  {
    breach: 'a policy asks the clock',
    file: 'policies/anon-exclusive.ts',
    text: 'export default () => Date.now() % 2\n',
    says: /^policies\/anon-exclusive\.ts:1:22: Date in a pure layer$/m,
  },
  {
    breach: 'a generator rolls its own dice',
    file: 'workloads/mixed.ts',
    text: 'const { random } = Math\nexport default () => random() + Math.random()\n',
    says: /^workloads\/mixed\.ts:1:20: Math, but.*\n.*:2:33: Math\.random in a pure layer$/m,
  },
  {
    breach: 'the mechanism prints, takes a power and a logarithm',
    file: 'src/sim/huge.ts',
    text: 'export const f = (x: number) => console.log(Math.log(x ** 0.5), 2 ** 20)\n',
    says: /huge.*console in a pure layer\n.*Math\.log in a pure layer\n.*:54: \*\* of a variable in a pure layer$/m,
  },
]

function check(tree: Record<string, string>) {
  const root = mkdtempSync(join(tmpdir(), 'cowbench-layers-'))
  try {
    for (const [path, text] of Object.entries(tree)) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), text)
    }
    const args = [JITI, join(HOME, 'scripts/check-layers.ts'), root]
    const run = spawnSync(process.execPath, args, { encoding: 'utf8' })
    return { code: run.status, breaches: run.stderr.trim(), last: run.stdout.trim() }
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

test('a tree that follows the arrows passes, and every file of it was seen', () => {
  // All but src/cli and the two files of src/report are in pure layers.
  expect(check(CLEAN)).toEqual({
    code: 0,
    breaches: '',
    last: 'layers: 12 modules, 9 of them pure, 0 breaches',
  })
})

test('a tree without modules fails: nothing was checked', () => {
  const { code, breaches } = check({ 'src/README.md': '' })
  expect(code).toBe(1)
  expect(breaches).toMatch(/^layers: no modules/)
})

test.each(['the mechanism imports the oracle', 'a policy asks the clock'])(
  'one breach is enough to fail: %s',
  (breach) => {
    const { file, text, says } = BREACHES.find((b) => b.breach === breach)!
    const { code, breaches, last } = check({ ...CLEAN, [file]: text })
    expect(code).toBe(1)
    expect(breaches).toMatch(says)
    expect(last).toMatch(/, 1 breaches$/)
  },
)

let all: ReturnType<typeof check>
beforeAll(() => {
  all = check({ ...CLEAN, ...Object.fromEntries(BREACHES.map(({ file, text }) => [file, text])) })
})

test.each(BREACHES)('a breach is found: $breach', ({ says }) => {
  expect(all.breaches).toMatch(says)
})

test('a test may import anything and print', () => {
  const text = "import { readFileSync } from 'node:fs'\nconsole.log(readFileSync, Date.now())\n"
  expect(check({ ...CLEAN, 'src/sim/fault.test.ts': text })).toMatchObject({ code: 0 })
})
