/** known-failures.test: the reference results of known failures are what running them gives, byte for byte. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { packageRoot } from '../load/package.ts'
import { knownFailuresHeatmap } from '../report/heatmap.ts'
import { readFailures, writeFailures } from '../report/known-failures.ts'
import { specText } from '../report/spec.ts'
import { knownFailureRows } from './known-failures.ts'

const REFERENCE = join(packageRoot(), 'results', 'reference', 'known-failures')

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cowbench-failures-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

test('known-failures.csv is what the policies do', () => {
  const rows = knownFailureRows()
  // 16 policies on 40 tests.
  expect(rows).toHaveLength(640)
  const written = readFileSync(writeFailures(dir, rows), 'utf8')
  expect(written).toBe(readFileSync(join(REFERENCE, 'known-failures.csv'), 'utf8'))
})

test('its chart is what the report draws of it', () => {
  const spec = knownFailuresHeatmap(readFailures(REFERENCE))
  if (spec === undefined) throw new Error('no chart')
  const reference = readFileSync(join(REFERENCE, 'charts', 'known-failures.vl.json'), 'utf8')
  expect(specText(spec)).toBe(reference)
})
