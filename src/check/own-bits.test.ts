/** Bits of one's own in small worlds: the files in docs/examples go where the policies go that they write again. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '../load/package.ts'
import { missingCapability } from '../run.ts'
import { MODELS, type Model } from './models.ts'
import { search } from './search.ts'
import { settingsOf } from './thread.ts'

async function searched(own: string, against?: string) {
  const path = /^own-/.test(own) ? join(packageRoot(), 'docs', 'examples', `${own}.ts`) : own
  const subject = { policy: path, params: {}, swapDisk: false }
  const { policy } = await settingsOf(subject)
  const rival = against && { subject: { ...subject, policy: against }, name: against }
  const models = MODELS.filter(({ name, needs }) => {
    return missingCapability(policy, needs) === undefined && !(rival && name.endsWith('race'))
  })
  const results = await search({
    ...{ name: policy.name, subject, models, goal: 'violation', every: rival === undefined },
    ...(rival ? { against: rival } : {}),
    // Deeper, the bits still know of pages that nobody maps, whose marker the kernel has forgotten: states more, no others.
    depthOf: ({ deeper }: Model) => 3 + Math.sign(deeper),
    ...{ memory: 2 ** 30, jobs: 2 },
  })
  return results.map(({ model, depth, transitions, counterexamples }) => {
    return [model.name, depth, transitions, counterexamples.length] as const
  })
}

test.each([
  ['own-exclusive', 'anon-exclusive'],
  ['own-dontcow', 'early-decow'],
])('%s goes where %s goes and finds what it finds, races included', async (own, builtIn) => {
  expect(await searched(own)).toEqual(await searched(builtIn))
})

test.each([
  ['own-exclusive', 'anon-exclusive'],
  ['own-dontcow', 'early-decow'],
])('no sequence of actions tells %s from %s', async (own, builtIn) => {
  const results = await searched(own, builtIn)
  // All models but the two of races.
  expect(results.length).toBe(own === 'own-exclusive' ? 9 : 7)
  for (const [, depth, transitions, found] of results) {
    expect([found, depth >= 2]).toEqual([0, true])
    expect(transitions).toBeGreaterThan(200)
  }
})
