/** world.test: what a small world is made with. */
import { expect, test } from 'vitest'
import { POLICIES } from '../../policies/index.ts'
import type { PolicyDefinition } from '../policy/api.ts'
import { World } from './world.ts'

test("the era is the policy's own or the one asked for, and an unknown one is refused with those there are", () => {
  const policy = POLICIES.find(({ name }) => name === 'mm-id') as PolicyDefinition
  const eraOf = (era?: string) =>
    new World({ policy, params: {}, ...(era === undefined ? {} : { era }) }, 1).machine.era
  expect(eraOf()).toBe(eraOf('6.18'))
  expect(eraOf('5.6')).not.toBe(eraOf())
  expect(() => eraOf('4.4')).toThrow(
    'unknown era: 4.4; available: 5.6, 5.7, 5.8, 5.15, 5.18, 5.19, 6.1, 6.12, 6.18',
  )
})
