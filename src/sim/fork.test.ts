import { describe, expect, test } from 'vitest'
import { COPY, definePolicy, type Kernel, pageMaybeDmaPinned, pinnedOnly } from '../policy/api.ts'
import { PG_EXCLUSIVE } from '../state/frames.ts'
import { range, Scene } from '../test/scene.ts'
import {
  MADV_DONTFORK,
  MAP_SHARED,
  OP_FORK,
  OP_STORE,
  PIN_DMAPIN,
  PIN_VMSPLICE,
  PROT_READ,
} from '../trace/ops.ts'
import { SEGV } from './answers.ts'

describe('a present page', () => {
  test('is mapped once more and write-protected on both sides', () => {
    const s = new Scene('anon-exclusive')
    const parent = s.owner(1)
    expect(s.has(parent, 0, PG_EXCLUSIVE)).toBe(true)
    const child = s.fork(parent)
    expect(s.pfn(child, 0)).toBe(s.pfn(parent, 0))
    expect(s.pageCount(parent, 0)).toBe(2)
    expect([s.entry(parent, 0).write, s.entry(child, 0).write]).toEqual([false, false])
    expect(s.has(parent, 0, PG_EXCLUSIVE)).toBe(false)
  })

  test('is copied for the child where the parent has it pinned, and stays writable', () => {
    const s = new Scene('anon-exclusive')
    const parent = s.owner(2)
    s.pin(parent, 0, 1, PIN_DMAPIN)
    const child = s.fork(parent)
    expect(s.pfn(child, 0)).not.toBe(s.pfn(parent, 0))
    expect([s.entry(parent, 0).write, s.entry(child, 0).write]).toEqual([true, true])
    // The neighbour is shared as ever.
    expect(s.pfn(child, 1)).toBe(s.pfn(parent, 1))
    expect(s.counts).toMatchObject({ fork_copies: 1, needed_copies: 1, spurious_fork_copies: 0 })
  })

  test('is copied for nothing where 1,024 references look like a pin', () => {
    const s = new Scene('anon-exclusive')
    const parent = s.owner(2)
    // FOLL_PIN anywhere arms the test; its page is let go before fork.
    s.unpin(parent, s.pin(parent, 1, 1, PIN_DMAPIN))
    for (let i = 0; i < 1023; i++) s.get(parent, 0)
    s.fork(parent)
    expect(s.counts).toMatchObject({ fork_copies: 1, spurious_fork_copies: 1 })
  })

  test('pinned without FOLL_PIN is shared', () => {
    const s = new Scene('anon-exclusive')
    const parent = s.owner(1)
    s.pin(parent, 0, 1, PIN_VMSPLICE)
    const child = s.fork(parent)
    expect(s.pfn(child, 0)).toBe(s.pfn(parent, 0))
  })
})

describe('a policy that copies pages at fork which may be pinned', () => {
  /** A scene under such a policy, and the pages that it was asked about. */
  function asking(marked: boolean): { s: Scene; asked: number[] } {
    const asked: number[] = []
    const forkCopies = (k: Kernel, pfn: number) => {
      asked.push(k.vpn)
      return pageMaybeDmaPinned(k, pfn)
    }
    if (marked) pinnedOnly(forkCopies)
    const about = { name: 'asked', summary: 'remembers what it is asked', era: 'none' }
    const hooks = () => ({ wpReuse: () => COPY, forkCopies })
    const definition = definePolicy({ ...about, kernel: '5.15', hooks })
    return { s: new Scene(definition, { eager: false }), asked }
  }

  test.each([
    ['each page', false, range(0, 32)],
    ['those with references only, where it is marked', true, [2, 20]],
  ])('is asked about %s', (_which, marked, pages) => {
    const { s, asked } = asking(marked)
    const parent = s.owner(32)
    s.pin(parent, 2, 1, PIN_DMAPIN)
    s.get(parent, 20)
    s.fork(parent)
    expect([asked, s.counts.fork_copies]).toEqual([pages, 1])
  })

  test.each([1, 16])('takes pages that 1,024 processes map for pinned ones: %i', (pages) => {
    const { s, asked } = asking(true)
    const parent = s.owner(pages)
    s.unpin(parent, s.pin(parent, 0, 1, PIN_DMAPIN))
    for (let child = 1; child <= 1023; child++) s.redo(OP_FORK, parent, child)
    expect([s.pageCount(parent, 0), s.counts.fork_copies]).toEqual([1024, 0])
    // Above 1,000 mappings the answer is not foreseen any more.
    expect(asked.length).toBe(pages * (1023 - 1000))
    s.redo(OP_FORK, parent, 1024)
    expect([s.pageCount(parent, 0), s.counts.fork_copies]).toEqual([1024, pages])
  })
})

test('a swap entry counts once more', () => {
  const s = new Scene('anon-exclusive')
  const parent = s.owner(1)
  s.swapout(parent, 0, 1)
  const child = s.fork(parent)
  expect(s.slot(child, 0)).toBe(s.slot(parent, 0))
  expect(s.m.k.swap.count[s.slot(parent, 0)]).toBe(2)
})

describe('an area', () => {
  test('marked DONTFORK is not in the child', () => {
    const s = new Scene('anon-exclusive')
    const parent = s.owner(4)
    s.madvise(parent, 1, 2, MADV_DONTFORK)
    const child = s.fork(parent)
    expect(s.do(OP_STORE, child, 1)).toBe(SEGV)
    expect(s.mm(child).vmas.map(({ start, end }) => [start, end])).toEqual([
      [0, 1],
      [3, 4],
    ])
  })

  test('without anonymous pages costs no page table: the child can fault it in again', () => {
    const s = new Scene('anon-exclusive')
    const parent = s.spawn()
    s.map(parent, 4)
    s.load(parent, 0)
    const child = s.fork(parent)
    expect(s.m.tables.used).toBe(1)
    expect(s.load(child, 0)).toBe(0)
  })

  test('of shared memory is faulted in again too', () => {
    const s = new Scene('anon-exclusive')
    const parent = s.owner(1, { kind: MAP_SHARED })
    const child = s.fork(parent)
    expect(s.entry(child, 0).present).toBe(false)
    s.store(child, 0)
    expect(s.pfn(child, 0)).toBe(s.pfn(parent, 0))
    expect(s.load(parent, 0)).toBe(0)
    expect(s.entry(parent, 0).write).toBe(true)
  })

  test('that may not be written to is copied with its protection', () => {
    const s = new Scene('anon-exclusive')
    const parent = s.owner(1)
    s.mprotect(parent, 0, 1, PROT_READ)
    const child = s.fork(parent)
    expect(s.do(OP_STORE, child, 0)).toBe(SEGV)
  })
})

describe('a huge mapping', () => {
  test('is shared whole, by one PMD entry and a deposited table', () => {
    const s = new Scene('anon-exclusive')
    const parent = s.owner(512, { order: 9 })
    const child = s.fork(parent)
    const head = s.pfn(parent, 0)
    expect(s.pfn(child, 511)).toBe(head + 511)
    expect(s.m.frames.entire[head]).toBe(2)
    expect(s.m.counts.pmdSplits).toBe(0)
    expect(s.m.tables.used).toBe(2)
  })

  test('is split where a page of it is pinned, and all 512 are copied', () => {
    // The pin count is the folio's: each of its exclusive pages looks pinned.
    const s = new Scene('anon-exclusive')
    const parent = s.owner(512, { order: 9 })
    s.pin(parent, 7, 1, PIN_DMAPIN)
    s.fork(parent)
    expect(s.m.counts.pmdSplits).toBe(1)
    expect(s.counts).toMatchObject({ fork_copies: 512, spurious_fork_copies: 511 })
  })

  test('is split by clairvoyant too, which copies the pinned page alone', () => {
    const s = new Scene('clairvoyant')
    const parent = s.owner(512, { order: 9 })
    s.pin(parent, 7, 1, PIN_DMAPIN)
    const child = s.fork(parent)
    expect(s.counts).toMatchObject({ fork_copies: 1, spurious_fork_copies: 0 })
    expect(range(0, 512).filter((vpn) => s.pfn(child, vpn) !== s.pfn(parent, vpn))).toEqual([7])
  })
})

test('the batch is turned over: no fresh page is in it after fork', () => {
  const s = new Scene('page-count')
  const parent = s.spawn()
  s.map(parent, 3)
  s.store(parent, 0, 1, 2)
  expect(s.m.batches.freshCount).toBe(3)
  s.fork(parent)
  expect(s.m.batches.freshCount).toBe(0)
})
