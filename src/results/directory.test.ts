/** directory.test: nothing that a run did not write is ever removed. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { claimDirectory } from './directory.ts'
import { isMark } from './in-use.ts'

let home: string
let dir: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'cowbench-claim-'))
  dir = join(home, 'results', 'mine')
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

/** All but the mark of this process, which has the directory. */
const files = (): string[] => readdirSync(dir).filter((file) => !isMark(file))

function earlierRun(): void {
  mkdirSync(join(dir, 'charts'), { recursive: true })
  for (const file of ['manifest.json', 'rows.csv', 'notes.txt']) writeFileSync(join(dir, file), '')
}

test('a directory that does not exist is made, whatever the mode', () => {
  for (const mode of ['refuse', 'overwrite', 'resume'] as const) {
    claimDirectory(join(dir, mode), mode)
    expect(existsSync(join(dir, mode))).toBe(true)
  }
})

test('an earlier run is kept unless told otherwise', () => {
  earlierRun()
  expect(() => claimDirectory(dir, 'refuse')).toThrow(
    `invalid results directory: ${dir} exists; expected another --name, --overwrite or --resume`,
  )
  claimDirectory(dir, 'resume')
  expect(files().length).toBe(4)
})

test('overwriting removes what a run wrote and nothing else', () => {
  earlierRun()
  claimDirectory(dir, 'overwrite')
  expect(files()).toEqual(['notes.txt'])
})

test('what a run has only begun is one that a run made', () => {
  mkdirSync(dir, { recursive: true })
  for (const file of ['manifest.json.partial', 'rows.csv', 'rows.csv.partial', 'summary.csv']) {
    writeFileSync(join(dir, file), '')
  }
  expect(() => claimDirectory(dir, 'refuse')).toThrow(
    `invalid results directory: ${dir} exists; expected another --name, --overwrite or --resume`,
  )
  claimDirectory(dir, 'resume')
  expect(files().length).toBe(4)
  claimDirectory(dir, 'overwrite')
  expect(files()).toEqual([])
})

test('a directory that no run made is never touched', () => {
  mkdirSync(dir, { recursive: true })
  writeFileSync(join(dir, 'rows.csv'), '')
  for (const mode of ['refuse', 'overwrite', 'resume'] as const) {
    expect(() => claimDirectory(dir, mode)).toThrow(
      `invalid results directory: ${dir}; expected one that run made, or none`,
    )
  }
  expect(files()).toEqual(['rows.csv'])
})

test('a folder that cannot be made is refused in one line', () => {
  writeFileSync(join(home, 'results'), '')
  expect(() => claimDirectory(dir, 'refuse')).toThrow(
    `invalid results directory: ${dir} cannot be made (ENOTDIR)`,
  )
})

test('nor does one where none can be made keep it waiting', () => {
  // On Linux mkdir there fails with ENOENT although /proc exists.
  expect(() => claimDirectory('/proc/cowbench/mine', 'refuse')).toThrow(
    /^invalid results directory: \/proc(\/cowbench)? cannot be made \(E[A-Z]+\)$/,
  )
})

test('a file in its place is refused in one line', () => {
  mkdirSync(join(home, 'results'))
  writeFileSync(dir, '')
  expect(() => claimDirectory(dir, 'overwrite')).toThrow(
    `invalid results directory: ${dir} cannot be read (ENOTDIR)`,
  )
})
