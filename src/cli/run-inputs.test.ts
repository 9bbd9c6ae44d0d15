/** run-inputs.test: the name that is made of a plan. */
import { expect, test } from 'vitest'
import { gatherInputs } from './run-inputs.ts'
import { type RunFlags, runOptions } from './run-options.ts'

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
