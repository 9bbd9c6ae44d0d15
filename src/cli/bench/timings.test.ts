/** timings.test: who is measured when, on which thread, and what becomes of those that fail. Never how long it took. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { ENDLESS_POLICY } from '../../test/endless-policy.ts'
import { type RunFlags, runOptions } from '../run/options.ts'
import { planCells } from '../run/planned.ts'
import { Traces } from '../run/traces.ts'
import { type Timing, timingsOf } from './timings.ts'

const home = mkdtempSync(join(tmpdir(), 'cowbench-timings-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

function file(name: string, text: string): string {
  const path = join(home, `${name}.ts`)
  writeFileSync(path, text)
  return path
}

const NOTHING = {} as RunFlags

/** `rounds` samples of one run each, for every policy and workload; `long`: traces of more events are too long. */
async function timings(
  policy: string[],
  workload: string[],
  rounds: number,
  { long, timeout = '60' }: { long?: number; timeout?: string } = {},
) {
  const run = runOptions({ ...NOTHING, policy, workload, param: ['pages=64'], timeout })
  const { plan, inputs } = await planCells(run)
  const order: string[] = []
  const { timings } = await timingsOf(plan.cells, {
    ...{ run, rounds, sampleMs: 0, traces: new Traces(inputs.origins, long) },
    taken: ({ name }) => order.push(`${name.policy} ${name.workload}`),
  })
  return { timings, order }
}
const errorsOf = (timings: readonly Timing[]): (string | undefined)[] =>
  timings.map(({ ns }) => ('error' in ns ? ns.error : undefined))

test('samples come in rounds, all cells in turn, after a round that warms up', async () => {
  const { timings: found, order } = await timings(['mm-id', 'mapcount'], ['fork-exec', 'zygote'], 3)
  const round = ['mm-id fork-exec', 'mm-id zygote', 'mapcount fork-exec', 'mapcount zygote']
  expect(order).toEqual(Array.from({ length: 4 }, () => round).flat())
  expect(found.map(({ cell: { name } }) => `${name.policy} ${name.workload}`)).toEqual(round)
  for (const { ns, events } of found) {
    if ('error' in ns) throw new Error(ns.error)
    expect([ns.samples, ns.min <= ns.median, ns.median <= ns.max]).toEqual([3, true, true])
    expect(events).toBeGreaterThan(100)
  }
  // One trace for both policies.
  expect(found[0]?.events).toBe(found[2]?.events)
})

/** Fails where another policy was before, on the same thread. */
const jealous = (name: string): string =>
  file(
    name,
    `import { definePolicy, hooksOf } from 'cowbench'
     export default definePolicy({
       name: '${name}', summary: '', era: '', kernel: '6.18',
       hooks: () => {
         const here = (globalThis.here ??= '${name}')
         if (here !== '${name}') throw new Error('not beside ' + here)
         return hooksOf('mm-id')
       },
     })`,
  )

test('every policy has a thread of its own', async () => {
  // Here, where both are loaded, they have to get along.
  const here = Object.getOwnPropertyDescriptor(globalThis, 'here')
  Object.defineProperty(globalThis, 'here', {
    ...{ get: () => undefined, set: () => {}, configurable: true },
  })
  const twins = ['anna', 'berta'].map(jealous)
  const { timings: found } = await timings(twins, ['fork-exec', 'zygote'], 2)
  if (here === undefined) Reflect.deleteProperty(globalThis, 'here')
  expect(errorsOf(found)).toEqual([undefined, undefined, undefined, undefined])
})

test('a policy that throws or never answers has an error with its event, and the others go on', async () => {
  const throws = file(
    'throws',
    `import { definePolicy } from 'cowbench'
     export default definePolicy({
       name: 'throws', summary: '', era: '', kernel: '6.18',
       hooks: () => ({ wpReuse() { throw new Error('not today') } }),
     })`,
  )
  const policies = [throws, file('loops', ENDLESS_POLICY), 'mm-id']
  const { timings: found, order } = await timings(policies, ['fork-exec', 'vmsplice-child'], 2, {
    timeout: '4',
  })
  expect(errorsOf(found)).toEqual(
    [
      ...[/^wpReuse threw: not today; at event \d+$/, /^wpReuse threw: not today; at event \d+$/],
      ...[
        /^no result within 4 seconds; at event \d+$/,
        /^no result within 4 seconds; at event \d+$/,
      ],
      ...[undefined, undefined],
    ].map((line) => line && expect.stringMatching(line)),
  )
  // What failed while it warmed up is not tried again.
  expect(order.filter((line) => line.startsWith('loops')).length).toBe(2)
  expect(order.filter((line) => line.startsWith('mm-id')).length).toBe(2 * 3)
})

test('a workload that fails, and a trace that is too long, are errors of all their cells', async () => {
  const throws = file(
    'workload',
    `import { defineWorkload } from 'cowbench'
     export default defineWorkload({
       name: 'throws', summary: '', params: {}, generate() { throw new Error('no trace today') },
     })`,
  )
  const failed = await timings(['mm-id', 'mapcount'], [throws, 'fork-exec'], 1)
  const why = 'invalid trace: generate threw: no trace today; at workload.ts:3'
  expect(errorsOf(failed.timings)).toEqual([why, undefined, why, undefined])
  const { timings: found } = await timings(['mm-id'], ['bg'], 1, { long: 1000 })
  expect(errorsOf(found)).toEqual([
    'unsupported trace: too long to be held in memory; expected a shorter one',
  ])
})
