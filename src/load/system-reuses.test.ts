import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemReusesBeside } from './system-reuses.ts'
import { loadTrace, writeTrace } from './trace-file.ts'

const REDIS = 'workloads/recorded/redis-bgsave.perf.txt.gz'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cowbench-note-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function noteOf(text: string): string {
  const recording = join(folder, 'x.perf.txt')
  writeFileSync(`${recording}.json`, text)
  return recording
}

test('a note beside a recording says what the kernel counted, and stays with the trace', async () => {
  const { trace, source, system } = await loadTrace(REDIS)
  expect(system).toEqual({ pgreuse: 9464, others: 'the load generator' })
  const path = join(folder, 'redis.trace.gz')
  writeTrace(path, trace, { source, system: system! })
  expect((await loadTrace(path)).system).toEqual(system)
})

test('what else ran need not be said, and a recording needs no note', () => {
  expect(systemReusesBeside(noteOf('{"pgreuse": 409}'))).toEqual({ pgreuse: 409 })
  const apart = { pgreuse: 409, byOthers: 150 }
  expect(systemReusesBeside(noteOf(JSON.stringify(apart)))).toEqual(apart)
  expect(systemReusesBeside(join(folder, 'other.perf.txt'))).toBeUndefined()
})

test.each([
  '',
  '409',
  'null',
  '{}',
  '{"pgreuse": "409"}',
  '{"pgreuse": -1}',
  '{"pgreuse": 1.5}',
  '{"pgreuse": 9, "byOthers": -1}',
])('a note that says %o is refused by name', (text) => {
  const recording = noteOf(text)
  expect(() => systemReusesBeside(recording)).toThrow(
    `invalid note: ${recording}.json; expected: {"pgreuse": COUNT, "byOthers": COUNT, "others": "WHAT ELSE RAN"}`,
  )
})
