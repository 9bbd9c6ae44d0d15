/** own-bits.soak: the files with bits of their own, on the quick run's workloads and recorded program, full size. */
import { expect, test } from 'vitest'
import { both, PAIRS, quickCells, recordedCell } from './own-bits.ts'

test.each(PAIRS)('%s counts as %s does in the quick run (%j)', async (own, model, params) => {
  const [mine, theirs] = await both(own, model)
  expect(quickCells(mine, params, () => ({}))).toEqual(quickCells(theirs, params, () => ({})))
  expect(await recordedCell(mine, params)).toEqual(await recordedCell(theirs, params))
})
