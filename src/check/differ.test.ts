/** Where two policies part: sequences and lengths that follow from their rules. */
import { expect, test } from 'vitest'
import { parseLitmus } from '../litmus/parse.ts'
import { replay } from './counterexample.ts'
import { MODELS } from './models.ts'
import { search } from './search.ts'
import { settingsOf } from './thread.ts'

async function partingOf(one: string, other: string, model: string, depth: number) {
  const subject = (policy: string) => ({ policy, params: {}, swapDisk: false })
  const [result] = await search({
    ...{ name: one, subject: subject(one), against: { name: other, subject: subject(other) } },
    models: MODELS.filter(({ name }) => name === model),
    depthOf: () => depth,
    ...{ goal: 'violation', every: false, memory: 2 ** 30, jobs: 1 },
  })
  return result
}

test.each([
  // A read-only pin of a hole, which always-copy fills with a page of its own; then a store.
  ['always-copy', 'mapcount', 'fork-pin', 2, 2],
  // A pin, a fork, which copies the pinned page for the child from 5.9 on; then a store of the parent.
  ['reuse-swap-page', 'page-count', 'fork-pin', 3, 3],
  // O_DIRECT, swap-out, a store: it is a swap-in to both, and only the device tells that one of them copied (I-10).
  ['page-count', 'page-count-refined', 'swap', 3, 4],
  // Fill, fork, a store of the parent, which leaves the page; a pipe of the child's own, which counts as a sharer; its
  // store.
  ['mm-id', 'clairvoyant', 'fork-pin', 5, 5],
  // Fill, a pipe, MADV_FREE, swap-out: what somebody refers to 6.18 leaves as it is, and earlier kernels swap out.
  ['mm-id', 'order0-copy', 'swap', 4, 4],
])('%s and %s part in %s after %i actions', async (one, other, model, depth, operations) => {
  const result = await partingOf(one, other, model, depth)
  const [found] = result?.counterexamples ?? []
  expect(found?.operations).toBe(operations)
  const shorter = await partingOf(one, other, model, depth - 1)
  expect(shorter?.counterexamples).toEqual([])
  // The file holds for both, and says where they part.
  const test = parseLitmus(found?.cow ?? '', 'found.cow')
  const parting = test.operations.filter(({ expectations }) => expectations.length === 2)
  expect(parting.map(({ expectations }) => expectations.map(({ names }) => names))).toContainEqual([
    [one],
    [other],
  ])
  for (const policy of [one, other]) {
    const settings = await settingsOf({ policy, params: {}, swapDisk: false })
    for (const { operation, outcome } of replay(settings, test).results) {
      const mine = operation.expectations.filter(({ names }) => names.includes(policy))
      for (const { outcome: expected } of mine) expect(expected).toBe(outcome)
    }
  }
})

test('O_DIRECT that promises more in the one era than in the other is no difference by itself', async () => {
  // Both copy a page that direct I/O refers to when its process stores after a fork; mapcount's era promises otherwise.
  const result = await partingOf('mapcount', 'reuse-swap-page', 'fork-pin', 5)
  expect([result?.depth, result?.counterexamples]).toEqual([5, []])
})

test('policies that ask large folios differently are the same where there are none', async () => {
  const result = await partingOf('order0-copy', 'mm-id', 'fork-pin', 6)
  expect(result?.counterexamples).toEqual([])
  expect(result?.depth).toBe(6)
})

test('a page of a huge folio tells order0-copy from table-scan', async () => {
  const result = await partingOf('table-scan', 'order0-copy', 'thp', 5)
  const [found] = result?.counterexamples ?? []
  // Filled by a huge page, which mprotect of a part splits; forked, and the child gives it up: the entries are this
  // process's alone, which the table shows.
  expect(found?.operations).toBe(5)
  expect(found?.sentence).toBe(
    'difference: `pin A buf[0] P1 ropin` is ok under table-scan, moved under order0-copy',
  )
})
