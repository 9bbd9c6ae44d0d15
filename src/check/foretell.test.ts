import { expect, test } from 'vitest'
import { bytesAt, Foreteller } from './foretell.ts'
import type { Coverage } from './frontier.ts'
import { MODELS, type Model } from './models.ts'

/** States of the model `swap` under mm-id to depth 1, 2, ...; 100 bytes each, and 600,000 before the first. */
const STATES = [8, 41, 201, 940, 3806, 12490, 33338]
const levels: Coverage[] = STATES.map((states, i) => ({
  ...{ depth: i + 1, states, transitions: 3 * states },
  bytes: 600_000 + 100 * states,
  filled: 100 * states,
}))

test('what the levels after the fifth will take is foretold from it within a third', () => {
  for (const depth of [7, 8]) {
    // What the last action leads to is not kept.
    const kept = levels[depth - 2] as Coverage
    const foretold = bytesAt(levels.slice(0, 5), depth)
    expect(foretold).toBeGreaterThan(kept.bytes)
    expect(foretold).toBeLessThan(1.34 * kept.bytes)
  }
})

test('it is said once, with the depth that is going to be reached', () => {
  const swap = MODELS.find(({ name }) => name === 'swap') as Model
  const said: string[] = []
  const foreteller = new Foreteller(2 ** 21, (line) => said.push(line))
  for (const level of levels.slice(0, 4)) foreteller.hear(swap, 9, level)
  // Too early to be sure; asked, it says what it thinks.
  expect(said).toEqual([])
  foreteller.tellAll()
  for (const level of levels) foreteller.hear(swap, 9, level)
  foreteller.tellAll()
  // There is room for 14,900 states. The sixth level brings them to 12,490, which four levels take for 15,500.
  expect(said).toEqual([
    'swap: depth 9 would take about 17 MiB, of which 2 are given (--memory): it will end at about depth 5',
  ])
})

test('what fits is not talked about', () => {
  const [swap] = MODELS
  const said: string[] = []
  const foreteller = new Foreteller(2 ** 30, (line) => said.push(line))
  for (const level of levels) foreteller.hear(swap as Model, 8, level)
  foreteller.tellAll()
  expect(said).toEqual([])
})
