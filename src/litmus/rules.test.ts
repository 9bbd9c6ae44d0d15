/**
 * rules.test: expectations worked out by hand for what no record tests (rules/), or seen on a running kernel since
 * (live/); a file named `@diskswap` wants a swap disk.
 */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LITMUS, MODELS } from '../test/litmus-models.ts'
import { expectationFor, meets } from './expect.ts'
import { readTests } from './library.ts'
import type { LitmusTest } from './program.ts'
import { runLitmus } from './run.ts'
import { sayFailure } from './say.ts'

const RULES = ['rules', 'live', 'races', 'failures']
  .flatMap((folder) => [...readTests(join(LITMUS, folder)).values()])
  .filter(
    ({ file, operations }) =>
      !file.includes('failures') || operations.some(({ expectations }) => expectations.length > 0),
  )
const NAMES = new Set([...MODELS.flatMap(({ names }) => names), 'drained', 'diskswap'])

test.each(RULES.map((rule) => [rule.name, rule] as const))('%s', (_name, rule) => {
  let checked = 0
  const failures: string[] = []
  for (const { name, names, machines } of MODELS) {
    const swapDisk = rule.name.endsWith('@diskswap')
    for (const result of runLitmus(rule, machines({ swapDisk }), { policy: name })) {
      const expectation = expectationFor(result.operation, names)
      if (expectation === undefined) continue
      checked++
      if (!meets(expectation, result.outcome, result.flags)) {
        failures.push(sayFailure(rule, expectation, result))
      }
    }
  }
  expect(failures).toEqual([])
  expect(checked).toBeGreaterThan(0)
})

test('expectations name policies and kernels that exist', () => {
  const odd = (rule: LitmusTest) =>
    rule.operations
      .flatMap(({ expectations }) => expectations)
      .filter(({ names }) => names.some((name) => !NAMES.has(name)))
      .map(({ line }) => `${rule.file}:${line}`)
  expect(RULES.flatMap(odd)).toEqual([])
})
