/**
 * area: a Vma of a small world as one integer (but for its anon_vma), and back.
 */
import type { Vma } from '../state/mm.ts'

const ADVICE: readonly Vma['hugeAdvice'][] = ['none', 'huge', 'never']

/** Everything that an area is, but for its anon_vma. Its pages are those of its address, and it never was moved. */
export function areaOf(vma: Vma): number {
  return (
    vma.start |
    (vma.end << 3) |
    (vma.prot << 6) |
    (vma.folioOrder << 8) |
    (ADVICE.indexOf(vma.hugeAdvice) << 12) |
    (vma.kind << 14) |
    ((vma.forked ? 1 : 0) << 16) |
    ((vma.dontfork ? 1 : 0) << 17) |
    ((vma.accounted ? 1 : 0) << 18) |
    ((vma.mergeable ? 1 : 0) << 19) |
    ((vma.uffdWp ? 1 : 0) << 20) |
    ((vma.softDirty ? 1 : 0) << 21) |
    ((vma.uffdMissing ? 1 : 0) << 22) |
    ((vma.uffdMinor ? 1 : 0) << 23)
  )
}

export type MutableVma = { -readonly [Fact in keyof Vma]: Vma[Fact] }

export function newArea(): MutableVma {
  return {
    ...{ area: 0, start: 0, end: 0, kind: 0, prot: 0, folioOrder: 0, hugeAdvice: 'none' },
    ...{ object: 0, pgoff: 0, anonVma: 0, anonRoot: 0, forked: false, dontfork: false },
    ...{ accounted: false, mergeable: false, uffdWp: false, uffdMissing: false },
    ...{ uffdMinor: false, softDirty: false },
  }
}

/** Fills `vma` with what areaOf() says of another one. */
export function setArea(vma: MutableVma, facts: number, anonVma: number, root: number): Vma {
  vma.start = facts & 7
  vma.end = (facts >>> 3) & 7
  vma.prot = (facts >>> 6) & 3
  vma.folioOrder = (facts >>> 8) & 15
  vma.hugeAdvice = ADVICE[(facts >>> 12) & 3] ?? 'none'
  vma.kind = (facts >>> 14) & 3
  vma.pgoff = vma.start
  vma.anonVma = anonVma
  vma.anonRoot = root
  vma.forked = (facts & (1 << 16)) !== 0
  vma.dontfork = (facts & (1 << 17)) !== 0
  vma.accounted = (facts & (1 << 18)) !== 0
  vma.mergeable = (facts & (1 << 19)) !== 0
  vma.uffdWp = (facts & (1 << 20)) !== 0
  vma.softDirty = (facts & (1 << 21)) !== 0
  vma.uffdMissing = (facts & (1 << 22)) !== 0
  vma.uffdMinor = (facts & (1 << 23)) !== 0
  return vma
}
