/**
 * own-bits.test: anon-exclusive and early-decow written again as files, with bits of their own instead of the
 * program's, answer and count exactly as the ones that come with it. The soak runs the workloads at full size.
 */
import { expect, test } from 'vitest'
import { SMALL } from './cells.ts'
import { randomTraces } from './model-differences.ts'
import { both, litmusResults, PAIRS, quickCells, run } from './own-bits.ts'

test.each(PAIRS)('%s counts as %s does on small workloads (%j)', async (own, model, params) => {
  const [mine, theirs] = await both(own, model)
  const given = (workload: string) => SMALL[workload] ?? {}
  const cells = quickCells(theirs, params, given)
  expect(quickCells(mine, params, given)).toEqual(cells)
  expect(cells.size).toBeGreaterThanOrEqual(8)
})

test.each(PAIRS)('%s counts as %s does on 200 random traces (%j)', async (own, model, params) => {
  const [mine, theirs] = await both(own, model)
  let decisions = 0
  const search = { seed: 20_260_731, traces: 200, events: 120 }
  for (const [i, trace] of [...randomTraces(theirs, search)].entries()) {
    const expected = run(theirs, params, trace)
    expect([i, run(mine, params, trace)]).toEqual([i, expected])
    decisions += expected.verdicts.reduce((sum, count) => sum + count, 0)
  }
  expect(decisions).toBeGreaterThan(1000)
})

test.each(PAIRS)('%s shows what %s shows in litmus tests (%j)', async (own, model, params) => {
  const [mine, theirs] = await both(own, model)
  const results = litmusResults(theirs, params)
  expect(litmusResults(mine, params)).toEqual(results)
  expect(results.size).toBeGreaterThan(300)
})
