/**
 * differential.soak: fresh random traces in the simulator and in the reference model, and a table of how many differed.
 * COWBENCH_SOAK_TRACES and COWBENCH_SOAK_SEED set how many and which.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { POLICIES } from '../../policies/index.ts'
import {
  againstReference,
  firstDifference,
  PROTOTYPES,
  randomTraces,
  type Search,
} from './model-differences.ts'

const FOLDER = fileURLToPath(new URL('../../results/soak', import.meta.url))
const EVENTS = 300
/** Traces in memory at once; the n-th batch has the n-th seed from `seed` on. */
const BATCH = 250
const traces = Number(process.env['COWBENCH_SOAK_TRACES'] ?? 20_000)
const seed = Number(process.env['COWBENCH_SOAK_SEED'] ?? Date.now() % 2 ** 31)

const rows: string[] = []

test.each(POLICIES.map((policy) => [policy.name, policy] as const))(
  `%s: no difference in ${traces} traces from seed ${seed}`,
  (name, policy) => {
    const began = performance.now()
    const differing: Search[] = []
    let run = 0
    let events = 0
    let differ = 0
    for (let batch = 0; batch * BATCH < traces; batch++) {
      const some = Math.min(BATCH, traces - batch * BATCH)
      const search = { seed: seed + batch, traces: some, events: EVENTS }
      const before = differ
      for (const trace of randomTraces(policy, search)) {
        run++
        events += trace.events
        if (againstReference(policy, trace).length > 0) differ++
      }
      if (differ > before) differing.push(search)
    }
    const seconds = Math.round((performance.now() - began) / 1000)
    rows.push(`| ${name} | ${run} | ${events} | ${differ} | ${seconds} |`)
    const [first] = differing
    // What two unsound prototypes lose no record tells in such detail; how often that shows is in the table.
    if (first !== undefined && !PROTOTYPES.includes(name))
      expect.fail(firstDifference(policy, againstReference, first))
  },
)

afterAll(() => {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  const text = [
    '# Simulator against reference model',
    '',
    `Random traces of up to ${EVENTS} operations, seed ${seed}; every metric that the reference model counts is compared.`,
    `Run on ${new Date().toISOString().slice(0, 10)} at commit ${commit} with \`npm run soak\` (src/test/differential.soak.ts).`,
    '',
    '| policy | traces | events | differing traces | seconds |',
    '|---|---:|---:|---:|---:|',
    ...rows,
    '',
  ]
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(`${FOLDER}/differential.md`, text.join('\n'))
})
