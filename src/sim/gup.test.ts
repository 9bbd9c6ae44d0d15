/** References: what taking one does to the page, what it keeps in memory, and FOLL_FORCE stores. */
import { describe, expect, test } from 'vitest'
import { GUP_PIN_COUNTING_BIAS, PG_ANON, PG_EXCLUSIVE } from '../state/frames.ts'
import { range, Scene } from '../test/scene.ts'
import { DEV_COHERENT, DEV_INCOHERENT, DEV_LEAK, DEV_NOLEAK } from '../trace/observed.ts'
import {
  MADV_DONTNEED,
  MAP_PRIVATE_FILE,
  MAP_SHARED,
  OP_PIN,
  PIN_DMAPIN,
  PIN_IOURING,
  PIN_ODIRECT,
  PIN_ROPIN,
  PIN_VMSPLICE,
  PROT_READ,
} from '../trace/ops.ts'
import { FAILED, OK } from './answers.ts'
import { PAGE_ZERO } from './observe.ts'

describe('a pin', () => {
  test('adds one reference by FOLL_GET and 1,024 by FOLL_PIN', () => {
    for (const [kind, references] of [
      [PIN_VMSPLICE, 1],
      [PIN_DMAPIN, GUP_PIN_COUNTING_BIAS],
      [PIN_IOURING, GUP_PIN_COUNTING_BIAS],
      [PIN_ROPIN, GUP_PIN_COUNTING_BIAS],
    ] as const) {
      const s = new Scene('anon-exclusive')
      const mm = s.owner(1)
      const pin = s.pin(mm, 0, 1, kind)
      expect([kind, s.pageCount(mm, 0)]).toEqual([kind, 1 + references])
      s.unpin(mm, pin)
      expect(s.pageCount(mm, 0)).toBe(1)
    }
  })

  test('of direct I/O is a FOLL_GET until 6.4 and a FOLL_PIN since 6.5', () => {
    for (const [policy, references] of [
      ['anon-exclusive', 1],
      ['mm-id', GUP_PIN_COUNTING_BIAS],
    ] as const) {
      const s = new Scene(policy)
      s.pin(s.owner(1), 0, 1, PIN_ODIRECT)
      expect([policy, s.pageCount(0, 0)]).toEqual([policy, 1 + references])
    }
  })

  test('of a large folio counts once a page, exactly', () => {
    const s = new Scene('anon-exclusive')
    const mm = s.owner(4, { order: 2 })
    s.pin(mm, 1, 2, PIN_DMAPIN)
    expect(s.m.frames.pins[s.pfn(mm, 0)]).toBe(2)
    expect(s.pageCount(mm, 3)).toBe(4 + 2)
  })

  test('keeps its page in memory, and in sight, when the process unmaps it', () => {
    const s = new Scene('anon-exclusive')
    const mm = s.owner(1)
    const pin = s.pin(mm, 0, 1, PIN_VMSPLICE)
    s.unmap(mm, 0, 1)
    expect(s.m.frames.used).toBe(1)
    expect(s.devread(mm, pin)).toBe(DEV_NOLEAK)
    s.unpin(mm, pin)
    expect(s.m.frames.used).toBe(0)
  })

  test('is dropped when its process exits, and not handed to a child', () => {
    const s = new Scene('anon-exclusive')
    const parent = s.owner(1)
    s.pin(parent, 0, 1, PIN_VMSPLICE)
    s.fork(parent)
    s.exit(parent)
    expect(s.m.k.pins.size).toBe(0)
    expect(s.pageCount(1, 0)).toBe(1)
  })

  test('takes all of its pages or none', () => {
    const s = new Scene('anon-exclusive')
    const mm = s.owner(2)
    // The third page is not mapped.
    expect(s.do(OP_PIN, mm, 0, 3, PIN_DMAPIN, 0)).toBe(FAILED)
    expect(range(0, 2).map((vpn) => s.pageCount(mm, vpn))).toEqual([1, 1])
  })

  test('fills holes: a reader sees zeroes, a writer gets a page', () => {
    const s = new Scene('anon-exclusive')
    const mm = s.spawn()
    s.map(mm, 2)
    s.pin(mm, 0, 1, PIN_VMSPLICE)
    s.pin(mm, 1, 1, PIN_DMAPIN)
    expect(s.kind(mm, 0)).toBe(PAGE_ZERO)
    expect(s.has(mm, 1, PG_ANON)).toBe(true)
  })

  test('for writing needs an area that may be written to', () => {
    const s = new Scene('anon-exclusive')
    const mm = s.owner(1)
    s.mprotect(mm, 0, 1, PROT_READ)
    expect(s.do(OP_PIN, mm, 0, 1, PIN_DMAPIN, 0)).toBe(FAILED)
    expect(s.do(OP_PIN, mm, 0, 1, PIN_ROPIN, 0)).toBe(OK)
  })
})

describe('a reader of a page that fork shared', () => {
  function reader(policy: string, kind: number): Scene {
    const s = new Scene(policy)
    s.fork(s.owner(1))
    s.pin(1, 0, 1, kind)
    return s
  }

  test('takes it as it is until 5.7 and from 5.9 to 5.18', () => {
    for (const policy of ['reuse-swap-page', 'page-count', 'page-count-refined']) {
      const s = reader(policy, PIN_ROPIN)
      expect([policy, s.pfn(1, 0)]).toEqual([policy, s.pfn(0, 0)])
    }
  })

  test('breaks COW in 5.8, whoever it is', () => {
    const s = reader('forced-gup-break', PIN_VMSPLICE)
    expect(s.pfn(1, 0)).not.toBe(s.pfn(0, 0))
    expect(s.entry(1, 0).write).toBe(true)
    expect(s.counts.needed_copies).toBe(1)
  })

  test('gets a page of its own, mapped read-only, for a FOLL_PIN since 5.19', () => {
    const s = reader('anon-exclusive', PIN_ROPIN)
    expect(s.pfn(1, 0)).not.toBe(s.pfn(0, 0))
    expect([s.entry(1, 0).write, s.has(1, 0, PG_EXCLUSIVE)]).toEqual([false, true])
    expect(s.counts).toMatchObject({ unshare_copies: 1, spurious_unshare_copies: 0 })
    // The store after it stays on that page.
    s.store(1, 0)
    expect(s.devread(1, 0)).toBe(DEV_COHERENT)
  })

  test('takes it as it is for a FOLL_GET, and does not see what the owner stores later', () => {
    const s = reader('anon-exclusive', PIN_VMSPLICE)
    s.store(1, 0)
    expect(s.devread(1, 0)).toBe(DEV_INCOHERENT)
    expect(s.counts).toMatchObject({ stale_reads_unpromised: 1, lost_coherence: 0 })
  })

  test('that has unmapped it sees what the parent stores, where references do not count', () => {
    for (const [policy, seen] of [
      ['reuse-swap-page', DEV_LEAK],
      ['page-count', DEV_NOLEAK],
    ] as const) {
      const s = reader(policy, PIN_VMSPLICE)
      s.unmap(1, 0, 1)
      s.store(0, 0)
      expect([policy, s.devread(1, 0)]).toEqual([policy, seen])
    }
  })
})

describe('a r/o long-term pin of a file page', () => {
  test('goes stale at the next store up to 6.1, and is unshared from 6.2 on', () => {
    for (const [longtermUnsharesFile, seen] of [
      [false, DEV_INCOHERENT],
      [true, DEV_COHERENT],
    ] as const) {
      const s = new Scene('anon-exclusive', { params: { longtermUnsharesFile } })
      const mm = s.spawn()
      s.map(mm, 1, { kind: MAP_PRIVATE_FILE })
      const pin = s.pin(mm, 0, 1, PIN_ROPIN)
      s.store(mm, 0)
      expect([longtermUnsharesFile, s.devread(mm, pin)]).toEqual([longtermUnsharesFile, seen])
    }
  })
})

describe('a device', () => {
  test('stores into the page that it holds, past all protection', () => {
    const s = new Scene('anon-exclusive')
    const mm = s.owner(1)
    const pin = s.pin(mm, 0, 1, PIN_DMAPIN)
    s.mprotect(mm, 0, 1, PROT_READ)
    expect(s.devwrite(mm, pin)).toBe(OK)
    expect(s.load(mm, 0)).toBe(0)
  })

  test('stores through no read-only reference', () => {
    const s = new Scene('anon-exclusive')
    const mm = s.owner(1)
    const pin = s.pin(mm, 0, 1, PIN_ROPIN)
    expect(s.devwrite(mm, pin)).toBe(FAILED)
  })

  test('stores into a page that its owner no longer has', () => {
    const s = new Scene('anon-exclusive')
    const mm = s.owner(1)
    const pin = s.pin(mm, 0, 1, PIN_DMAPIN)
    s.madvise(mm, 0, 1, MADV_DONTNEED)
    s.devwrite(mm, pin)
    // Zeroes, as MADV_DONTNEED promised.
    expect(s.load(mm, 0)).toBe(0)
    expect(s.counts.lost_coherence).toBe(0)
  })
})

describe('a poke', () => {
  test('stores where the process may not, and to a page of its own', () => {
    const s = new Scene('anon-exclusive')
    const parent = s.owner(1)
    const child = s.fork(parent)
    s.mprotect(child, 0, 1, PROT_READ)
    expect(s.poke(child, 0)).toBe(OK)
    expect(s.pfn(child, 0)).not.toBe(s.pfn(parent, 0))
    expect(s.entry(child, 0).write).toBe(false)
    expect([s.load(parent, 0), s.load(child, 0)]).toEqual([0, 0])
  })

  test('needs no fault on an exclusive page from 6.0 on', () => {
    for (const [forceNeedsNoFault, faults] of [
      [false, 1],
      [true, 0],
    ] as const) {
      const s = new Scene('anon-exclusive', { params: { forceNeedsNoFault } })
      const mm = s.owner(1)
      s.mprotect(mm, 0, 1, PROT_READ)
      expect(s.faults(() => s.poke(mm, 0))).toBe(faults)
    }
  })

  test('is refused in a read-only shared mapping, and outside of all areas', () => {
    const s = new Scene('anon-exclusive')
    const mm = s.owner(1, { kind: MAP_SHARED })
    s.mprotect(mm, 0, 1, PROT_READ)
    expect([s.poke(mm, 0), s.poke(mm, 99)]).toEqual([FAILED, FAILED])
  })

  test('is refused where it would have to wait for a userfaultfd manager', () => {
    const s = new Scene('anon-exclusive')
    const mm = s.owner(1)
    s.uffdWp(mm, 0, 1, true)
    expect(s.poke(mm, 0)).toBe(FAILED)
  })

  test('marks the page as any GUP does in the proposal of 2009', () => {
    const s = new Scene('early-decow')
    const parent = s.owner(2)
    s.poke(parent, 0)
    const child = s.fork(parent)
    expect(range(0, 2).map((vpn) => s.pfn(child, vpn) === s.pfn(parent, vpn))).toEqual([
      false,
      true,
    ])
  })
})
