import { expect, test } from 'vitest'
import { Scene } from '../test/scene.ts'

test.each([
  // A copy whoever is left; the last one of the other designs takes the table back.
  ['on-demand-fork', 2, 1],
  ['cow-pte-owner', 1, 0],
  ['cow-pte-accounted', 1, 0],
])('%s: a part unmapped from a table that nobody else uses any more', (policy, copied, missed) => {
  const s = new Scene(policy)
  s.owner(512)
  const child = s.fork(0)
  s.store(0, 0)
  s.unmap(child, 511, 1)
  expect([s.m.counts.tableCopies, s.counts.missed_reuses]).toEqual([copied, missed])
})

test('what COW PTE v2 gives up besides what was unmapped, the others have alone, table and pages', () => {
  const s = new Scene('cow-pte-owner')
  s.owner(16)
  s.drain()
  const child = s.fork(0)
  s.unmap(0, 0, 1)
  s.swapout(child, 0, 2)
  s.store(child, 1)
  expect(s.counts).toMatchObject({ reuses: 2, unsafe_reuses: 0 })
})
