/**
 * Mm and Vma: one process's address space: its areas, and its page-table directory.
 */
import { grown } from './frames.ts'
import { PTE_UFFD_WP, TABLE_PAGES, TABLE_SHIFT } from './tables.ts'

/** What a store or a load finds when it walks the page table of an absent or huge-mapped range: table 0, all empty. */
const EMPTY_TABLE = 0

export interface Vma {
  /** Number of the mmap() that it stems from: pieces of one mapping keep it. */
  readonly area: number
  start: number
  /** One past the last page. */
  end: number
  /** MAP_* */
  readonly kind: number
  /** PROT_* */
  prot: number
  /** Largest folio that a first store may fill where huge pages are welcome (0 to 9), if its aligned range is inside. */
  folioOrder: number
  /** Which of MADV_HUGEPAGE and MADV_NOHUGEPAGE was the last word, if any. */
  hugeAdvice: 'none' | 'huge' | 'never'
  readonly object: number
  /** Page of the object that `start` shows. */
  pgoff: number
  /** Which anon_vma its anonymous pages hang on; 0 until there is one. fork skips areas that have none. */
  anonVma: number
  /** The root of that anon_vma's tree: areas that forks made of one another have the same one. */
  anonRoot: number
  /** Came with a fork: the chain of its anon_vmas is not singular, so that no other area may take it over. */
  forked: boolean
  dontfork: boolean
  /** VM_ACCOUNT: its memory is charged; an area that lost it does not merge with one that has it. */
  accounted: boolean
  mergeable: boolean
  /** Registered with userfaultfd for write-protection. */
  uffdWp: boolean
  /** Registered for faults on pages that are nowhere. */
  uffdMissing: boolean
  /** Registered for faults on pages that are in the page cache. */
  uffdMinor: boolean
  /** VM_SOFTDIRTY: the whole area counts as dirty, so that no entry needs a fault to be tracked. */
  softDirty: boolean
}

/** An area with these properties. All are made by this literal, so that all have one hidden class. */
export function newVma(of: Vma): Vma {
  return {
    area: of.area,
    start: of.start,
    end: of.end,
    kind: of.kind,
    prot: of.prot,
    folioOrder: of.folioOrder,
    hugeAdvice: of.hugeAdvice,
    object: of.object,
    pgoff: of.pgoff,
    anonVma: of.anonVma,
    anonRoot: of.anonRoot,
    forked: of.forked,
    dontfork: of.dontfork,
    accounted: of.accounted,
    mergeable: of.mergeable,
    uffdWp: of.uffdWp,
    uffdMissing: of.uffdMissing,
    uffdMinor: of.uffdMinor,
    softDirty: of.softDirty,
  }
}

type Changing<T> = { -readonly [K in keyof T]: T[K] }

/** `vma` gets all properties of `of`. */
function become(vma: Changing<Vma>, of: Vma): Vma {
  vma.area = of.area
  vma.start = of.start
  vma.end = of.end
  vma.kind = of.kind
  vma.prot = of.prot
  vma.folioOrder = of.folioOrder
  vma.hugeAdvice = of.hugeAdvice
  vma.object = of.object
  vma.pgoff = of.pgoff
  vma.anonVma = of.anonVma
  vma.anonRoot = of.anonRoot
  vma.forked = of.forked
  vma.dontfork = of.dontfork
  vma.accounted = of.accounted
  vma.mergeable = of.mergeable
  vma.uffdWp = of.uffdWp
  vma.uffdMissing = of.uffdMissing
  vma.uffdMinor = of.uffdMinor
  vma.softDirty = of.softDirty
  return vma
}

/** userfaultfd_armed(): registered for anything at all. */
export function userfaultfdArmed(vma: Vma): boolean {
  return vma.uffdWp || vma.uffdMissing || vma.uffdMinor
}

export class Mm {
  readonly id: number
  /** Offset into PageTables.ptes per 2 MiB range: the table that a walk reads. */
  tables: Int32Array
  /** PMD entry per 2 MiB range. */
  pmds: Int32Array
  vmas: Vma[] = []
  /** MMF_HAS_PINNED: set by any FOLL_PIN, never cleared, not inherited by fork. */
  hasPinned = false
  /** Has mremap ever moved a page? Then a pin's address may not be where its page is. */
  moved = false
  /** Areas that were merged into others, and may become new ones: mprotect() splits and merges without end. */
  readonly #spare: Vma[] = []
  /** Last area that was looked up. */
  #hint: Vma | undefined

  constructor(id: number, ranges = 16) {
    this.id = id
    this.tables = new Int32Array(ranges)
    this.pmds = new Int32Array(ranges)
  }

  /** Empty again, as it was made. */
  restart(): void {
    for (let range = 0; range < this.pmds.length; range++) {
      this.tables[range] = 0
      this.pmds[range] = 0
    }
    while (this.vmas.length > 0) this.vmas.pop()
    this.hasPinned = false
    this.moved = false
    this.#hint = undefined
  }

  /** Makes room for the page table that covers `vpn`. */
  reserve(vpn: number): void {
    const range = vpn >>> TABLE_SHIFT
    if (range < this.pmds.length) return
    const length = Math.max(range + 1, 2 * this.pmds.length)
    this.tables = grown(this.tables, length)
    this.pmds = grown(this.pmds, length)
  }

  pmd(vpn: number): number {
    return this.pmds[vpn >>> TABLE_SHIFT] ?? 0
  }

  setPmd(vpn: number, pmd: number, table: number): void {
    this.pmds[vpn >>> TABLE_SHIFT] = pmd
    this.tables[vpn >>> TABLE_SHIFT] = table
  }

  /** Index into PageTables.ptes of the entry for `vpn`; in table 0 where there is no table. */
  pteIndex(vpn: number): number {
    return (this.tables[vpn >>> TABLE_SHIFT] ?? EMPTY_TABLE) + (vpn & (TABLE_PAGES - 1))
  }

  find(vpn: number): Vma | undefined {
    const hint = this.#hint
    if (hint !== undefined && vpn >= hint.start && vpn < hint.end) return hint
    const i = this.firstEndingAfter(vpn)
    // V8 gives up what it has compiled for an index past the end.
    if (i === this.vmas.length) return undefined
    const vma = this.vmas[i] as Vma
    if (vma.start > vpn) return undefined
    this.#hint = vma
    return vma
  }

  /** Index of the first area whose end lies above `vpn`. */
  firstEndingAfter(vpn: number): number {
    let lo = 0
    let hi = this.vmas.length
    while (lo < hi) {
      const mid = (lo + hi) >>> 1
      if ((this.vmas[mid] as Vma).end > vpn) hi = mid
      else lo = mid + 1
    }
    return lo
  }

  insert(vma: Vma): void {
    insertAt(this.vmas, this.firstEndingAfter(vma.start), this.#newArea(vma))
  }

  /** An area with these properties, made of one that is not needed any more if there is one. */
  #newArea(of: Vma): Vma {
    const spare = this.#spare.pop()
    return spare === undefined ? newVma(of) : become(spare, of)
  }

  /** Areas within [start, end), split at its edges so that each lies inside. */
  carve(start: number, end: number): Vma[] {
    this.#splitAt(start)
    this.#splitAt(end)
    const from = this.firstEndingAfter(start)
    let to = from
    while (to < this.vmas.length && (this.vmas[to] as Vma).start < end) to++
    return this.vmas.slice(from, to)
  }

  /** The same for a range that lies in one area: the piece. */
  carveOne(start: number, end: number): Vma {
    let at = this.firstEndingAfter(start)
    if ((this.vmas[at] as Vma).start < start) this.#split(at++, start)
    const piece = this.vmas[at] as Vma
    if (piece.end > end) this.#split(at, end)
    return piece
  }

  /**
   * vma_merge(): an area that has just changed becomes one with its neighbours, as far as they differ in nothing. Has it an
   * anon_vma, then one that has none yet is joined only if `joinsUntouched`.
   */
  merge(vma: Vma, joinsUntouched: boolean): void {
    const at = this.firstEndingAfter(vma.start)
    const lower = this.vmas[at - 1]
    const upper = this.vmas[at + 1]
    const joinsLower =
      lower !== undefined && continues(lower, vma) && joins(vma, lower, joinsUntouched)
    const joinsUpper =
      upper !== undefined && continues(vma, upper) && joins(vma, upper, joinsUntouched)
    // Of two that may not become one the lower has what lies between them.
    if (joinsUpper && !(joinsLower && areApart(lower, upper))) this.#absorbNext(at)
    if (joinsLower) this.#absorbNext(at - 1)
  }

  /** The area at index `at` takes the next one's place, too. */
  #absorbNext(at: number): void {
    const lower = this.vmas[at] as Vma
    const upper = this.vmas[at + 1] as Vma
    lower.end = upper.end
    lower.anonVma ||= upper.anonVma
    lower.anonRoot ||= upper.anonRoot
    lower.forked ||= upper.forked
    lower.softDirty ||= upper.softDirty
    removeAt(this.vmas, at + 1)
    this.#spare.push(upper)
    this.#hint = lower
  }

  /** find_mergeable_anon_vma(): what a neighbour of `vma` already has and could share; 0 if nothing. */
  neighbouringAnonVma(vma: Vma): number {
    const at = this.vmas.indexOf(vma)
    const lower = this.vmas[at - 1]
    const upper = this.vmas[at + 1]
    if (upper !== undefined && !upper.forked && compatible(vma, upper) && upper.anonVma !== 0) {
      return upper.anonVma
    }
    return lower !== undefined && !lower.forked && compatible(lower, vma) ? lower.anonVma : 0
  }

  /** Forgets the areas in [start, end), which must have been carved. */
  remove(start: number, end: number): void {
    this.vmas = this.vmas.filter((vma) => vma.end <= start || vma.start >= end)
    this.#hint = undefined
  }

  removeAll(): void {
    this.vmas = []
    this.#hint = undefined
  }

  /** One past the last page that a page table, or a huge mapping, covers. */
  endOfTables(): number {
    let ranges = this.pmds.length
    while (ranges > 0 && this.pmds[ranges - 1] === 0) ranges--
    return ranges << TABLE_SHIFT
  }

  /** Is any page of [start, end) mapped by an area? */
  covers(start: number, end: number): boolean {
    const vma = this.vmas[this.firstEndingAfter(start)]
    return vma !== undefined && vma.start < end
  }

  /** The areas that map any of [start, end), in order. */
  overlapping(start: number, end: number): Vma[] {
    return this.vmas.filter((vma) => vma.end > start && vma.start < end)
  }

  /** The first page of [start, end) that no area maps; `end` if there is none. */
  firstHole(start: number, end: number): number {
    let at = start
    for (let i = this.firstEndingAfter(start); i < this.vmas.length && at < end; i++) {
      const vma = this.vmas[i] as Vma
      if (vma.start > at) break
      at = vma.end
    }
    return Math.min(at, end)
  }

  #splitAt(vpn: number): void {
    const i = this.firstEndingAfter(vpn)
    const vma = this.vmas[i]
    if (vma !== undefined && vma.start < vpn) this.#split(i, vpn)
  }

  /** The area at index `at` ends at `vpn` from now on, and another one begins there. */
  #split(at: number, vpn: number): void {
    const vma = this.vmas[at] as Vma
    const upper = this.#newArea(vma)
    upper.start = vpn
    upper.pgoff += vpn - vma.start
    vma.end = vpn
    insertAt(this.vmas, at + 1, upper)
  }
}

/** Array.prototype.splice() makes an array of what it took out. */
function insertAt(vmas: Vma[], at: number, vma: Vma): void {
  vmas.push(vma)
  for (let i = vmas.length - 1; i > at; i--) vmas[i] = vmas[i - 1] as Vma
  vmas[at] = vma
}

function removeAt(vmas: Vma[], at: number): void {
  for (let i = at + 1; i < vmas.length; i++) vmas[i - 1] = vmas[i] as Vma
  vmas.pop()
}

/** Could `upper` have been split off `lower`? */
function continues(lower: Vma, upper: Vma): boolean {
  return lower.prot === upper.prot && compatible(lower, upper)
}

/**
 * is_mergeable_anon_vma() of an area that has changed and a neighbour of it: not with a child's, which has its parent's
 * anon_vmas too; nor, by a slip that 879bca0a2c4f ended, with one that has none.
 */
function joins(changed: Vma, neighbour: Vma, joinsUntouched: boolean): boolean {
  if (changed.anonVma === neighbour.anonVma) return true
  if (changed.anonVma === 0) return !neighbour.forked
  return joinsUntouched && neighbour.anonVma === 0 && !changed.forked
}

/** userfaultfd_pte_wp(): a bit that mremap() left behind in an area that is not registered says nothing. */
export function userfaultfdPteWp(vma: Vma, entry: number): boolean {
  return vma.uffdWp && (entry & PTE_UFFD_WP) !== 0
}

/** Has each an anon_vma of its own? */
function areApart(lower: Vma, upper: Vma): boolean {
  return lower.anonVma !== upper.anonVma && lower.anonVma !== 0 && upper.anonVma !== 0
}

/** anon_vma_compatible(): neighbours that differ in protection at most. */
function compatible(lower: Vma, upper: Vma): boolean {
  return (
    lower.end === upper.start &&
    lower.area === upper.area &&
    lower.kind === upper.kind &&
    lower.folioOrder === upper.folioOrder &&
    lower.hugeAdvice === upper.hugeAdvice &&
    lower.object === upper.object &&
    lower.pgoff + lower.end - lower.start === upper.pgoff &&
    lower.dontfork === upper.dontfork &&
    lower.accounted === upper.accounted &&
    lower.mergeable === upper.mergeable &&
    lower.uffdWp === upper.uffdWp &&
    lower.uffdMissing === upper.uffdMissing &&
    lower.uffdMinor === upper.uffdMinor
  )
}
