/** guard.test: files of one's own that end the program, or throw when nobody waits: told, and the others go on. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const MAIN = fileURLToPath(new URL('../../../dist/src/cli/main.js', import.meta.url))

let home: string
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'cowbench guard '))
  policy('exits', 'process.exit(0)', '')
  policy('asked', '', 'process.exit(0)')
  policy('by-name', `import { exit } from 'node:process'`, 'exit(0)')
  policy('talks', `console.log('loaded')`, `console.log('asked')`)
  policy('late', `setTimeout(() => { throw new Error('late') }, 0)`, '')
  policy('never', 'await new Promise(() => {})', '')
  write('shared.cow', 'spawn A\nmmap A buf 1\nwrite A buf[0]\nfork A B\nwrite A buf[0]\n')
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

/** A policy that does as mm-id does, with something at the top of its file and something in wpReuse. */
function policy(name: string, top: string, deed: string): void {
  write(
    `${name}.ts`,
    `import { definePolicy, hooksOf } from 'cowbench'
     ${top}
     const good = hooksOf('mm-id')
     export default definePolicy({
       name: '${name}', summary: '', era: '', kernel: '6.18',
       hooks: () => ({ ...good, wpReuse(k, pfn) { ${deed}; return good.wpReuse(k, pfn) } }),
     })`,
  )
}
function write(file: string, text: string): void {
  writeFileSync(join(home, file), text)
}
function cowbench(...words: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...words], {
    ...{ cwd: home, encoding: 'utf8', timeout: 60_000 },
  })
  return { code: status, out: stdout, err: stderr }
}
const SMALL = ['--workload', 'fork-exec', '--param', 'pages=64', '--param', 'commands=2']
/** The last column of rows.csv, by policy. */
function statuses(name: string): Record<string, string> {
  const rows = readFileSync(join(home, 'results', name, 'rows.csv'), 'utf8')
    .trim()
    .split('\n')
  const cells = rows.slice(1).map((row) => row.split(','))
  return Object.fromEntries(cells.map((row) => [row[0], row.at(-1)]))
}

const COMMANDS: readonly (readonly [string, (file: string) => string[]])[] = [
  ['run', (file) => ['run', '--policy', `mm-id,${file}`, ...SMALL]],
  ['litmus', (file) => ['litmus', 'shared.cow', '--policy', file]],
  ['explain', (file) => ['explain', 'shared.cow', '--policy', file]],
  ['check', (file) => ['check', file, '--model', 'fork-pin']],
]

describe.each(COMMANDS)('%s', (_, words) => {
  test('names the file that calls process.exit when it is loaded', () => {
    const { code, out, err } = cowbench(...words('./exits.ts'))
    const file = join(home, 'exits.ts')
    expect([code, out]).toEqual([2, ''])
    expect(err).toBe(`cowbench: invalid policy file: ${file}: process.exit(0) is refused\n`)
  })

  test('names the file that never comes to its end', () => {
    const { code, out, err } = cowbench(...words('./never.ts'))
    const file = join(home, 'never.ts')
    expect([code, out]).toEqual([2, ''])
    const what = 'the program ended before the command did, by one of'
    expect(err).toContain(`cowbench: invalid policy or workload file: ${what} ${file}\n`)
  })
})

test.each(['asked', 'by-name'])('an answer that is process.exit is no answer: %s', (name) => {
  const said = `${name}: wpReuse threw: process.exit(0) is refused`
  const litmus = cowbench('litmus', 'shared.cow', '--policy', `./${name}.ts`)
  expect([litmus.code, litmus.err]).toEqual([2, expect.stringContaining(said)])
  const check = cowbench('check', `./${name}.ts`, '--model', 'fork-pin')
  expect([check.code, check.err]).toEqual([2, expect.stringContaining(`invalid policy: ${said}`)])
  const explain = cowbench('explain', 'shared.cow', '--policy', `./${name}.ts`)
  expect(explain.out).toContain('stopped    wpReuse threw: process.exit(0) is refused')
})

test('what a policy prints goes to stderr, not between the results', () => {
  const litmus = cowbench('litmus', 'shared.cow', '--policy', './talks.ts')
  expect(litmus.out).not.toMatch(/loaded|asked/)
  expect(litmus.err).toMatch(/^loaded\nasked\n/)
  const run = cowbench('run', '--policy', './talks.ts', ...SMALL, '--name', 'talks', '--json')
  expect(run.out.split('\n').filter((line) => !line.startsWith('{'))).toEqual([''])
  expect(run.err).toMatch(/^asked$/m)
})

test('it costs a run the cells of that policy and no others', () => {
  const words = ['run', '--policy', 'mm-id,./asked.ts', ...SMALL, '--name', 'asked']
  const { code, err } = cowbench(...words)
  expect(code).toBe(1)
  expect(err).toMatch(
    /^error: asked on .*: wpReuse threw: process\.exit\(0\) is refused; at event /m,
  )
  expect(statuses('asked')).toEqual({ 'mm-id': 'ok', asked: 'error' })
})

test('an error that nobody waits for is told once, and spoils the exit code', () => {
  const line = `cowbench: invalid policy file: ${join(home, 'late.ts')}: late\n`
  const { code, out, err } = cowbench('litmus', 'shared.cow', '--policy', './late.ts')
  expect(code).toBe(2)
  expect(out).toContain('shared late 5 write A buf[0]: 0=copy\n')
  expect(err.split(line).length).toBe(2)
})

test('and it does not take the other policies of a run along', () => {
  const words = ['run', '--policy', 'mm-id,./late.ts', ...SMALL, '--name', 'late']
  const { code, err } = cowbench(...words)
  // Its own cell fails or not: the error may come before or after.
  expect([1, 2]).toContain(code)
  expect(err).toContain(`invalid policy file: ${join(home, 'late.ts')}: late\n`)
  expect(statuses('late')['mm-id']).toBe('ok')
  expect(Object.keys(statuses('late'))).toEqual(['mm-id', 'late'])
})
