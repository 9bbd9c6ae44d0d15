/** Which mutants a rule has, written out. */
import { expect, test } from 'vitest'
import { mutantsOf } from './mutants.ts'

const RULE = `import { COPY_KSM, pageCount, pageKsm, REUSE } from '../src/policy/api.ts'
const p = { pins: flag(true, 'no mutant of this') }
export const wpReuse = (k, pfn) =>
  !pageKsm(k, pfn) && pageCount(k, pfn) === 1 ? REUSE : COPY_KSM
`

test('a rule has one mutant for every token that could decide otherwise', () => {
  expect(mutantsOf(RULE).map(({ line, after }) => `${line}: ${after}`)).toEqual([
    '4: REUSE',
    '4: COPY_KSM',
    '4: !pageKsm(k, pfn) ? REUSE : COPY_KSM',
    '4: pageCount(k, pfn) === 1 ? REUSE : COPY_KSM',
    '4: pageKsm(k, pfn) && pageCount(k, pfn) === 1 ? REUSE : COPY_KSM',
    '4: !pageKsm(k, pfn) && pageCount(k, pfn) !== 1 ? REUSE : COPY_KSM',
    '4: !pageKsm(k, pfn) && pageCount(k, pfn) === 2 ? REUSE : COPY_KSM',
    '4: !pageKsm(k, pfn) && pageCount(k, pfn) === 0 ? REUSE : COPY_KSM',
    '4: !pageKsm(k, pfn) && pageCount(k, pfn) === 1 ? COPY_REFERENCED : COPY_KSM',
    '4: !pageKsm(k, pfn) && pageCount(k, pfn) === 1 ? REUSE : REUSE',
  ])
})

test('a call is negated where it decides alone', () => {
  const mutants = mutantsOf('if (pageKsm(k, pfn)) return COPY_KSM\n').map(({ after }) => after)
  expect(mutants).toEqual([
    ';',
    'if (!pageKsm(k, pfn)) return COPY_KSM',
    'if (pageKsm(k, pfn)) return REUSE',
  ])
})

test('a question that a rule answers by name is left to its default, if it has one', () => {
  const mutants = mutantsOf('const hooks = {\n  wpReuse: rule,\n  pmdReuse: rule,\n}\n').map(
    ({ after }) => after,
  )
  expect(mutants).toEqual(['...{},'])
})

test('a mutant differs from its rule in that place only, and imports what it says', () => {
  const mutants = mutantsOf(RULE)
  expect(mutants[2]?.text).toBe(RULE.replace(' && pageCount(k, pfn) === 1', ''))
  const referenced = RULE.replace('? REUSE', '? COPY_REFERENCED')
  expect(mutants[8]?.text).toBe(referenced.replace('{ COPY_KSM', '{ COPY_REFERENCED, COPY_KSM'))
})
