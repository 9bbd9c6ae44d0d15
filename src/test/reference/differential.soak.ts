/** differential.soak: the simulator and the reference model on many random litmus tests; COWBENCH_SEED is the first. */
import { describe, expect, test } from 'vitest'
import { comparableModels, differences } from './differential.ts'

const firstSeed = Number(process.env['COWBENCH_SEED'] ?? 1_000_000)

describe('the simulator and the reference model, for hours', () => {
  test.each(comparableModels())('agree on 5,000 random tests as $name', (model) => {
    expect(differences(model, { firstSeed, tests: 5000 })).toEqual([])
  })
})
