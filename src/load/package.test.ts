/** package.test: the hash of the code changes with what decides a row, and with nothing else. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { codeHash, packageRoot, packageVersion } from './package.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cowbench-code-'))
  for (const file of [
    'policies/a.js',
    'workloads/b.js',
    'src/sim/c.js',
    'src/run.js',
    'src/cli/d.js',
  ])
    write(file, file)
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function write(file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true })
  writeFileSync(join(root, file), text)
}

test.each([
  ['policies/a.js', true],
  ['workloads/b.js', true],
  ['src/sim/c.js', true],
  ['src/sim/new.js', true],
  ['src/run.js', true],
  ['src/cli/d.js', false],
  ['src/report/charts.js', false],
  ['src/sim/c.d.ts', false],
  ['src/sim/c.test.ts', false],
  ['workloads/litmus/x.cow', false],
])('a change of %s changes the hash: %s', (file, changes) => {
  const before = codeHash(root)
  expect(before).toMatch(/^[0-9a-f]{16}$/)
  write(file, 'something else')
  expect(codeHash(root) !== before).toBe(changes)
})

test('this very program has a root with its package.json, and a version', () => {
  expect(existsSync(join(packageRoot(), 'package.json'))).toBe(true)
  expect(packageVersion()).toMatch(/^\d+\.\d+\.\d+/)
  expect(codeHash()).toBe(codeHash())
})
