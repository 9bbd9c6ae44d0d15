/** mutation.soak: every mutant, and the table of what noticed how many. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { packageRoot } from '../../src/load/package.ts'
import { Checker } from './check.ts'
import { Nursery } from './plant.ts'
import { allMutants, type Judged, judge } from './score.ts'
import { reportOf } from './table.ts'

const checker = new Checker()
const nursery = new Nursery('soak')
const judged: Judged[] = []

test('every mutant is noticed, or listed as equivalent', async () => {
  for (const { file, mutant } of allMutants(1, 1)) {
    judged.push(await judge(file, mutant, nursery, checker))
  }
  expect(judged.filter(({ by }) => by === 'missed')).toEqual([])
})

afterAll(async () => {
  await checker.close()
  nursery.clear()
  writeFileSync(join(packageRoot(), 'results/soak/mutation.md'), reportOf(judged))
})
