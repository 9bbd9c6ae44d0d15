/** own-trace.test: an author is told which line of his file writes what cannot be. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildTrace, streamTrace } from '../workload/api.ts'
import { madeBy, type OwnTrace, OwnTraceCheck } from './own-trace.ts'
import { loadWorkload } from './workloads.ts'

let home: string
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'cowbench own trace '))
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

/** A workload of a process with 8 pages, which does `deed` in line 8 of its file. */
async function written(name: string, deed: string): Promise<OwnTrace> {
  const path = join(home, `${name}.ts`)
  const text = `import { defineWorkload } from 'cowbench'
const named = (of: { pages: number }, name: string): number => of[name]
export default defineWorkload({
  name: '${name}', summary: '', params: {},
  generate(t, rng) {
    const mm: number = t.spawn()
    t.mmap(mm, 0, 8, 0, 3)
    ${deed}
    t.exit(mm)
  },
})`
  writeFileSync(path, text)
  return { workload: (await loadWorkload(path)).definition, values: {}, seed: 1, path }
}

function told(own: OwnTrace): string {
  try {
    const trace = madeBy(own, () => buildTrace(own.workload, {}, 1))
    const check = new OwnTraceCheck(own)
    check.take(trace)
    check.end()
    return 'nothing'
  } catch (error) {
    return (error as Error).message
  }
}

test.each([
  // Events 0 and 1 start the process and map its pages.
  [
    'event',
    't.load(mm, 7); t.load(mm, 8)',
    'event 3: load: page 8 of process 0 is not mapped; at event.ts:8',
  ],
  [
    'many',
    't.storeSame(mm, [1, 2, 9, 3])',
    'event 4: writesame: page 9 of process 0 is not mapped; at many.ts:8',
  ],
  ['thrown', 't.write(mm, 0)', 'generate threw: t.write is not a function; at thrown.ts:8'],
  [
    'operand',
    `t.store(mm, named({ pages: 8 }, 'page'))`,
    'generate threw: invalid vpn of store: undefined; expected a whole number of 32 bits; at operand.ts:8',
  ],
  ['text', `throw 'no'`, 'generate threw: no'],
  ['alive', 't.fork(mm)', 'process 1 has not exited by its end'],
  [
    'chance',
    't.store(mm, rng.below(0))',
    'generate threw: invalid range: 0; expected 1 to 2^32; at chance.ts:8',
  ],
])('%s', async (name, deed, problem) => {
  expect(told(await written(name, deed))).toBe(`invalid trace: ${problem}`)
})

test('an event that needs what the workload does not say it needs', async () => {
  const own = await written('swaps', 't.swapout(mm, 0, 4)')
  expect(told(own)).toBe(
    'invalid needs of workload swaps: without swap, which event 2 (swapout) needs; at swaps.ts:8',
  )
})

test('what the pieces of a long trace show is told with the line that wrote it, not the one that filled the piece', async () => {
  const own = await written(
    'long',
    't.store(mm, 9)\nfor (let i = 0; i < 1 << 21; i++) t.store(mm, i & 7)',
  )
  const check = new OwnTraceCheck(own)
  const stream = () => streamTrace(own.workload, {}, 1, (chunk) => check.take(chunk))
  expect(() => madeBy(own, stream)).toThrow(/^invalid trace: event 2: .*; at long\.ts:8$/)
})

test('a trace that is sound is as it was', async () => {
  const own = await written('sound', 't.store(mm, 7)')
  expect(madeBy(own, () => buildTrace(own.workload, {}, 1)).events).toBe(4)
  expect(told(own)).toBe('nothing')
})
