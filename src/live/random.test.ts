/** random.test: random litmus tests are valid, repeat, and shrink to what matters. */
import { expect, test } from 'vitest'
import { POLICIES } from '../../policies/index.ts'
import { parseLitmus } from '../litmus/parse.ts'
import { LitmusRun } from '../litmus/run.ts'
import { DEFAULT_PROFILE } from '../metrics/cost.ts'
import type { PolicyDefinition } from '../policy/api.ts'
import { LitmusMachines } from '../run.ts'
import { randomTest } from './random.ts'
import { shrink } from './shrink.ts'

const ALL = {
  ...{ swap: 'memory' as const, ksm: true, uffdWp: true, thp: true },
  ...{ softDirty: true, movesAreas: true, device: true },
}

test('500 random tests are valid, and together hold every kind of operation', () => {
  const verbs = new Set<string>()
  for (let index = 0; index < 500; index++) {
    const lines = randomTest(3, index, ALL)
    const { operations } = parseLitmus(lines.join('\n'), `random-3-${index}`)
    expect(operations).toHaveLength(lines.length)
    for (const { verb } of operations) verbs.add(verb)
  }
  const rare = [
    'swapout',
    'uffdwp',
    'clearrefs',
    'mremap',
    'exec',
    'poke',
    'writesame',
    'ksmwait',
    'drain',
    'show',
  ]
  for (const verb of [...rare, 'pin', 'unpin', 'devread', 'devwrite', 'fork', 'exit', 'munmap']) {
    expect(verbs).toContain(verb)
  }
})

test('a test is what its seed and its number say', () => {
  expect(randomTest(1, 5, ALL)).toEqual(randomTest(1, 5, ALL))
  expect(randomTest(1, 5, ALL)).not.toEqual(randomTest(1, 6, ALL))
  expect(randomTest(1, 5, ALL)).not.toEqual(randomTest(2, 5, ALL))
})

test('nothing is swapped out where there is no swap', () => {
  const lines = Array.from({ length: 200 }, (_, i) => randomTest(4, i, { ...ALL, swap: 'none' }))
  expect(lines.flat().filter((line) => /swapout|pageout/.test(line))).toEqual([])
})

test('nothing is merged where KSM is off, and nothing swapped out after a merge', () => {
  const without = Array.from({ length: 200 }, (_, i) => randomTest(4, i, { ...ALL, ksm: false }))
  expect(without.flat().filter((line) => /ksmwait|mergeable/.test(line))).toEqual([])
  for (let i = 0; i < 200; i++) {
    const lines = randomTest(4, i, { ...ALL, device: false })
    const merge = lines.indexOf('ksmwait')
    if (merge >= 0) expect(lines.slice(merge).join()).not.toContain('swapout')
  }
})

test('no move is refused by a kernel that moves one area at a time', () => {
  const policy = POLICIES.find(({ name }) => name === 'order0-copy') as PolicyDefinition
  const machines = new LitmusMachines()
  let moves = 0
  for (let i = 0; i < 300; i++) {
    const test = parseLitmus(randomTest(5, i, { ...ALL, movesAreas: false }).join('\n'), 'random')
    const machine = machines.next({ policy, params: {}, cost: DEFAULT_PROFILE })
    const run = new LitmusRun(test, machine, { policy: policy.name })
    for (const operation of test.operations) {
      const { outcome, op } = run.step(operation)
      if (operation.verb !== 'mremap') continue
      expect([op, outcome]).toEqual([op, 'ok'])
      moves++
    }
  }
  expect(moves).toBeGreaterThan(50)
})

test('nothing is cleared where soft-dirty is not tracked', () => {
  const lines = Array.from({ length: 200 }, (_, i) =>
    randomTest(4, i, { ...ALL, softDirty: false }),
  )
  expect(lines.flat().filter((line) => line.startsWith('clearrefs'))).toEqual([])
})

test('shrinking keeps the lines that a difference needs, and makes ranges single pages', async () => {
  const lines = [
    'spawn A',
    'mmap A buf 8',
    'write A buf[0..7]',
    'fork A B',
    'read B buf[3]',
    'madvise B buf[2..4] free',
    'exit A',
    'write B buf',
  ]
  // The difference: B stores after MADV_FREE of the page, whatever else there is.
  const short = await shrink(lines, 'case', async ({ operations }) => {
    const freed = operations.findIndex(({ text }) => text.endsWith(' free'))
    return freed >= 0 && operations.slice(freed).some(({ verb }) => verb === 'write')
  })
  expect(short).toEqual(['spawn A', 'mmap A buf 8', 'madvise A buf[2] free', 'write A buf[0]'])
})
