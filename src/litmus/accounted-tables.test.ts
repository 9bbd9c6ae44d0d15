/**
 * accounted-tables.test: page tables that are shared with every entry accounted (COW PTE from v3 on) are not seen by
 * anybody: each litmus test shows what it shows with a table for each process.
 */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LITMUS, modelOf } from '../test/litmus-models.ts'
import { readTests } from './library.ts'
import type { LitmusTest } from './program.ts'
import { runLitmus } from './run.ts'

const FOLDERS = ['', 'failures', 'live', 'more', 'rules']
const TESTS = FOLDERS.flatMap((folder) => [...readTests(join(LITMUS, folder)).values()])

/** A shared table comes with the entries of areas that fork would have skipped (no anon_vma), in the same 2 MiB. */
const SKIPPED_AREAS = new Set(['advice_divides_small_areas'])

function shows(policy: string, one: LitmusTest, drained: boolean): string[] {
  const machines = modelOf(policy, {}).machines({ swapDisk: one.name.endsWith('@diskswap') })
  // A shared table is forked in one step, so that steps have other names; what comes of them has not.
  return runLitmus(one, machines, { policy, drained })
    .filter(({ operation }) => operation.verb !== 'step')
    .map(({ op, outcome, flags }) => `${op}: ${[outcome, ...flags].join(' ')}`)
}

test.each(['natural', 'drained'])('in the %s state', (state) => {
  const drained = state === 'drained'
  const differing = TESTS.filter(({ name }) => !SKIPPED_AREAS.has(name)).flatMap((one) => {
    const expected = shows('mm-id', one, drained)
    const seen = shows('cow-pte-accounted', one, drained)
    const first = seen.findIndex((line, i) => line !== expected[i])
    return first < 0 ? [] : [`${one.name}: ${seen[first]}, without sharing ${expected[first]}`]
  })
  expect(differing).toEqual([])
})
