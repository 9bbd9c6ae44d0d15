/**
 * mutate: every one-token mutant of anon-exclusive, mm-id and page-count must be noticed by the litmus suite or by
 * `check`, or be listed as equivalent with the reason.
 *
 * Usage: jiti scripts/mutate.ts [PART/PARTS]: of all mutants, every PARTS-th from the PART-th on.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../src/load/package.ts'
import { loadPolicy } from '../src/load/policies.ts'
import { type Mutant, mutantsOf } from './mutate/mutants.ts'
import { findingsOf, noticedByLitmus } from './mutate/notice.ts'

/** Each policy, and the files that its rule is written in. */
const RULES: Readonly<Record<string, readonly string[]>> = {
  'page-count': ['page-count'],
  'anon-exclusive': ['anon-exclusive', 'page-count-refined'],
  'mm-id': ['mm-id'],
}
const FILES = ['page-count', 'page-count-refined', 'reuse-swap-page', 'anon-exclusive', 'mm-id']

interface Equivalent {
  readonly file: string
  readonly before: string
  readonly after: string
  readonly why: string
}

const home = packageRoot()
const folder = join(home, '.mutants')
const [part = 1, parts = 1] = (process.argv[2] ?? '1/1').split('/').map(Number)
const equivalents = JSON.parse(
  readFileSync(join(home, 'scripts/mutate/equivalents.json'), 'utf8'),
) as Equivalent[]

/** Writes the policies as files of one's own, one of them mutated; returns the path of the policy. */
function plant(policy: string, file: string, text: string): string {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  for (const name of FILES) {
    const own = name === file ? text : readFileSync(join(home, 'policies', `${name}.ts`), 'utf8')
    const planted = own
      .replaceAll("'../src/policy/api.ts'", "'cowbench'")
      .replace(/^ {2}name: '/m, "  name: 'mutant-of-")
    writeFileSync(join(folder, `${name}.ts`), planted)
  }
  return join(folder, `${policy}.ts`)
}

interface Score {
  readonly litmus: number
  readonly check: number
  readonly equivalent: number
  readonly missed: readonly string[]
}

async function scoreOf(policy: string, files: readonly string[]): Promise<Score> {
  const unchanged = files[0] ?? ''
  const source = (file: string) => readFileSync(join(home, 'policies', `${file}.ts`), 'utf8')
  const normal = await findingsOf(plant(policy, unchanged, source(unchanged)))
  let [litmus, check, equivalent, nth] = [0, 0, 0, 0]
  const missed: string[] = []
  for (const file of files) {
    for (const mutant of mutantsOf(source(file))) {
      if (++nth % parts !== part % parts) continue
      const path = plant(policy, file, mutant.text)
      const noticed = await noticedBy(policy, path, normal)
      const where = `${file}.ts:${mutant.line}: ${mutant.before} -> ${mutant.after}`
      if (noticed === 'litmus') litmus++
      else if (noticed === 'check') check++
      else if (isListed(file, mutant)) equivalent++
      else missed.push(where)
      console.error(`${policy}: ${where.replace(/\s+/g, ' ')}: ${noticed || 'NOT NOTICED'}`)
    }
  }
  return { litmus, check, equivalent, missed }
}

async function noticedBy(policy: string, path: string, normal: readonly string[]): Promise<string> {
  try {
    const { definition } = await loadPolicy(path)
    if (noticedByLitmus(policy, definition) !== '') return 'litmus'
  } catch {
    return 'litmus'
  }
  try {
    const found = await findingsOf(path)
    return found.join('\n') === normal.join('\n') ? '' : 'check'
  } catch {
    return 'check'
  }
}

function isListed(file: string, { before, after }: Mutant): boolean {
  return equivalents.some(
    (known) => known.file === file && known.before === before && known.after === after,
  )
}

const rows: string[] = []
let missed = 0
for (const [policy, files] of Object.entries(RULES)) {
  const score = await scoreOf(policy, files)
  const { litmus, check, equivalent } = score
  missed += score.missed.length
  rows.push(`| ${policy} | ${litmus} | ${check} | ${equivalent} | ${score.missed.length} |`)
  for (const where of score.missed) console.error(`not noticed: ${where}`)
}
rmSync(folder, { recursive: true, force: true })
console.log(
  '| policy | noticed by litmus | by check | equivalent | missed |\n|---|---|---|---|---|',
)
console.log(rows.join('\n'))
process.exitCode = missed > 0 ? 1 : 0
