/** known-failures.test: every policy and kernel on the known failures, against the verdicts that are written down. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LITMUS, MODELS, type Model, POLICY_MODELS } from '../test/litmus-models.ts'
import { type KnownFailure, parseKnownFailures, verdictOf } from './known-failures.ts'
import { readKnownFailures, readTests } from './library.ts'
import { runLitmus } from './run.ts'

const FOLDER = join(LITMUS, 'failures')
const FAILURES = readKnownFailures(FOLDER)
const TESTS = readTests(FOLDER)

/** The verdict written down for a model; `-` for none. */
function verdictFor({ name, policy }: Model, { kernels, verdicts }: KnownFailure): string {
  return kernels.get(name) ?? verdicts.get(policy) ?? '-'
}

test('there is a test for every row and a row for every test', () => {
  expect(FAILURES.map((failure) => failure.test)).toEqual([...TESTS.keys()])
  expect(new Set(FAILURES.map(({ title }) => title)).size).toBe(FAILURES.length)
})

test('the rows speak of every policy', () => {
  const known = POLICY_MODELS.map(({ name }) => name)
  for (const { verdicts } of FAILURES) expect([...verdicts.keys()].sort()).toEqual(known.sort())
})

test.each(FAILURES.map((failure) => [failure.test, failure] as const))('%s', (name, failure) => {
  const parsed = TESTS.get(name)
  if (parsed === undefined) throw new Error(`no test ${name}`)
  const differences: string[] = []
  for (const model of MODELS) {
    const expected = verdictFor(model, failure)
    if (expected === '-') continue
    const results = runLitmus(parsed, model.machines(failure), { policy: model.name })
    const verdict = verdictOf(failure, parsed, results)
    if (verdict !== expected)
      differences.push(`${model.name}: expected ${expected}, got ${verdict}`)
  }
  expect(differences).toEqual([])
})

test.each([
  ['{', 'not JSON'],
  ['{"rows":{}}', 'missing policies'],
  ['{"policies":[]}', 'missing rows'],
  ['{"policies":["p"],"rows":{"t":{"title":"T","shows":"promises","verdicts":[]}}}', 'row t'],
  ['{"policies":[],"rows":{"t":{"title":"T","shows":"luck","verdicts":[]}}}', 'row t'],
])('%s holds no verdicts', (text, says) => {
  expect(() => parseKnownFailures(text, 'v.json')).toThrow(`invalid verdicts: v.json: ${says}`)
})
