/**
 * known-failures.test: every policy and kernel on the known failures of workloads/litmus/failures, against the verdicts
 * that are written down there. A verdict is read off what the test showed, never off what the oracle says of it.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LITMUS, MODELS, type Model, POLICY_MODELS } from '../test/litmus-models.ts'
import { PIN_VMSPLICE } from '../trace/ops.ts'
import { readTests } from './library.ts'
import type { LitmusTest } from './program.ts'
import type { OperationResult } from './result.ts'
import { runLitmus } from './run.ts'

type Question = 'promises' | 'economy' | 'huge' | 'tracking' | 'event'

interface Row {
  readonly shows: Question
  /** In the order of `policies`. */
  readonly verdicts: readonly string[]
  readonly kernels?: Readonly<Record<string, string>>
  readonly swapDisk?: boolean
}

interface Table {
  readonly policies: readonly string[]
  readonly rows: Readonly<Record<string, Row>>
}

const FOLDER = join(LITMUS, 'failures')
const TABLE = JSON.parse(readFileSync(join(FOLDER, 'verdicts.json'), 'utf8')) as Table
const TESTS = readTests(FOLDER)

/** The verdict written down for a model; `-` for none. */
function verdictFor({ name, policy }: Model, row: Row): string {
  return row.kernels?.[name] ?? row.verdicts[TABLE.policies.indexOf(policy)] ?? '-'
}

function verdictOf(question: Question, parsed: LitmusTest, results: OperationResult[]): string {
  const broken = brokenPromises(parsed, results)
  const last = results.at(-1)?.pages.map(({ outcome }) => outcome) ?? []
  switch (question) {
    case 'promises':
      return broken === '' ? 'ok' : broken
    case 'economy':
      if (broken !== '') return broken
      return last.some((word) => word.includes('copy')) ? 'cp' : 'ok'
    case 'huge':
      return last.includes('thp_copy_huge')
        ? 'copy2M'
        : last.some((word) => word.includes('copy'))
          ? 'copy4K'
          : 'ok'
    case 'tracking':
      if (last.some((word) => word.includes('copy'))) return 'copies'
      return last.some((word) => word.endsWith('reuse')) ? 'clears' : 'spared'
    case 'event':
      return results.at(-1)?.outcome === 'error' ? 'event' : 'ok'
  }
}

/** I1, I2 and I3 as seen from outside, joined by +. */
function brokenPromises(parsed: LitmusTest, results: OperationResult[]): string {
  const broken = new Set<string>()
  for (const { operation, pages, flags } of results) {
    const pin = parsed.pins[operation.pin]
    const words = pages.map(({ outcome }) => outcome)
    if (flags.includes('leak') || words.includes('leak')) broken.add('I1')
    // A read-only plain reference never promised to show the owner's later stores.
    if (words.includes('incoherent') && pin?.kind !== PIN_VMSPLICE) broken.add('I2')
    if (flags.includes('mismatch') && !flags.includes('leak')) {
      broken.add(parsed.pins.length > 0 ? 'I2' : 'I3')
    }
  }
  return [...broken].sort().join('+')
}

test('there is a test for every row and a row for every test', () => {
  expect(Object.keys(TABLE.rows)).toEqual([...TESTS.keys()])
})

test('the rows speak of policies that exist, all but the upper bound', () => {
  const known = POLICY_MODELS.map(({ name }) => name).filter((name) => name !== 'always-copy')
  expect([...TABLE.policies].sort()).toEqual(known.sort())
  for (const row of Object.values(TABLE.rows)) {
    expect(row.verdicts).toHaveLength(TABLE.policies.length)
  }
})

test.each(Object.entries(TABLE.rows))('%s', (name, row) => {
  const parsed = TESTS.get(name)
  if (parsed === undefined) throw new Error(`no test ${name}`)
  const differences: string[] = []
  for (const model of MODELS) {
    const expected = verdictFor(model, row)
    if (expected === '-') continue
    const machines = model.machines({ swapDisk: row.swapDisk ?? false })
    const results = runLitmus(parsed, machines, { policy: model.name })
    const verdict = verdictOf(row.shows, parsed, results)
    if (verdict !== expected)
      differences.push(`${model.name}: expected ${expected}, got ${verdict}`)
  }
  expect(differences).toEqual([])
})
