/** mutation.test: a twentieth of all mutants; npm run soak runs them all, and searches deeper. */
import { afterAll, expect, test } from 'vitest'
import { Checker } from './check.ts'
import type { Mutant } from './mutants.ts'
import { Nursery, sourceOf } from './plant.ts'
import { allMutants, judge } from './score.ts'

/** Which twentieth. It has mutants that a record, a litmus test and nothing at all notices. */
const [PART, PARTS] = [10, 20]
/** Two levels less than the soak: some seconds for what nothing notices. */
const checker = new Checker(-2)
const nursery = new Nursery('test')

afterAll(async () => {
  await checker.close()
  nursery.clear()
})

const SOME = allMutants(PART, PARTS).map(
  ({ file, mutant }) => [`${file}.ts:${mutant.line}: ${mutant.after}`, file, mutant] as const,
)

test.each(SOME)(
  '%s is noticed, or listed as equivalent',
  { timeout: 600_000 },
  async (_, ...one) => {
    const judged = await judge(...one, nursery, checker)
    expect(judged.by).not.toBe('missed')
  },
)

/** A mutant of page-count's that says what `after` says where the rule compares. */
function planted(after: string): Mutant {
  const before = 'pageCount(k, pfn) === 1'
  return {
    line: 0,
    within: 'wpReuse',
    before,
    after,
    text: sourceOf('page-count').replace(before, after),
  }
}

test('check tells a mutant by an answer, also where that shows nothing wrong yet', async () => {
  const pathOf = nursery.plant('page-count', planted('pageCount(k, pfn) === 2').text)
  // The parent's page is in two processes, and is written in place. The child has not looked yet.
  expect(await checker.difference('page-count', pathOf('page-count'))).toEqual({
    where: '5.9.1: write A buf[0]; fork A B; write A buf[0]',
    wrong: false,
  })
})

test('what decides the same and is not listed is missed', { timeout: 600_000 }, async () => {
  const same = planted('1 === pageCount(k, pfn)')
  expect(same.text).toContain(same.after)
  expect((await judge('page-count', same, nursery, checker)).by).toBe('missed')
})

test('what is listed and yet noticed is a mistake in the list', async () => {
  const other = planted('pageCount(k, pfn) === 2')
  const listed = [{ ...other, file: 'page-count', why: '' }]
  await expect(judge('page-count', other, nursery, checker, listed)).rejects.toThrow(
    'no equivalent: page-count.ts: pageCount(k, pfn) === 2: 5.9.1: 01_fork_parent_write',
  )
})
