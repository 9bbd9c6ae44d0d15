/** Which mutants a rule has, written out. */
import { expect, test } from 'vitest'
import { mutantsOf } from './mutants.ts'

const RULE = `import { NO } from 'x'
const p = { pins: flag(true, 'no mutant of this') }
export const wpReuse = (k, pfn) => (!pageKsm(k, pfn) && pageCount(k, pfn) === 1 ? REUSE : COPY_KSM)
`

test('a rule has one mutant for every token that could decide otherwise', () => {
  const mutants = mutantsOf(RULE).map(({ line, before, after }) => `${line}: ${before} -> ${after}`)
  expect(mutants).toEqual([
    '3: !pageKsm(k, pfn) && pageCount(k, pfn) === 1 -> !pageKsm(k, pfn)',
    '3: !pageKsm(k, pfn) && pageCount(k, pfn) === 1 -> pageCount(k, pfn) === 1',
    '3: !pageKsm(k, pfn) -> pageKsm(k, pfn)',
    '3: pageCount(k, pfn) === 1 -> pageCount(k, pfn) !== 1',
    '3: 1 -> 2',
    '3: REUSE -> COPY_REFERENCED',
    '3: COPY_KSM -> REUSE',
  ])
})

test('a mutant differs from its rule in that place only', () => {
  const [first] = mutantsOf(RULE)
  expect(first?.text).toBe(RULE.replace(' && pageCount(k, pfn) === 1', ''))
})
