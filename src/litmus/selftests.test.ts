/**
 * selftests.test: the kernel's copy-on-write matrix under every policy. Exactly the cells of
 * workloads/litmus/selftests.json fail.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LITMUS, type Model, modelOf, POLICY_MODELS } from '../test/litmus-models.ts'
import type { LitmusTest } from './program.ts'
import { runLitmus } from './run.ts'
import { selftestCells } from './selftests.ts'

interface Failing {
  readonly why: string
  readonly cases: readonly string[]
  readonly states: 'all' | readonly string[]
}

interface Expected {
  readonly leftOut: Readonly<Record<string, readonly string[]>>
  readonly failing: Readonly<Record<string, readonly Failing[]>>
}

const EXPECTED = JSON.parse(readFileSync(join(LITMUS, 'selftests.json'), 'utf8')) as Expected
const CELLS = selftestCells()

function failingCells({ name, lacks, machines }: Model): string[] {
  const leftOut = EXPECTED.leftOut[name] ?? []
  return CELLS.filter(({ state }) => !leftOut.includes(state))
    .filter(({ test: cell }) => !lacks.includes('thp') || !hasHugePages(cell))
    .filter(({ test: cell, failure }) => {
      const results = runLitmus(cell, machines({ swapDisk: false }), { policy: name })
      return failure(results) !== undefined
    })
    .map((cell) => `${cell.case}, ${cell.state}`)
}

function hasHugePages({ operations }: LitmusTest): boolean {
  return operations.some(({ folioOrder }) => folioOrder > 0)
}

function expectedCells({ name, lacks }: Model): string[] {
  return CELLS.filter(({ test: cell }) => !lacks.includes('thp') || !hasHugePages(cell))
    .filter((cell) =>
      EXPECTED.failing[name]?.some(
        ({ cases, states }) =>
          cases.includes(cell.case) && (states === 'all' || states.includes(cell.state)),
      ),
    )
    .map((cell) => `${cell.case}, ${cell.state}`)
}

test('the matrix has 14 cases in 10 states, 4 collapse cases and 3 cases on other memory', () => {
  // 14 * 10 + 4 + 3 * 3 (zero page, huge zero page, file).
  expect(CELLS).toHaveLength(153)
  expect(new Set(CELLS.map((cell) => `${cell.case}, ${cell.state}`)).size).toBe(153)
})

test('the expected failures name policies, cases and states that exist', () => {
  const cases = new Set(CELLS.map((cell) => cell.case))
  const states = new Set(CELLS.map((cell) => cell.state))
  expect(Object.keys(EXPECTED.failing).sort()).toEqual(POLICY_MODELS.map(({ name }) => name).sort())
  for (const failing of Object.values(EXPECTED.failing).flat()) {
    for (const one of failing.cases) expect(cases).toContain(one)
    for (const state of failing.states === 'all' ? [] : failing.states) {
      expect(states).toContain(state)
    }
  }
})

test.each(POLICY_MODELS.map((model) => [model.name, model] as const))(
  'under %s exactly the expected cells fail',
  (_name, model) => {
    expect(failingCells(model)).toEqual(expectedCells(model))
  },
)

test('up to 6.1 anon-exclusive leaves long-term pins on the zero page and the page cache behind', () => {
  const failing = failingCells(modelOf('anon-exclusive', { longtermUnsharesFile: false }))
  expect(failing).toEqual([
    'R/O longterm GUP pin, zeropage',
    'R/O longterm GUP pin, huge zeropage',
    'R/O longterm GUP pin, file',
    'R/O longterm GUP-fast pin, zeropage',
    'R/O longterm GUP-fast pin, huge zeropage',
    'R/O longterm GUP-fast pin, file',
  ])
})

test('the collapse cases do collapse under mm-id, whose kernel asks for no writable entry', () => {
  const collapses = CELLS.flatMap(({ test: cell }) =>
    runLitmus(cell, modelOf('mm-id', {}).machines({ swapDisk: false }), { policy: 'mm-id' }),
  ).filter(({ op }) => op.endsWith(' collapse'))
  expect(collapses.map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'ok', 'ok'])
})
