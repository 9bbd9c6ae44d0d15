/**
 * mutate: every one-token mutant of the page_count, PageAnonExclusive and MM_ID rules must be noticed by the litmus
 * suite or by `check`, or be listed as equivalent with the reason.
 *
 * Usage: jiti scripts/mutate.ts [PART/PARTS]: of all mutants, every PARTS-th from the PART-th on. Needs dist/.
 */
import { Checker } from './mutate/check.ts'
import { Nursery } from './mutate/plant.ts'
import { allMutants, type Judged, judge } from './mutate/score.ts'
import { tableOf } from './mutate/table.ts'

const [part = 1, parts = 1] = (process.argv[2] ?? '1/1').split('/').map(Number)
const nursery = new Nursery('script')
const checker = new Checker()
const judged: Judged[] = []
for (const { file, mutant } of allMutants(part, parts)) {
  const one = await judge(file, mutant, nursery, checker)
  judged.push(one)
  const seconds = Math.round(process.cpuUsage().user / 1e6)
  console.error(`${seconds} s: ${one.by}: ${file}.ts:${mutant.line}: ${mutant.after}: ${one.where}`)
}
await checker.close()
nursery.clear()
console.log(tableOf(judged))
process.exitCode = judged.some(({ by }) => by === 'missed') ? 1 : 0
