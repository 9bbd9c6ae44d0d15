/** bad-files.test: policies and workloads of one's own that fail while they are asked: told in one line, in every command. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const MAIN = fileURLToPath(new URL('../../../dist/src/cli/main.js', import.meta.url))

let home: string
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'cowbench bad files '))
  for (const [name, deed] of Object.entries(DEEDS)) {
    write(
      `${name}.ts`,
      `import { definePolicy, hooksOf } from 'cowbench'
       export default definePolicy({
         name: '${name}', summary: '', era: '', kernel: '6.18',
         hooks: () => ({ ...hooksOf('mm-id'), wpReuse(k, pfn) { ${deed} } }),
       })`,
    )
  }
  write('shared.cow', 'spawn A\nmmap A buf 1\nwrite A buf[0]\nfork A B\nwrite A buf[0]\n')
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

const DEEDS = {
  throws: `throw new Error('not today\\nor ever')`,
  nonsense: 'return 99 as never',
  mutates: '(k as any).frames = pfn; return 0',
  hangs: 'for (;;) try { JSON.parse("{") } catch {}',
}

/** What is said of each, of the second store of shared.cow: the first that it is asked about. */
const SAID = [
  ['throws', /wpReuse threw: not today/],
  ['nonsense', /invalid answer of wpReuse: 99; expected a verdict/],
  ['mutates', /wpReuse threw: Cannot add property frames, object is not extensible/],
  ['hangs', /(wpReuse gave )?no answer within 2 seconds/],
] as const

function cowbench(...words: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...words], {
    ...{ cwd: home, encoding: 'utf8', timeout: 120_000 },
  })
  return { code: status, out: stdout, err: stderr }
}
const write = (file: string, text: string): void => writeFileSync(join(home, file), text)
const read = (file: string): string => readFileSync(join(home, file), 'utf8')

describe.each(SAID)('a policy that %s', (name, said) => {
  test('ends litmus in one line, with what shows it', () => {
    const words = ['--policy', `mm-id,./${name}.ts`, '--timeout', '2']
    const { code, out, err } = cowbench('litmus', 'shared.cow', ...words)
    expect(code).toBe(2)
    // What came before it was told.
    expect(out).toContain('shared mm-id 5 write A buf[0]: 0=copy')
    expect(err).toMatch(new RegExp(`^cowbench: invalid policy: ${name}: `))
    expect(err).toMatch(said)
    expect(err).toMatch(/; at operation 5 of shared\.cow; replay: cowbench explain .* --event 5\n$/)
  })

  test('ends check in one line', () => {
    const words = ['--timeout', '2', '--model', 'fork-pin']
    const { code, out, err } = cowbench('check', `./${name}.ts`, ...words)
    expect([code, out]).toEqual([2, ''])
    expect(err).toMatch(/^cowbench: invalid policy: .*\n$/)
    expect(err).toMatch(said)
    expect(err).toContain(name === 'hangs' ? 'wpReuse' : ` ${name}: `)
  })

  test('is shown by explain where it fails, with the state that it was asked about', () => {
    const words = ['--policy', `./${name}.ts`, '--timeout', '2', '--event', '5']
    const { code, out } = cowbench('explain', 'shared.cow', ...words)
    expect(code).toBe(0)
    expect(out).toContain('page_count 2 = 2 mappings')
    expect(out).toMatch(new RegExp(`stopped +${said.source}`))
  })
})

test('what shows a failure of litmus again is the same machine, and can be typed as it is', () => {
  mkdirSync(join(home, 'my rules'))
  write('my rules/moody.ts', read('throws.ts').replace("'throws'", "'moody'"))
  write('my rules/shared.cow', read('shared.cow'))
  const { err } = cowbench(
    ...['litmus', 'my rules/shared.cow', '--policy', './my rules/moody.ts'],
    ...['--drained', '--swap', 'disk'],
  )
  const replay =
    "cowbench explain 'my rules/shared.cow' --policy './my rules/moody.ts' --drained --swap disk --event 5"
  expect(err).toContain(`; replay: ${replay}\n`)
  const typed = `cowbench() { '${process.execPath}' '${MAIN}' "$@"; }; ${replay}`
  const { stdout } = spawnSync('sh', ['-c', typed], { cwd: home, encoding: 'utf8' })
  expect(stdout).toMatch(/stopped +wpReuse threw: not today/)
})

test('explain names the event of a trace at which there is no answer', () => {
  const cell = ['--workload', 'snapshot', '--param', 'pages=64', '--timeout', '2']
  const { code, out, err } = cowbench('explain', '--policy', './hangs.ts', ...cell)
  expect([code, out]).toEqual([2, ''])
  const [, event = ''] = /no answer at event (\d+); see --event \1\n$/.exec(err) ?? []
  const shown = cowbench('explain', '--policy', './hangs.ts', ...cell, '--event', event)
  expect(shown.out).toMatch(/stopped +no answer within 2 seconds/)
  // The event before it is one like any other.
  const before = cowbench(
    ...['explain', '--policy', './hangs.ts', ...cell],
    ...['--event', String(Number(event) - 1)],
  )
  expect(before.out).not.toContain('stopped')
})

test('hooks that never come back are told when the file is loaded', () => {
  write(
    'stuck.ts',
    `import { definePolicy } from 'cowbench'
     export default definePolicy({
       name: 'stuck', summary: '', era: '', kernel: '6.18', hooks: () => { for (;;); },
     })`,
  )
  const { code, err } = cowbench('check', './stuck.ts')
  expect(code).toBe(2)
  expect(err).toMatch(/^cowbench: invalid policy file: .*stuck\.ts: no hooks within 5 seconds\n$/)
})

test('a workload that never ends costs its own cells', () => {
  write(
    'endless.ts',
    `import { defineWorkload } from 'cowbench'
     export default defineWorkload({
       name: 'endless', summary: '', params: {}, generate() { for (;;); },
     })`,
  )
  const { code, err } = cowbench(
    ...['run', '--policy', 'mm-id', '--workload', './endless.ts,vmsplice-child'],
    ...['--param', 'pages=64', '--param', 'rounds=1', '--timeout', '2', '--name', 'endless'],
  )
  expect(code).toBe(1)
  expect(err).toMatch(/^error: mm-id on endless \(.*\), seed 1: no trace within 2 seconds$/m)
  expect(err).toContain('2 rows in')
})

test('trace info ends one that never ends in one line, whether it writes events or not', () => {
  for (const deed of [
    'for (;;);',
    'const mm = t.spawn(); t.mmap(mm, 0, 4, 0, 3); for (;;) t.store(mm, 0)',
  ]) {
    write(
      'forever.ts',
      `import { defineWorkload } from 'cowbench'
       export default defineWorkload({
         name: 'forever', summary: '', params: {}, generate(t) { ${deed} },
       })`,
    )
    expect(cowbench('trace', 'info', '--workload', './forever.ts', '--timeout', '2')).toEqual({
      ...{ code: 2, out: '' },
      err: 'cowbench: invalid workload: forever: no trace within 2 seconds; see --timeout\n',
    })
  }
})

test.each([
  ['--policy', 'mm-id'],
  ['--diff', 'mm-id,page-count'],
])('explain ends one that never ends in one line: %s %s', (...words) => {
  write(
    'ceaseless.ts',
    `import { defineWorkload } from 'cowbench'
     export default defineWorkload({
       name: 'ceaseless', summary: '', params: {}, generate() { for (;;); },
     })`,
  )
  const cell = ['--workload', './ceaseless.ts', '--timeout', '2']
  expect(cowbench('explain', ...words, ...cell)).toEqual({
    ...{ code: 2, out: '' },
    err: 'cowbench: invalid workload: ceaseless: no trace within 2 seconds; see --timeout\n',
  })
})
