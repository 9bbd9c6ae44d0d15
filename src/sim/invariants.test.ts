import { describe, expect, test } from 'vitest'
import { PG_ANON, PG_CACHE, PG_EXCLUSIVE, PG_LRU_BATCH, PG_SWAPCACHE } from '../state/frames.ts'
import { PTE_TOK } from '../state/tables.ts'
import { RW, Scene } from '../test/scene.ts'
import { PIN_DMAPIN, PIN_VMSPLICE } from '../trace/ops.ts'
import { checkInvariants } from './invariants.ts'

/** A parent and its child that share page 0; page 1 is the parent's, still in the batch. */
function family(policy = 'anon-exclusive'): { s: Scene; parent: number; pfn: number } {
  const s = new Scene(policy)
  const parent = s.owner(2)
  s.fork(parent)
  s.store(parent, 1)
  return { s, parent, pfn: s.pfn(parent, 0) }
}

/** What a planted mistake is found out as. */
type Plant = (s: Scene, parent: number, pfn: number) => void

describe('a wrong count', () => {
  const plants: readonly (readonly [string, Plant, RegExp])[] = [
    [
      'a mapping too many',
      (s, _p, pfn) => s.m.frames.word[pfn]!++,
      /mapcount of pfn 1024 is 3, counted 2/,
    ],
    [
      'a mapping too few',
      (s, _p, pfn) => s.m.frames.word[pfn]!--,
      /mapcount of pfn 1024 is 1, counted 2/,
    ],
    [
      'a reference that nobody holds',
      (s, _p, pfn) => s.m.frames.refs[pfn]!++,
      /references on pfn 1024 is 1, counted 0/,
    ],
    [
      'a pin that nobody holds',
      (s, _p, pfn) => s.m.frames.pins[pfn]!++,
      /pins on pfn 1024 is 1, counted 0/,
    ],
    [
      'a hold that no frame counts',
      (s) => s.m.frames.held++,
      /references and pins is 1, counted 0/,
    ],
    [
      'a huge mapping of a small page',
      (s, _p, pfn) => s.m.frames.entire[pfn]!++,
      /huge mappings of pfn 1024/,
    ],
    [
      'a large mapcount of a small page',
      (s, _p, pfn) => s.m.frames.largeMapcount[pfn]!++,
      /mappings of the folio at pfn 1024/,
    ],
    [
      'a page in no batch that says so',
      (s, _p, pfn) => s.m.frames.set(pfn, PG_LRU_BATCH),
      /LRU batch bit of pfn 1024 is 1, counted 0/,
    ],
    [
      'a page in the batch that does not say so',
      (s, p) => s.m.frames.clear(s.pfn(p, 1), PG_LRU_BATCH),
      /LRU batch bit of pfn \d+ is 0, counted 1/,
    ],
    [
      'a frame that is used and not counted',
      (s) => s.m.frames.used--,
      /frames in use is 2, counted 3/,
    ],
    ['a table that is not counted', (s) => s.m.tables.used++, /page tables in use is 3, counted 2/],
    [
      'a sharer that is not there',
      (s) => s.m.tables.shares[1]!++,
      /sharers of table 1 is 2, counted 1/,
    ],
    [
      'an entry in the empty table',
      (s) => (s.m.tables.ptes[7] = 1),
      /entry of the empty table is 1/,
    ],
    [
      'an anonymous page in the page cache',
      (s, _p, pfn) => s.m.frames.set(pfn, PG_CACHE | PG_ANON),
      /anon bit of page cache pfn 1024/,
    ],
    [
      'a writable entry of a page that is not exclusive',
      (s, p) => s.m.frames.clear(s.pfn(p, 1), PG_EXCLUSIVE),
      /exclusive bit of writable pfn \d+ is 0, counted 1/,
    ],
  ]

  test.each(plants)('is found: %s', (_what, plant, complaint) => {
    const { s, parent, pfn } = family()
    expect(() => checkInvariants(s.m)).not.toThrow()
    plant(s, parent, pfn)
    expect(() => checkInvariants(s.m)).toThrow(complaint)
  })

  test('is told with the event and the policy that it was found after', () => {
    const { s, pfn } = family('page-count')
    s.m.frames.word[pfn]!++
    // spawn, mmap, 2 stores, drain, fork, store: the last is event 6.
    expect(() => checkInvariants(s.m)).toThrow(
      'broken invariant: mapcount of pfn 1024 is 3, counted 2, after event 6, policy page-count',
    )
  })

  test('of swap entries is found, and one of the swapcache', () => {
    const { s, parent } = family()
    s.pin(parent, 0, 1, PIN_VMSPLICE)
    s.swapout(parent, 0, 1)
    // The pipe's reference keeps the page in the swapcache; two entries name its slot.
    const slot = s.slot(parent, 0)
    const cached = s.m.k.swap.cached[slot] as number
    s.m.k.swap.count[slot]!--
    expect(() => checkInvariants(s.m)).toThrow(`swap entries of slot ${slot} is 1, counted 2`)
    s.m.k.swap.count[slot]!++
    s.m.frames.clear(cached, PG_SWAPCACHE)
    expect(() => checkInvariants(s.m)).toThrow(`swapcache bit of pfn ${cached} is 0, counted 1`)
  })

  test('of the pins of a large folio is found at its head', () => {
    const s = new Scene('anon-exclusive')
    const mm = s.owner(4, { order: 2 })
    s.pin(mm, 1, 1, PIN_DMAPIN)
    const head = s.pfn(mm, 0)
    s.m.frames.pins[head]!--
    expect(() => checkInvariants(s.m)).toThrow(`pins on pfn ${head} is 0, counted 1`)
  })

  test('is what an entry counts as that is taken for checked below a shared table', () => {
    const s = new Scene('on-demand-fork')
    const parent = s.spawn()
    s.map(parent, 512, { prot: RW })
    s.store(parent, 0)
    s.fork(parent)
    s.m.tables.ptes[s.mm(parent).pteIndex(0)]! |= PTE_TOK
    // Entries are numbered through all tables: the first one of table 1.
    expect(() => checkInvariants(s.m)).toThrow('checked bit of entry 512 of a shared table')
  })
})
