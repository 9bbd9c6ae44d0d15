/** stream-cells.test: a trace that is never there as a whole gives the rows that it gives in memory. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { POLICIES } from '../../../policies/index.ts'
import { WORKLOADS } from '../../../workloads/index.ts'
import { longTrace } from '../../load/long-trace.ts'
import { writeTrace } from '../../load/trace-file.ts'
import { loadWorkload } from '../../load/workloads.ts'
import { COST_PROFILES, type CostProfile } from '../../metrics/cost.ts'
import { defaults } from '../../params/params.ts'
import type { Cell, PolicyChoice, TraceChoice, WorkloadChoice } from '../../plan.ts'
import type { CellOutcome } from '../../worker.ts'
import { buildTrace } from '../../workload/api.ts'
import type { TraceOrigin } from './inputs.ts'
import { runCells } from './pool.ts'
import { Traces } from './traces.ts'

const WORKER = new URL('../../../dist/src/worker.js', import.meta.url)
if (!existsSync(WORKER))
  throw new Error(`missing ${fileURLToPath(WORKER)}: run npm run build first`)
const home = mkdtempSync(join(tmpdir(), 'cowbench-stream-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

const named = <T extends { readonly name: string }>(all: readonly T[], name: string): T => {
  const found = all.find((one) => one.name === name)
  if (found === undefined) throw new RangeError(`unknown: ${name}`)
  return found
}
const choiceOf = (name: string): WorkloadChoice => ({
  ...{ name, params: named(WORKLOADS, name).params, needs: () => [] },
})
const policies: PolicyChoice[] = ['mapcount', 'page-count', 'mm-id'].map((name) => ({
  definition: named(POLICIES, name),
}))

/** What `run` makes of these policies on this trace where no trace of more than `long` events is held. */
async function run(
  origins: Map<WorkloadChoice, TraceOrigin>,
  trace: TraceChoice,
  long: number,
  subjects = policies,
  timeoutSeconds = 100,
) {
  const traces = new Traces(origins, long)
  const outcomes: Record<string, CellOutcome> = {}
  const cells: Cell[] = subjects.map((policy) => {
    const name = { policy: policy.definition.name, workload: 'w', params: '', seed: trace.seed }
    return { ...{ key: name.policy, policy, policyValues: {}, trace, name } }
  })
  await runCells(cells, {
    ...{ worker: WORKER, jobs: 2, timeoutSeconds, traces },
    taskOf: ({ policy: { definition, file } }, seatOrTrace) => ({
      ...{ policy: file?.path ?? definition.name, params: {}, oracle: 'epoch', check: false },
      ...{ cost: COST_PROFILES['vm'] as CostProfile, trace: seatOrTrace },
    }),
    finished: ({ key }, outcome) => {
      outcomes[key] = outcome
    },
    signal: new AbortController().signal,
  })
  return { outcomes, facts: traces.facts(trace), streamed: traces.source(trace) !== undefined }
}

const bg = choiceOf('bg')
const values = { ...defaults(bg.params), pages: 2000, rounds: 3, accesses: 250_000 }
const bgOrigins = new Map<WorkloadChoice, TraceOrigin>([[bg, { workload: named(WORKLOADS, 'bg') }]])

test('a generated trace in chunks gives what it gives whole, its hash included', async () => {
  const trace = { workload: bg, values, seed: 3 }
  const whole = await run(bgOrigins, trace, 1e9)
  const streamed = await run(bgOrigins, trace, 1e6)
  expect([whole.streamed, streamed.streamed]).toEqual([false, true])
  expect(streamed.outcomes).toMatchObject({
    mapcount: { ok: true, values: { violations: 0 } },
    'page-count': { ok: true },
    'mm-id': { ok: true },
  })
  expect(streamed.outcomes).toEqual(whole.outcomes)
  // The fill, three rounds of fork, exit and twice the accesses; spawn, mmap and exit.
  expect(streamed.facts.events).toBe(2000 + 3 * (2 + 500_000) + 3)
  expect(streamed.facts).toEqual(whole.facts)
})

test('a trace whose length nobody knows is found to be too long, and then streamed', async () => {
  const shell = choiceOf('fork-exec')
  const origins = new Map<WorkloadChoice, TraceOrigin>([
    [shell, { workload: named(WORKLOADS, 'fork-exec') }],
  ])
  const trace = { workload: shell, values: defaults(shell.params), seed: 1 }
  const whole = await run(origins, trace, 1e9)
  const streamed = await run(origins, trace, 2000)
  expect([whole.streamed, streamed.streamed]).toEqual([false, true])
  expect(streamed.outcomes).toMatchObject({ mapcount: { ok: true }, 'mm-id': { ok: true } })
  expect(streamed).toEqual({ ...whole, streamed: true })
})

test('a trace file in chunks gives what it gives whole, and nothing if it is damaged', async () => {
  const path = join(home, 'bg.trace')
  const built = buildTrace(named(WORKLOADS, 'bg'), values, 3)
  writeTrace(path, built, { source: 'test' })
  const file = longTrace(path, 1e6)
  const recorded: WorkloadChoice = { name: 'bg', params: {}, needs: () => [] }
  if (file === undefined) throw new Error('not long')
  const trace = { workload: recorded, values: {}, seed: 1 }
  const fromFile = await run(new Map([[recorded, { file }]]), trace, 1e6)
  const whole = await run(bgOrigins, { workload: bg, values, seed: 3 }, 1e9)
  expect(fromFile).toEqual({ ...whole, streamed: true })

  const other = { file: { path, header: { ...file.header, hash: '0123456789abcdef' } } }
  const damaged = await run(new Map([[recorded, other]]), trace, 1e6)
  const error = `invalid trace: ${path} is damaged; its content has the hash ${file.header.hash}`
  expect(damaged.outcomes).toEqual({
    mapcount: { ok: false, error },
    'mm-id': { ok: false, error },
    'page-count': { ok: false, error },
  })
})

test('a policy that throws leaves the others to their end', async () => {
  const path = join(home, 'moody.mjs')
  writeFileSync(
    path,
    `import { definePolicy } from 'cowbench'
     let calls = 0
     export default definePolicy({
       name: 'moody', summary: '', era: '-', kernel: '6.18',
       hooks: () => ({ wpReuse() { if (++calls > 5000) throw new Error('not today'); return 0 } }),
     })`,
  )
  const moody: PolicyChoice = {
    definition: { ...named(POLICIES, 'mapcount'), name: 'moody' },
    file: { path, hash: '' },
  }
  const trace = { workload: bg, values, seed: 3 }
  const alone = await run(bgOrigins, trace, 1e6)
  const { outcomes } = await run(bgOrigins, trace, 1e6, [...policies, moody])
  expect(outcomes).toEqual({
    ...alone.outcomes,
    moody: expect.objectContaining({
      ok: false,
      error: expect.stringMatching(/^wpReuse threw: not today; at event \d+$/),
    }),
  })
})

/** What becomes of a long trace of a workload of one's own that writes this. */
async function runOwn(written: string, timeoutSeconds?: number) {
  const path = join(home, 'odd.mjs')
  writeFileSync(
    path,
    `import { defineWorkload } from 'cowbench'
     export default defineWorkload({
       name: 'odd', summary: '', params: {}, events: () => 1e9,
       generate(t) { ${written} },
     })`,
  )
  const { file } = await loadWorkload(path)
  if (file === undefined) throw new Error('no file')
  const odd: WorkloadChoice = { name: 'odd', params: {}, needs: () => [], file }
  const declared = { ...named(WORKLOADS, 'bg'), name: 'odd', events: () => 1e9 }
  const trace = { workload: odd, values: {}, seed: 1 }
  const origins = new Map([[odd, { workload: declared }]])
  return await run(origins, trace, 1e6, policies, timeoutSeconds)
}

test.each([
  ['t.store(5, 0)', 'event 0: store: process 5 was never started; at odd.mjs:4'],
  ['t.spawn()', 'process 0 has not exited by its end'],
])("a workload that fails costs all of its trace's cells: %s", async (written, line) => {
  const { outcomes, facts } = await runOwn(written)
  const error = `invalid trace: ${line}`
  expect(Object.values(outcomes)).toEqual(Array(3).fill({ ok: false, error }))
  expect(facts).toEqual({ hash: '', events: 0 })
})

test.each([
  ['before it writes an event', 'for (;;);'],
  [
    'after millions of them',
    'const mm = t.spawn(); t.mmap(mm, 0, 4, 0, 3); for (let i = 0; i < 3e6; i++) t.store(mm, 0); for (;;);',
  ],
])('a workload that stops writing without an end costs its cells: %s', async (_, written) => {
  const { outcomes } = await runOwn(written, 2)
  const error = 'no trace within 2 seconds'
  expect(Object.values(outcomes)).toEqual(Array(3).fill({ ok: false, error }))
})
