/** own-policies.test: a search under a policy of one's own that throws, never answers, or answers differently each time. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MODELS } from './models.ts'
import { probe, type SearchOptions, search } from './search.ts'

let home: string
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'cowbench-search-'))
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

/** A policy that answers as mm-id does, but for its deed; `asked` counts the questions about a store. */
function searchUnder(name: string, deed: string, options: Partial<SearchOptions>): SearchOptions {
  const policy = join(home, `${name}.ts`)
  writeFileSync(
    policy,
    `import { definePolicy, hooksOf, REUSE } from 'cowbench'
     const good = hooksOf('mm-id')
     let asked = 0
     export default definePolicy({
       name: '${name}', summary: '', era: '', kernel: '6.18',
       hooks: () => ({ ...good, wpReuse(k, pfn) { asked++; ${deed}; return good.wpReuse(k, pfn) } }),
     })`,
  )
  return {
    ...{ name, subject: { policy, params: {}, swapDisk: false }, goal: 'violation', every: false },
    ...{ models: MODELS.slice(0, 1), depthOf: () => 5, memory: 2 ** 30, jobs: 1, seconds: 1 },
    ...options,
  }
}

const FIRST = 'spawn A; mmap A buf 1; pin A buf[0] P1 ropin; write A buf[0]'

test.each<[string, string, string]>([
  ['throws', `throw new Error('boom')`, `wpReuse threw: boom; at: ${FIRST}`],
  ['loops', 'for (;;);', `wpReuse gave no answer within 1 seconds; at: ${FIRST}`],
])('a policy that %s is named, with the lines that led there', async (name, deed, told) => {
  const message = `invalid policy: ${name}: ${told}`
  await expect(search(searchUnder(name, deed, {}))).rejects.toThrow(message)
  await expect(probe(searchUnder(name, deed, {}))).rejects.toThrow(message)
  const against = { subject: { policy: 'mm-id', params: {}, swapDisk: false }, name: 'mm-id' }
  await expect(search(searchUnder(name, deed, { against }))).rejects.toThrow(message)
})

test('so is one that fails among random sequences', async () => {
  const random = { seconds: 5, seed: 1 }
  const drawn = { ...searchUnder('random', 'if (asked > 100) throw new Error("boom")', { random }) }
  // One action deep nobody is asked anything.
  await expect(search({ ...drawn, depthOf: () => 1 })).rejects.toThrow(
    /^invalid policy: random: wpReuse threw: boom; at: spawn A; mmap A buf 1; .*(write|writesame) [AB] buf\[0\]$/,
  )
})

test('a policy that answers the same question differently is told so, and what to look for', async () => {
  // It gives a page away now and then, but not where it did before.
  const deed = 'if (asked % 29 === 0) return REUSE'
  await expect(search(searchUnder('flaky', deed, { every: true }))).rejects.toThrow(
    /^invalid policy: flaky: its answers are not repeatable: what failed once did not when the same was done again; look for Math\.random, Date, and variables that outlive a call; at: spawn A; .*$/,
  )
})
