/** section.test: the README says how far the model agrees with the recorded kernels, and says so truly. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { LITMUS } from '../../src/test/litmus-models.ts'
import { withSection } from '../with-section.ts'
import { agreementSection } from './section.ts'

const README = readFileSync(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8')

test("the README's table of agreement is what the comparison gives; else run jiti scripts/agreement.ts", () => {
  const section = agreementSection(LITMUS)
  expect(README).toBe(withSection(README, 'agreement', section))
  // Eleven kernels and two prototypes, between a head and a foot of two lines and one.
  expect(section.split('\n')).toHaveLength(16)
  // Rounded down: one disagreement with a kernel that counts would show as 99.9%.
  expect(section.split('\n').at(-1)).toMatch(/\| 100% \|$/)
})

test('what stands around the markers stays', () => {
  const text = 'before\n<!-- agreement:begin -->\nold\n<!-- agreement:end -->\nafter\n'
  expect(withSection(text, 'agreement', 'new')).toBe(text.replace('old', 'new'))
  expect(() => withSection('no markers', 'agreement', 'new')).toThrow(
    'missing markers: <!-- agreement:begin',
  )
})
