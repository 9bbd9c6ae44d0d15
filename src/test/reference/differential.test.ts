/** differential.test: on random litmus tests the simulator says what the reference model says, word by word. */
import { describe, expect, test } from 'vitest'
import { comparableModels, differences } from './differential.ts'

describe('the simulator and the reference model', () => {
  test.each(comparableModels())('agree on 24 random tests as $name', (model) => {
    expect(differences(model, { firstSeed: 1, tests: 24 })).toEqual([])
  })
})
