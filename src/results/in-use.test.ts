/** in-use.test: two processes that write to one results directory would each spoil what the other has. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { claimDirectory } from './directory.ts'
import { expectUnused, giveBack, isMark, takeForUse } from './in-use.ts'

const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))

let home: string
let dir: string
let run: ChildProcess | undefined
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'cowbench in use '))
  dir = join(home, 'results', 'mine')
})
afterEach(() => {
  run?.kill('SIGKILL')
  run = undefined
  rmSync(home, { recursive: true, force: true })
})

const marks = (): string[] => readdirSync(dir).filter(isMark)

/** A run that takes a minute, as soon as it has begun. */
async function running(): Promise<ChildProcess> {
  const cell = ['--policy', 'mm-id', '--workload', 'zygote', '--seeds', '200']
  const words = ['run', ...cell, '--name', 'mine', '--resume', '--jobs', '1']
  run = spawn(process.execPath, [MAIN, ...words], { cwd: home, stdio: 'ignore' })
  const begun = (): boolean => existsSync(join(dir, 'cells.ndjson')) && marks().length === 1
  await expect.poll(begun, { timeout: 20_000 }).toBe(true)
  return run
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exit = new Promise((resolve) => child.once('exit', resolve))
  child.kill(signal)
  await exit
}

test('while a run writes to a directory nobody else may, whatever it is asked to do with it', async () => {
  const { pid } = await running()
  const refused = `invalid results directory: ${dir} is in use by process ${pid}; expected its end, or another --name`
  for (const mode of ['refuse', 'resume', 'overwrite'] as const) {
    expect(() => claimDirectory(dir, mode)).toThrow(new Error(refused))
  }
  expect(existsSync(join(dir, 'cells.ndjson'))).toBe(true)
})

test('an interrupted run leaves its directory to the next one, and so does one that was killed', async () => {
  await ended(await running(), 'SIGINT')
  expect(marks()).toEqual([])
  await ended(await running(), 'SIGKILL')
  expect(marks().length).toBe(1)
  claimDirectory(dir, 'resume')
  expect(marks()).toEqual([expect.stringMatching(`^\\.in-use-by-${process.pid}-`)])
})

test("a mark that names no process that lives is in nobody's way: its number may be another one's by now", () => {
  for (const stale of ['.in-use-by-1-1-another-boot', '.in-use-by-99999999-1-x', '.in-use-by-']) {
    writeFileSync(join(home, stale), '')
  }
  takeForUse(home)
  expect(readdirSync(home)).toEqual([expect.stringMatching(`^\\.in-use-by-${process.pid}-`)])
  expectUnused(home)
  giveBack(home)
  expect(readdirSync(home)).toEqual([])
})
