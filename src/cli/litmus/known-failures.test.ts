/** known-failures.test: the reference results of known failures are what running them gives, byte for byte. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { packageRoot } from '../../load/package.ts'
import { knownFailuresHeatmap } from '../../report/heatmap.ts'
import { readFailures, writeFailures } from '../../report/known-failures.ts'
import { specText } from '../../report/spec.ts'
import { drawKnownFailures, knownFailureRows, type Sufferers } from './known-failures.ts'

const REFERENCE = join(packageRoot(), 'results', 'reference', 'known-failures')

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cowbench-failures-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

test('known-failures.csv is what the policies do', async () => {
  const rows = await knownFailureRows()
  // 16 policies on 40 tests.
  expect(rows).toHaveLength(640)
  const written = readFileSync(writeFailures(dir, rows), 'utf8')
  expect(written).toBe(readFileSync(join(REFERENCE, 'known-failures.csv'), 'utf8'))
})

test('its chart is what the report draws of it', () => {
  const spec = knownFailuresHeatmap(readFailures(REFERENCE))
  if (spec === undefined) throw new Error('no chart')
  const reference = readFileSync(join(REFERENCE, 'charts', 'known-failures.vl.json'), 'utf8')
  expect(specText(spec)).toBe(reference)
})

/** A file of that name that answers as mm-id does, but for `rest`. */
function policyFile(name: string, rest = '', lacks = ''): string {
  const path = join(dir, `${name}.ts`)
  writeFileSync(
    path,
    `import { definePolicy, hooksOf } from 'cowbench'
     export default definePolicy({
       name: '${name}', summary: '', era: '', kernel: '6.18', lacks: [${lacks}],
       hooks: () => ({ ...hooksOf('mm-id'), ${rest} }),
     })`,
  )
  return path
}

const OF: Sufferers = { policies: [], kernels: [], params: [], seconds: 10 }

/** What verdicts.json says of 5.9.1, and of no later page-count: I-30's copy leaves the pin behind. */
const OF_5_9 = ['I-12 pin, swap, load', 'I-20 pin beside fork', 'I-30 soft-dirty over a pin']

test("policies of one's own, kernels and policies by name: those that are asked for, and no others", async () => {
  const [like, thp] = [policyFile('like'), policyFile('small', '', `'thp'`)]
  const policies = [like, thp, 'mm-id']
  const rows = await knownFailureRows({ ...OF, policies, kernels: ['5.9.1', '6.18.44'] })
  const of = (name: string) =>
    rows.filter(({ policy }) => policy === name).map(({ failure, verdict }) => [failure, verdict])
  expect([...new Set(rows.map(({ policy }) => policy))]).toEqual([
    ...['like', 'small', 'mm-id', 'page-count (kernel 5.9.1)', 'mm-id (kernel 6.18.44)'],
  ])
  expect(of('like')).toEqual(of('mm-id'))
  expect(of('mm-id (kernel 6.18.44)')).toEqual(of('mm-id'))
  const na = (name: string) => of(name).filter(([, verdict]) => verdict === 'not applicable')
  // Soft-dirty pages are tracked by 2 tests, one of them of a huge page, shared tables by 3, and 9 more have huge pages.
  expect([na('like').length, na('small').length]).toEqual([5, 14])
  const lost = (name: string) => of(name).filter(([, verdict]) => verdict === 'lost coherence')
  expect(lost('page-count (kernel 5.9.1)').map(([failure]) => failure)).toEqual(
    expect.arrayContaining(OF_5_9),
  )
  const later = await knownFailureRows({ ...OF, policies: ['page-count'] })
  const still = later.filter(({ verdict }) => verdict === 'lost coherence')
  expect(still.filter(({ failure }) => OF_5_9.includes(failure))).toEqual([])
})

test.each<[string, Partial<Sufferers>, string]>([
  ['a policy that is none', { policies: ['mm-di'] }, 'unknown policy: mm-di; did you mean mm-id?'],
  ['a kernel that is none', { kernels: ['6.18'] }, 'unknown kernel: 6.18; '],
  ['twins', { policies: ['mm-id', 'mm-id'] }, 'invalid policy: two are called mm-id'],
])('%s is refused, and nothing written', async (_, asked, message) => {
  const out = join(dir, 'out')
  await expect(drawKnownFailures(out, { ...OF, ...asked })).rejects.toThrow(message)
  expect(existsSync(out)).toBe(false)
})

test('a policy that never answers is told, with the operation', async () => {
  const file = policyFile('loops', 'wpReuse: () => { for (;;); }')
  await expect(knownFailureRows({ ...OF, policies: [file], seconds: 1 })).rejects.toThrow(
    /^invalid policy: loops: no answer within 1 seconds; at operation \d+ of .*I-01.*\.cow$/,
  )
})
