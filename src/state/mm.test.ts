import { describe, expect, test } from 'vitest'
import { MAP_PRIVATE_ANON, MAP_PRIVATE_FILE, PROT_READ, PROT_WRITE } from '../trace/ops.ts'
import { Mm, type Vma } from './mm.ts'

function area(start: number, end: number, differing: Partial<Vma> = {}): Vma {
  return {
    area: 0,
    start,
    end,
    kind: MAP_PRIVATE_ANON,
    prot: PROT_READ | PROT_WRITE,
    folioOrder: 0,
    hugeAdvice: 'none',
    object: 0,
    pgoff: 0,
    anonVma: 0,
    anonRoot: 0,
    forked: false,
    dontfork: false,
    accounted: true,
    mergeable: false,
    uffdWp: false,
    uffdMissing: false,
    uffdMinor: false,
    softDirty: true,
    ...differing,
  }
}

function mmWith(...vmas: readonly Vma[]): Mm {
  const mm = new Mm(0)
  for (const vma of vmas) mm.insert(vma)
  return mm
}

const edges = (mm: Mm): [number, number][] => mm.vmas.map(({ start, end }) => [start, end])

describe('areas', () => {
  test('are kept in order of address, however they come', () => {
    const mm = mmWith(area(512, 520), area(0, 8), area(8, 16, { area: 1 }))
    expect(edges(mm)).toEqual([
      [0, 8],
      [8, 16],
      [512, 520],
    ])
  })

  test('are found by any of their pages, and by none outside', () => {
    const mm = mmWith(area(4, 8), area(16, 17))
    const starts = [3, 4, 7, 8, 15, 16, 17].map((vpn) => mm.find(vpn)?.start)
    expect(starts).toEqual([undefined, 4, 4, undefined, undefined, 16, undefined])
  })

  test('are not found where the last one looked up is gone', () => {
    const mm = mmWith(area(0, 8))
    expect(mm.find(2)?.end).toBe(8)
    mm.carve(0, 4)
    mm.remove(0, 4)
    expect(mm.find(2)).toBeUndefined()
    expect(mm.find(4)?.start).toBe(4)
  })

  test('cover a range that they reach into', () => {
    const mm = mmWith(area(4, 8))
    expect([mm.covers(0, 4), mm.covers(0, 5), mm.covers(7, 9), mm.covers(8, 9)]).toEqual([
      false,
      true,
      true,
      false,
    ])
  })
})

describe('carving', () => {
  test('splits areas at the edges of the range and hands out what is inside', () => {
    const mm = mmWith(area(0, 8), area(8, 16, { area: 1 }))
    const inside = mm.carve(6, 12)
    expect(inside.map(({ start, end }) => [start, end])).toEqual([
      [6, 8],
      [8, 12],
    ])
    expect(edges(mm)).toEqual([
      [0, 6],
      [6, 8],
      [8, 12],
      [12, 16],
    ])
  })

  test('shows each piece of a file its own part', () => {
    const mm = mmWith(area(8, 16, { kind: MAP_PRIVATE_FILE, pgoff: 100 }))
    mm.carve(10, 12)
    expect(mm.vmas.map(({ pgoff }) => pgoff)).toEqual([100, 102, 104])
  })

  test('splits nothing where the edges are there already', () => {
    const mm = mmWith(area(0, 8))
    expect(mm.carve(0, 8)).toHaveLength(1)
    expect(edges(mm)).toEqual([[0, 8]])
  })
})

function mergeAt(mm: Mm, vpn: number, joinsUntouched = true): void {
  const vma = mm.find(vpn)
  if (vma === undefined) throw new Error('missing area')
  mm.merge(vma, joinsUntouched)
}

describe('merging', () => {
  test('joins what carving split when nothing differs any more', () => {
    const mm = mmWith(area(0, 16))
    const [piece] = mm.carve(4, 8)
    if (piece === undefined) throw new Error('missing piece')
    piece.prot = PROT_READ
    mm.merge(piece, false)
    expect(mm.vmas).toHaveLength(3)
    piece.prot = PROT_READ | PROT_WRITE
    mm.merge(piece, false)
    expect(edges(mm)).toEqual([[0, 16]])
  })

  test('gives a piece nothing of the area whose place it takes', () => {
    const mm = mmWith(area(0, 8), area(16, 24, { area: 1, mergeable: true, anonVma: 7 }))
    for (const piece of mm.carve(16, 20)) mm.merge(piece, false)
    // What was [20, 24) becomes [4, 8).
    mm.carve(0, 4)
    expect(mm.vmas).toEqual([
      area(0, 4),
      area(4, 8, { pgoff: 4 }),
      area(16, 24, { area: 1, mergeable: true, anonVma: 7 }),
    ])
    expect(mm.find(21)?.start).toBe(16)
    expect(mm.find(5)?.start).toBe(4)
  })

  test('remembers that one of them had anonymous pages, or was soft-dirty', () => {
    const mm = mmWith(
      area(0, 4, { softDirty: false }),
      area(4, 8, { anonVma: 1, softDirty: true, pgoff: 4 }),
    )
    mergeAt(mm, 0)
    expect(mm.vmas).toMatchObject([{ start: 0, end: 8, anonVma: 1, softDirty: true }])
  })

  test.each([
    ['another mmap()', { area: 1 }],
    ['another protection', { prot: PROT_READ }],
    ['another advice', { hugeAdvice: 'never' }],
    ['DONTFORK', { dontfork: true }],
    ['KSM', { mergeable: true }],
    ['userfaultfd', { uffdWp: true }],
    ['userfaultfd, missing pages', { uffdMissing: true }],
    ['userfaultfd, minor faults', { uffdMinor: true }],
    ['no charge', { accounted: false }],
    ['another part of the file', { pgoff: 5 }],
  ] as const)('keeps apart what differs by %s', (_what, differing) => {
    const mm = mmWith(area(0, 4), area(4, 8, { pgoff: 4, ...differing }))
    mergeAt(mm, 0)
    expect(mm.vmas).toHaveLength(2)
  })

  test.each([
    ['has none yet', { anonVma: 0 }, { anonVma: 7 }, true, true],
    ['has none yet, beside a child', { anonVma: 0 }, { anonVma: 7, forked: true }, false, false],
    ['has the same', { anonVma: 7, forked: true }, { anonVma: 7, forked: true }, true, true],
    ['has another', { anonVma: 7 }, { anonVma: 8 }, false, false],
    ['has one, beside one that has none', { anonVma: 7 }, { anonVma: 0 }, false, true],
    ["has a child's, beside none", { anonVma: 7, forked: true }, { anonVma: 0 }, false, false],
  ] as const)('of an area that %s', (_what, own, other, until6_15, from6_16) => {
    const merges = (joinsUntouched: boolean): boolean[] => {
      return [true, false].map((isLower) => {
        const [lower, upper] = isLower ? [own, other] : [other, own]
        const mm = mmWith(area(0, 4, lower), area(4, 8, { pgoff: 4, ...upper }))
        mergeAt(mm, isLower ? 0 : 4, joinsUntouched)
        return mm.vmas.length === 1
      })
    }
    expect([merges(false), merges(true)]).toEqual([
      [until6_15, until6_15],
      [from6_16, from6_16],
    ])
  })

  test('joins the lower of two that may not meet', () => {
    const mm = mmWith(
      area(0, 4, { anonVma: 7 }),
      area(4, 8, { pgoff: 4 }),
      area(8, 12, { pgoff: 8, anonVma: 8 }),
    )
    mergeAt(mm, 4)
    expect(edges(mm)).toEqual([
      [0, 8],
      [8, 12],
    ])
  })

  test('keeps apart what a hole lies between', () => {
    const mm = mmWith(area(0, 4), area(5, 8, { pgoff: 5 }))
    mergeAt(mm, 0)
    expect(mm.vmas).toHaveLength(2)
  })
})

describe('the page-table directory', () => {
  test('sends a walk of an absent range to the empty table', () => {
    const mm = new Mm(0)
    // Table 0 begins at entry 0, and page 700 is entry 188 of its table.
    expect(mm.pteIndex(700)).toBe(188)
    expect(mm.pteIndex(1 << 22)).toBe(0)
    expect(mm.pmd(1 << 22)).toBe(0)
  })

  test('grows to the page that is reserved, and keeps what it holds', () => {
    const mm = new Mm(0, 2)
    mm.setPmd(512, 77, 1024)
    mm.reserve(100 * 512)
    expect(mm.pmds.length).toBeGreaterThan(100)
    expect(mm.pmd(1023)).toBe(77)
    expect(mm.pteIndex(515)).toBe(1024 + 3)
  })
})
