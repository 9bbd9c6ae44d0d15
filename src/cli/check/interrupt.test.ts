/** interrupt.test: a search that is stopped, by a signal or by its memory, says what it covered. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const MAIN = fileURLToPath(new URL('../../../dist/src/cli/main.js', import.meta.url))

let home: string
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'cowbench check '))
  // Nothing tells it from mm-id, so that a search for a difference goes on.
  writeFileSync(
    join(home, 'same.ts'),
    `import { definePolicy, hooksOf } from 'cowbench'
     export default definePolicy({
       name: 'same', summary: '', era: '', kernel: '6.18', hooks: () => hooksOf('mm-id'),
     })`,
  )
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Sends the signal a while after the first line of coverage was printed. */
function interrupted(
  words: readonly string[],
  signal: NodeJS.Signals = 'SIGINT',
  seconds = 1,
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [MAIN, 'check', ...words], { cwd: home })
    let [out, err] = ['', '']
    child.stdout.on('data', (text: Buffer) => {
      if (out === '') setTimeout(() => child.kill(signal), 1000 * seconds)
      out += text
    })
    child.stderr.on('data', (text: Buffer) => {
      err += text
    })
    child.on('close', (code) => resolve({ code, out, err }))
  })
}

const UNION = /^# union: nothing found to depth \d, interrupted on the way to 8: [\d,]+ states, /m

test.each(['1', '2'])('Ctrl-C with --jobs %s: each model says how far it came', async (jobs) => {
  const words = ['mm-id', '--depth', '10', '--model', 'race,union', '--jobs', jobs]
  const { code, out, err } = await interrupted(words)
  expect(code).toBe(130)
  expect(out).toMatch(/^# race: nothing found to depth 16: 3,759 states/)
  expect(out).toMatch(UNION)
  expect(err).toMatch(/^interrupted$/m)
})

test('what was not begun is named', async () => {
  const words = ['mm-id', '--depth', '10', '--model', 'fork-pin,thp,race,union', '--jobs', '1']
  const { code, out, err } = await interrupted(words, 'SIGTERM')
  expect(code).toBe(143)
  expect(out).toMatch(/^# fork-pin: .*\n# thp: nothing found to depth \d, interrupted .*\n$/)
  expect(err).toMatch(/^interrupted; not searched: race, union$/m)
})

test('Ctrl-C among random sequences tells how many there were', async () => {
  const words = ['mm-id', '--depth', '1', '--model', 'fork-pin', '--time', '600']
  const { code, out } = await interrupted(words, 'SIGINT', 5)
  expect(code).toBe(130)
  expect(out).toMatch(
    /nothing found in [1-9][\d,]*0 random sequences, interrupted after \d+\.\d s\n$/,
  )
})

test('Ctrl-C in a search for a difference', async () => {
  const words = ['./same.ts', '--against', 'mm-id', '--depth', '8', '--model', 'fork-pin,union']
  const { code, out } = await interrupted(words)
  expect(code).toBe(130)
  expect(out).toMatch(/^# union: equal to mm-id to depth \d, interrupted on the way to 6: /m)
})

test('with --json the document says so', async () => {
  const child = spawn(
    process.execPath,
    [MAIN, 'check', 'mm-id', '--depth', '9', '--model', 'union', '--memory', '64', '--json'],
    { cwd: home },
  )
  let out = ''
  child.stdout.on('data', (text: Buffer) => {
    out += text
  })
  // The forecast comes before the search.
  child.stderr.once('data', () => setTimeout(() => child.kill('SIGINT'), 1500))
  const code = await new Promise((resolve) => child.on('close', resolve))
  expect(code).toBe(130)
  const { models } = JSON.parse(out)
  expect(models).toEqual([expect.objectContaining({ model: 'union', stopped: 'interrupted' })])
})

test('a depth that does not fit is told before the search, which ends where it was said to', () => {
  const words = 'check mm-id --depth 8 --model swap --memory 4'
  const { stdout, status } = spawnSync(
    'sh',
    ['-c', `'${process.execPath}' '${MAIN}' ${words} 2>&1`],
    {
      ...{ cwd: home, encoding: 'utf8' },
    },
  )
  expect(status).toBe(0)
  const [told = '', covered = ''] = stdout.split('\n')
  const foretold =
    /^swap: depth 8 would take about \d+ MiB, of which 4 are given \(--memory\): it will end at about depth (\d)$/
  const depth = Number(foretold.exec(told)?.[1])
  const reached =
    /^# swap: nothing found to depth (\d), stopped at (\d) MiB on the way to 8: [\d,]+ states/
  const [, at, mib] = reached.exec(covered) ?? []
  expect(Math.abs(Number(at) - depth)).toBeLessThanOrEqual(1)
  // Arrays double, so that the last step may take it over the mark.
  expect(Number(mib)).toBeLessThanOrEqual(8)
})
