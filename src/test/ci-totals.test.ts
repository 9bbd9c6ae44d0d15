/** ci-totals.test: the last line of .ci/run, which is read by machines: what failed is counted, whatever it was. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

const home = mkdtempSync(join(tmpdir(), 'cowbench ci '))
afterAll(() => rmSync(home, { recursive: true }))

/** What the script's own function prints, of exit codes of the tests and of the check. */
function lineOf(report: object | undefined, tests: number, check: number): string {
  const file = join(home, 'totals.json')
  writeFileSync(file, report === undefined ? '' : JSON.stringify(report))
  const script = `totals=$1; . <(sed -n '/^count() {/,/^}/p' .ci/run); count ${tests} ${check}`
  return spawnSync('bash', ['-c', script, 'bash', file], { encoding: 'utf8' }).stdout
}

const GREEN = { numPassedTests: 7, numFailedTests: 0, testResults: [] }
const BROKEN = { status: 'failed', assertionResults: [] }

test('a failed check is one more that failed', () => {
  expect(lineOf(GREEN, 0, 0)).toBe('7 passed, 0 failed\n')
  expect(lineOf(GREEN, 0, 1)).toBe('7 passed, 1 failed\n')
  expect(lineOf({ ...GREEN, numFailedTests: 2 }, 1, 124)).toBe('7 passed, 3 failed\n')
})

test('so is a file that did not load, an exit code without a failed test, and no report', () => {
  expect(lineOf({ ...GREEN, testResults: [BROKEN] }, 1, 0)).toBe('7 passed, 1 failed\n')
  expect(lineOf(GREEN, 1, 0)).toBe('7 passed, 1 failed\n')
  expect(lineOf(undefined, 1, 1)).toBe('0 passed, 2 failed\n')
})
