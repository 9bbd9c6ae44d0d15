/** inputs.test: the name that is made of a plan, and variants of a policy. */
import { expect, test } from 'vitest'
import { expand } from '../../plan.ts'
import { gatherInputs } from './inputs.ts'
import { type RunFlags, runOptions } from './options.ts'

async function nameOf(flags: Partial<RunFlags>): Promise<string> {
  return (await gatherInputs(runOptions(flags as RunFlags))).name
}

test('the plain quick run is called so, and no other plan is', async () => {
  expect(await nameOf({ quick: true })).toBe('quick')
  expect(await nameOf({ quick: true, seeds: '1', cost: 'bare-metal', oracle: 'epoch' })).toBe(
    'quick',
  )
  const others: Partial<RunFlags>[] = [
    ...[{ cost: 'vm' }, { oracle: 'eager' }, { check: true }, { seed: '2' }],
    { policy: ['mapcount'] },
  ]
  const names = await Promise.all(others.map((flags) => nameOf({ quick: true, ...flags })))
  for (const name of names) expect(name).toMatch(/-[0-9a-f]{6}$/)
  expect(new Set(names).size).toBe(others.length)
})

test('variants of a policy are rows of one name, and no two may be the same', async () => {
  const inputs = async (...policy: string[]) =>
    await gatherInputs(runOptions({ policy, workload: ['bg'] } as Partial<RunFlags> as RunFlags))
  const { plan, description } = await inputs('page-count', 'page-count:reclaimPin=no')
  const { cells } = expand(plan, () => undefined)
  expect(cells.map(({ name, policyValues }) => [name.policy, policyValues['reclaimPin']])).toEqual([
    ['page-count', true],
    ['page-count', false],
  ])
  expect(description['policies']).toEqual(['page-count', 'page-count:reclaimPin=no'])
  await expect(inputs('page-count', 'page-count:reclaimPin=yes')).rejects.toThrow(
    'invalid policy: two are called page-count:reclaimPin=yes:clearRefsPin=yes:writeProtectSeq=yes',
  )
})

test('a parameter that a variant fixes is not swept', async () => {
  const flags = {
    policy: ['page-count:reclaimPin=no'],
    workload: ['bg'],
    sweep: ['reclaimPin=yes,no'],
  }
  const { plan } = await gatherInputs(runOptions(flags as Partial<RunFlags> as RunFlags))
  expect(() => expand(plan, () => undefined)).toThrow(
    'invalid parameter: reclaimPin; page-count:reclaimPin=no fixes it at no',
  )
})

test.each(['.x.trace', 'recorded/.x.trace.gz'])(
  'a trace without a name is refused: %s',
  async (path) => {
    const flags = { policy: ['mm-id'], trace: [path] } as Partial<RunFlags>
    await expect(gatherInputs(runOptions(flags as RunFlags))).rejects.toThrow(
      `invalid trace name: ${path}; expected a file with a name before its first dot, which its rows have`,
    )
  },
)
