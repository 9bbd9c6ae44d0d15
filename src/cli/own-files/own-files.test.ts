/** own-files.test: policies and workloads of one's own, from the file that `init` writes to the row that fails. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { definePolicy } from '../../policy/api.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const MAIN = join(ROOT, 'dist/src/cli/main.js')

let home: string
beforeAll(() => {
  // A space in the path, and no node_modules anywhere near.
  home = mkdtempSync(join(tmpdir(), 'cowbench own files '))
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}
function cowbench(...words: string[]): Ended {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...words], {
    ...{ cwd: home, encoding: 'utf8' },
  })
  return { code: status, out: stdout, err: stderr }
}
const read = (...path: string[]): string => readFileSync(join(home, ...path), 'utf8')
const write = (file: string, text: string): void => writeFileSync(join(home, file), text)

test.each(['first.ts', 'second.js', 'third.mjs'])(
  'init writes a policy that runs as it is: %s',
  (file) => {
    const name = file.replace(/\..*/, '')
    expect(cowbench('init', 'policy', file)).toMatchObject({ code: 0, out: `${file}\n` })
    expect(read(file)).not.toContain('my-rule')
    const { code, out } = cowbench(
      ...['run', '--policy', `./${file},mm-id`, '--workload', 'vmsplice-child', '--name', name],
      ...['--param', 'rounds=1', '--param', 'pages=64', '--sweep', 'references=1,2'],
    )
    expect(code).toBe(0)
    expect(out).toContain(`${name} (references=2)`)
    const rows = read('results', name, 'rows.csv').trim().split('\n')
    const leaks = rows[0]?.split(',').indexOf('leaks') ?? -1
    // With two references a pipe counts as nobody: each of its pages shows what the owner stores next.
    expect(rows.slice(1).map((row) => [row.split(',')[0], row.split(',')[leaks]])).toEqual([
      [name, '0'],
      [name, '64'],
      ['mm-id', '0'],
    ])
  },
)

test('init writes a workload that runs as it is', () => {
  expect(cowbench('init', 'workload', 'load')).toMatchObject({ code: 0, out: 'load.ts\n' })
  const run = ['run', '--policy', 'mm-id', '--workload', './load.ts', '--param', 'workers=2']
  expect(cowbench(...run).code).toBe(0)
})

test('what is wrong with a trace is told once for all policies, with the line that wrote it', () => {
  write(
    'wrong.ts',
    `import { defineWorkload } from 'cowbench'
export default defineWorkload({ name: 'wrong', summary: '', params: {},
  generate: (t) => t.store(t.spawn(), 8) })`,
  )
  const { code, err } = cowbench('run', '--workload', './wrong.ts', '--policy', 'mapcount,mm-id')
  expect(code).toBe(1)
  expect(err.split('\n').filter((line) => line.startsWith('error:'))).toEqual([
    'error: mapcount on wrong, seed 1: invalid trace: event 1: store: page 8 of process 0 is not mapped; at wrong.ts:3; the same in 1 more cell',
  ])
  expect(cowbench('explain', '--workload', './wrong.ts', '--policy', 'mm-id')).toMatchObject({
    ...{ code: 2, out: '' },
    err: 'cowbench: invalid trace: event 1: store: page 8 of process 0 is not mapped; at wrong.ts:3\n',
  })
})

test('what a file declares is in the lists and in the manifest', () => {
  cowbench('init', 'policy', 'listed')
  const { out } = cowbench('list', 'params', '--policy', './listed.ts', '--json')
  expect(JSON.parse(out)).toContainEqual({
    ...{ name: 'references', of: 'listed', default: '1', range: 'a whole number from 1 to 16' },
    what: 'take a page back up to this page_count',
  })
  const { out: policies } = cowbench('list', 'policies', '--policy', './listed.ts')
  expect(policies).toMatch(
    /\nlisted +an idea +PageAnonExclusive, and a few references are nobody\n$/,
  )
  cowbench('run', '--policy', './listed.ts', '--workload', 'vmsplice-child', '--name', 'listed')
  const { plan } = JSON.parse(read('results', 'listed', 'manifest.json'))
  expect(plan.policies).toEqual([
    {
      ...{ name: 'listed', hash: expect.stringMatching(/^[0-9a-f]{16}$/) },
      params: {
        references: {
          ...{ default: '1', range: 'a whole number from 1 to 16' },
          what: 'take a page back up to this page_count',
        },
      },
    },
  ])
})

/** A file that does as mm-id does, 30 times. */
const failing = (name: string, deed: string): string =>
  `import { definePolicy, hooksOf } from 'cowbench'
   const good = hooksOf('mm-id')
   export default definePolicy({
     name: '${name}', summary: '', era: '', kernel: '6.18',
     hooks: () => {
       let asked = 0
       return { ...good, wpReuse(k, pfn) { if (++asked > 30) ${deed}; return good.wpReuse(k, pfn) } }
     },
   })`

test('a policy that throws, hangs, talks nonsense or lays hands on the kernel costs its own cells', () => {
  const deeds = {
    throws: [`throw new Error('not today')`, 'wpReuse threw: not today'],
    hangs: ['while (true) {}', 'no result within 5 seconds'],
    nonsense: ['return NaN', 'invalid answer of wpReuse: NaN; expected a verdict'],
    mutates: ['k.frames.refs[pfn] = 0', 'wpReuse threw: Cannot read properties of undefined'],
  } as const
  for (const [name, [deed]] of Object.entries(deeds)) write(`${name}.ts`, failing(name, deed))
  const files = Object.keys(deeds).map((name) => `./${name}.ts`)
  const { code, err } = cowbench(
    ...['run', '--policy', ['mm-id', ...files].join(), '--workload', 'snapshot'],
    ...['--param', 'pages=64', '--timeout', '5', '--name', 'bad', '--jobs', '2'],
  )
  expect(code).toBe(1)
  for (const [name, [, line]] of Object.entries(deeds)) {
    const said = err.split('\n').find((text) => text.startsWith(`error: ${name} on snapshot `))
    expect(said).toContain(`seed 1: ${line}`)
    // All four fail at the 31st question, and say how to look at it.
    expect(said).toMatch(
      new RegExp(
        `; at event (\\d+); replay: cowbench explain --policy ./${name}.ts --workload snapshot --param pages=64 --seed 1 --event \\1$`,
      ),
    )
  }
  const events = new Set([...err.matchAll(/--event (\d+)/g)].map(([, event]) => event))
  expect(events.size).toBe(1)
  const rows = read('results', 'bad', 'rows.csv').trim().split('\n').slice(1)
  expect(rows.map((row) => row.split(',').at(-1))).toEqual([
    'ok',
    'error',
    'error',
    'error',
    'error',
  ])
})

test.each<[string, string[], RegExp]>([
  [
    'a file that is there',
    ['init', 'policy', 'there'],
    /^invalid file: there\.ts exists; expected a /,
  ],
  ['an unknown kind', ['init', 'polcy', 'x'], /^unknown kind: polcy; did you mean policy\? /],
  [
    'a name in use',
    ['init', 'policy', 'mapcount'],
    /^invalid policy name: mapcount comes with the /,
  ],
  [
    'a name of words',
    ['init', 'policy', 'My rule'],
    /^invalid policy name: My rule; expected lower /,
  ],
  ['no name', ['init', 'policy'], /^missing argument: expected: cowbench init <kind> <name> /],
  [
    'two files of one name',
    ['run', '--policy', './there.ts,./there.mjs', '--workload', 'snapshot'],
    /^invalid policy: two are called there$/,
  ],
])('refused in one line, with exit code 2: %s', (_, words, line) => {
  cowbench('init', 'policy', 'there')
  cowbench('init', 'policy', 'there.mjs')
  const { code, out, err } = cowbench(...words)
  expect(err).toMatch(/^cowbench: .*\n$/)
  expect(err.slice('cowbench: '.length).trimEnd()).toMatch(line)
  expect([code, out]).toEqual([2, ''])
})

test('the starting policy names every hook there is', () => {
  const text = readFileSync(join(ROOT, 'docs/examples/my-rule.ts'), 'utf8')
  const hooks = definePolicy({
    ...{ name: 'model', summary: '', era: '', kernel: '6.18' },
    hooks: () => ({ wpReuse: () => 0 }),
  }).create({})
  const unnamed = Object.keys(hooks).filter((hook) => !new RegExp(`\\b${hook}\\b`).test(text))
  expect(unnamed).toEqual([])
})

test('the examples are valid under the strictest settings, against what the package declares', () => {
  const names = ['my-rule', 'my-load', 'own-exclusive', 'own-dontcow']
  const files = names.map((name) => join(ROOT, 'docs/examples', `${name}.ts`))
  const program = ts.createProgram(files, {
    ...{ noEmit: true, strict: true, noUnusedLocals: true, skipLibCheck: true, types: [] },
    ...{ noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true },
    ...{
      allowImportingTsExtensions: true,
      target: ts.ScriptTarget.ES2023,
      lib: ['lib.es2023.d.ts'],
    },
    ...{ module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext },
    paths: { cowbench: [join(ROOT, 'dist/src/index.d.ts')] },
  })
  const wrong = ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
    return `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
  })
  expect(wrong).toEqual([])
  // Nothing inside the kernel is declared, so that a policy that reaches in is told so while it is written.
  const declared = readFileSync(join(ROOT, 'dist/src/state/kernel.d.ts'), 'utf8')
  expect(declared).toMatch(/class Kernel \{\n\}/)
})
