import { expect, test } from 'vitest'
import { Scene } from '../test/scene.ts'
import { OP_NUMA_HINT, PIN_DMAPIN, PIN_VMSPLICE } from '../trace/ops.ts'
import type { EraName } from './era.ts'

/** Which of four pages the scan takes: the process's own, one held (FOLL_GET), one pinned, one that a child maps too. */
function hinted(policy: string, era: EraName): number[] {
  const s = new Scene(policy, { era })
  s.owner(4)
  s.drain()
  s.fork(0)
  s.store(0, 0, 1, 2)
  s.drain()
  s.pin(0, 1, 1, PIN_VMSPLICE)
  s.pin(0, 2, 1, PIN_DMAPIN)
  return [0, 1, 2, 3].map((vpn) => s.faults(() => s.do(OP_NUMA_HINT, 0, vpn, 1)))
}

test.each<[string, EraName, number[]]>([
  ['forced-gup-break', '5.8', [1, 1, 1, 0]],
  ['page-count', '5.15', [1, 0, 0, 0]],
  ['page-count-refined', '5.18', [1, 0, 0, 0]],
  ['anon-exclusive', '6.1', [1, 0, 0, 0]],
  ['order0-copy', '6.12', [1, 1, 0, 0]],
  ['mm-id', '6.18', [1, 1, 0, 0]],
])('pages that others use as well get no hint fault: %s in %s', (policy, era, expected) => {
  expect(hinted(policy, era)).toEqual(expected)
})
