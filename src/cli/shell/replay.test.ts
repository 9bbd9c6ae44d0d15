/** replay.test: what is printed to be typed again is what has to be typed. */
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { POLICIES } from '../../../policies/index.ts'
import { DEFAULT_PROFILE } from '../../metrics/cost.ts'
import { defaults, type Params } from '../../params/params.ts'
import { type Cell, expand, type PlanInput, type PolicyChoice } from '../../plan.ts'
import { kernelChoice, policyChoice } from '../words/choices.ts'
import { cellReplay, pathOf, testReplay } from './replay.ts'

test('of a test, the state of its machine belongs to it', () => {
  const who = ['--policy', 'mm-id'] as const
  const shown = { command: 'explain', file: 'a.cow', who, drained: false, swapDisk: false } as const
  expect(testReplay({ ...shown, event: 5 })).toBe('cowbench explain a.cow --policy mm-id --event 5')
  expect(testReplay({ ...shown, command: 'litmus', drained: true, swapDisk: true })).toBe(
    'cowbench litmus a.cow --policy mm-id --drained --swap disk',
  )
})

test('what a shell would read otherwise is quoted', () => {
  const file = "it's mine/x@diskswap.cow"
  const who = ['--policy', './my rule.ts,mm-id'] as const
  const words = { command: 'litmus', file, who, drained: false, swapDisk: true } as const
  expect(testReplay(words)).toBe(
    "cowbench litmus 'it'\\''s mine/x@diskswap.cow' --policy './my rule.ts,mm-id' --swap disk",
  )
})

test('of a cell, the parameters that are not the default belong to it, and files are found from here', () => {
  const [definition] = POLICIES
  if (definition === undefined) throw new Error('no policy')
  const what = 'pages'
  const params: Params = {
    pages: { type: 'int', default: 64, min: 1, max: 99, what },
    order: { type: 'int', default: 0, min: 0, max: 9, what },
  }
  const file = { path: resolve('my loads/load.ts'), hash: '' }
  const workload = { name: 'load', params, needs: () => [], file }
  const cell: Cell = {
    ...{ key: '', policy: { definition }, policyValues: defaults(definition.params) },
    trace: { workload, values: { pages: 32, order: 0 }, seed: 7 },
    name: { policy: definition.name, workload: 'load', params: '', seed: 7 },
  }
  const origin = { workload: {} as never }
  expect(cellReplay(cell, origin, 12)).toBe(
    "cowbench explain --policy always-copy --workload './my loads/load.ts' --param pages=32 --seed 7 --event 12",
  )
  expect(pathOf('/elsewhere/load.ts')).toBe('/elsewhere/load.ts')
})

/** The replay of the first cell of a plan, as `--param` makes it. */
function replayOf(choice: PolicyChoice, params: readonly (readonly [string, string])[]): string {
  const conditions = { cost: DEFAULT_PROFILE, oracle: 'epoch', check: false, code: '' } as const
  const input: PlanInput = {
    ...{ policies: [choice], workloads: [{ name: 'load', params: {}, needs: () => [] }] },
    ...{ params: new Map(params), sweeps: new Map(), seeds: [1], conditions },
  }
  const [cell] = expand(input, () => undefined).cells
  if (cell === undefined) throw new Error('no cell')
  return cellReplay(cell, { workload: {} as never }, 12)
}

test('a variant of a policy or of a kernel is named as it was, and --param beside it', async () => {
  const rest = '--workload load'
  const end = '--seed 1 --event 12'
  expect(replayOf(await kernelChoice('5.15.135:reclaimPin=no'), [])).toBe(
    `cowbench explain --kernel 5.15.135:reclaimPin=no ${rest} ${end}`,
  )
  expect(replayOf(await kernelChoice('5.15.135'), [['reclaimPin', 'no']])).toBe(
    `cowbench explain --kernel 5.15.135 ${rest} --param reclaimPin=no ${end}`,
  )
  // It fixes three parameters at what is not the default: they cannot be said again.
  expect(replayOf(await kernelChoice('5.9.1'), [])).toBe(
    `cowbench explain --kernel 5.9.1 ${rest} ${end}`,
  )
  const variant = await policyChoice('page-count:reclaimPin=no')
  expect(replayOf(variant, [['clearRefsPin', 'no']])).toBe(
    `cowbench explain --policy page-count:reclaimPin=no ${rest} --param clearRefsPin=no ${end}`,
  )
})
