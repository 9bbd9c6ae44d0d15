/** answers.test: the text that the build made is what the program says, and it is found by the right words only. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { COMMANDS } from '../commands.ts'
import type { Answers } from './answers.ts'

const dist = (path: string): string =>
  fileURLToPath(new URL(`../../../dist/${path}`, import.meta.url))
const MAIN = dist('src/cli/main.js')
const BUILT = dist('src/cli/answers.json')
if (!existsSync(BUILT)) throw new Error(`missing ${BUILT}: run npm run build first`)
const built = JSON.parse(readFileSync(BUILT, 'utf8')) as Answers

const home = mkdtempSync(join(tmpdir(), 'cowbench-answers-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

function node(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  expect([args.join(' '), status, stderr]).toEqual([args.join(' '), 0, ''])
  return stdout
}

/** What the program says if nothing was made beforehand. */
function said(...words: string[]): string {
  const program = JSON.stringify(dist('src/cli/program.js'))
  return node(
    ...['--input-type=module', '-e'],
    `const { runProgram } = await import(${program}); await runProgram(${JSON.stringify(words)})`,
  )
}

test('the text that the build made is the text that it would make now', () => {
  const now = join(home, 'answers.json')
  node(dist('scripts/answers.js'), now)
  expect(JSON.parse(readFileSync(now, 'utf8'))).toEqual(built)
})

test('every command has its help written down, and every list its text and its JSON', () => {
  const lines = Object.keys(built.texts).map((key) => (JSON.parse(key) as string[]).join(' '))
  expect(lines).toEqual(expect.arrayContaining(['', '--help', '--version', 'trace import --help']))
  for (const name of Object.keys(COMMANDS)) expect(lines).toContain(`${name} --help`)
  for (const name of ['policies', 'workloads', 'metrics', 'params', 'charts', 'kernels'])
    expect(lines).toEqual(expect.arrayContaining([`list ${name}`, `list ${name} --json`]))
})

test.each([
  [[]],
  [['--help']],
  [['--version']],
  [['run', '--help']],
  [['trace', 'info', '-h']],
  [['list', 'params', '--json']],
  [['list', 'policies']],
  [['completion']],
  [['--get-yargs-completions', 'cowbench', 'run', '--policy', 'mapcount,']],
])('the answer is what the program says itself: %j', (words) => {
  const answer = node(MAIN, ...words)
  expect(answer).toBe(said(...words))
  expect(answer.length).toBeGreaterThan(5)
})

test('words that merely look like others when joined are not answered for them', () => {
  const { status, stderr } = spawnSync(process.execPath, [MAIN, 'list policies'], {
    encoding: 'utf8',
  })
  expect([status, stderr]).toEqual([2, expect.stringMatching(/^cowbench: unknown command: list /)])
})

test('the completion script is that of the shell that asks', () => {
  const scriptFor = (shell: string): string =>
    spawnSync(process.execPath, [MAIN, 'completion'], {
      ...{ encoding: 'utf8', env: { SHELL: shell } },
    }).stdout
  expect(scriptFor('/usr/bin/zsh')).toContain('#compdef cowbench')
  expect(scriptFor('/bin/bash')).toContain('complete -o bashdefault')
  expect(scriptFor('')).toBe(scriptFor('/bin/bash'))
})

test('or of the one that is named; there is none for others', () => {
  const env = process.env
  process.env = { ...env, SHELL: '/bin/bash' }
  try {
    expect(node(MAIN, 'completion', 'zsh')).toBe(said('completion', 'zsh'))
    expect(node(MAIN, 'completion', 'zsh')).toContain('#compdef cowbench')
    process.env['SHELL'] = '/usr/bin/zsh'
    expect(node(MAIN, 'completion', 'bash')).toContain('complete -o bashdefault')
  } finally {
    process.env = env
  }
  const fish = spawnSync(process.execPath, [MAIN, 'completion', 'fish'], { encoding: 'utf8' })
  expect([fish.status, fish.stdout]).toEqual([2, ''])
  expect(fish.stderr).toMatch(/^cowbench: unknown shell: fish; .*available: bash, zsh\n$/)
})
