/** address-space.test: what calls that change a mapping leave behind: areas, page tables, and the time they took. */
import { describe, expect, test } from 'vitest'
import { PG_SWAPCACHE } from '../state/frames.ts'
import { Scene } from '../test/scene.ts'
import {
  MADV_COLLAPSE,
  MADV_NOHUGEPAGE,
  OP_WRITEBACK,
  OP_WRITEBACK_END,
  PROT_READ,
} from '../trace/ops.ts'
import { FAILED, OK } from './answers.ts'

describe('mremap that is refused changes nothing', () => {
  test('of two areas, before 6.17', () => {
    const s = new Scene('anon-exclusive')
    const mm = s.owner(1024, { order: 9 })
    s.mprotect(mm, 512, 512, PROT_READ)
    const areas = s.mm(mm).vmas.length
    expect(s.mremap(mm, 256, 512, 4096)).toBe(FAILED)
    expect(s.mm(mm).vmas).toHaveLength(areas)
    expect(s.m.counts.pmdSplits).toBe(0)
  })

  test('of a hole', () => {
    const s = new Scene('mm-id')
    const mm = s.owner(512, { order: 9 })
    s.unmap(mm, 0, 512)
    expect(s.mremap(mm, 0, 8, 4096)).toBe(FAILED)
  })
})

describe('the time that madvise takes is fault time, whatever comes after it', () => {
  test('MADV_NOHUGEPAGE of half a huge mapping', () => {
    const s = new Scene('mm-id')
    const mm = s.owner(512, { order: 9 })
    const { faultNs } = s.m.counts
    expect(s.madvise(mm, 0, 256, MADV_NOHUGEPAGE)).toBe(OK)
    expect(s.m.counts.faultNs - faultNs).toBe(s.m.cost.pmdSplit)
    s.fork(mm)
    const { forkNs } = s.m.counts
    const other = new Scene('mm-id')
    const its = other.owner(512, { order: 9 })
    other.madvise(its, 0, 256, MADV_NOHUGEPAGE)
    other.drain()
    other.fork(its)
    expect(forkNs).toBe(other.m.counts.forkNs)
  })

  test('MADV_COLLAPSE that is refused for its range', () => {
    const s = new Scene('mm-id')
    const mm = s.owner(1024, { order: 9 })
    s.madvise(mm, 0, 1024, MADV_NOHUGEPAGE)
    s.store(mm, 0)
    expect(s.madvise(mm, 8, 16, MADV_COLLAPSE)).toBe(FAILED)
    expect(s.m.spent).toBe(0)
  })
})

test.each([0, 1])(
  'writeback of a folio that lost page %i meanwhile ends alike: the others leave the swapcache',
  (gone) => {
    const s = new Scene('mm-id')
    const mm = s.owner(16, { order: 4 })
    s.do(OP_WRITEBACK, mm, 0, 16)
    const pfn = s.m.k.swap.cached[s.slot(mm, 8)] ?? 0
    expect(s.m.frames.has(s.m.frames.head(pfn), PG_SWAPCACHE)).toBe(true)
    s.unmap(mm, gone, 1)
    s.do(OP_WRITEBACK_END, mm)
    expect(s.m.k.swap.cached[s.slot(mm, 8)]).toBe(0)
  },
)
