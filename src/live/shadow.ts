/**
 * shadow: what every page should hold if fork and private mappings keep their word; this file says whether what a load
 * or a device found is that, is stale, or is somebody else's.
 */
import type { LitmusTest, Operation } from '../litmus/program.ts'
import {
  DEV_COHERENT,
  DEV_INCOHERENT,
  DEV_LEAK,
  DEV_NOLEAK,
  SAW_LEAK,
  SAW_MISMATCH,
} from '../trace/observed.ts'
import {
  MADV_DONTFORK,
  MADV_DONTNEED,
  MADV_FREE,
  MAP_SHARED,
  OP_EXEC,
  OP_EXIT,
  OP_FORK,
  OP_MADVISE,
  OP_MMAP,
  OP_MREMAP,
  OP_MUNMAP,
  OP_PIN,
  OP_SPAWN,
  PIN_ODIRECT,
} from '../trace/ops.ts'

/** A page that was never stored to. */
const ZEROES = 0
const NOBODY = -1

interface Page {
  /** Which stores it takes part in: its own, or all mappings' of an object. */
  readonly content: { token: number }
  /** What a load would find: as above, but for what devices stored to a page that is not the process's any more. */
  readonly found: number
  readonly shared: boolean
  readonly forked: boolean
  /** MADV_FREE gave it up, and nobody has stored to it since: it may be zeroes from any moment on. */
  readonly freed: boolean
  /** Seen in swap, and not touched by the process since: MADV_FREE drops it at once. */
  readonly swapped: boolean
}

interface Process {
  readonly parent: number
  /** Stores of the parent before this moment belong to the child too. */
  readonly born: number
  pages: Map<number, Page>
}

interface PinnedPage {
  vpn: number
  unmapped: boolean
  /** MADV_FREE had given the page up when the pin was taken, and nobody has stored since: it may have been zeroes. */
  freed: boolean
  /** What the object holds there, if it is shared: the page stays in it, whatever its owner unmaps. */
  object: { token: number } | undefined
  /** The frame, if it could be seen. */
  pfn: number
  /** Of O_DIRECT a store that does not reach the owner is nobody's fault any more: it has forked since. */
  excused: boolean
}

/** No frame was seen. */
const UNSEEN = 0

export class LiveShadow {
  readonly #processes = new Map<number, Process>()
  readonly #authors = new Map<number, { mm: number; at: number }>()
  readonly #pins: PinnedPage[][]
  readonly #owners: number[]
  readonly #kinds: number[]
  #now = 0

  constructor({ pins }: LitmusTest) {
    this.#pins = pins.map(({ vpn, pages }) =>
      Array.from({ length: pages }, (_, i) => ({
        vpn: vpn + i,
        unmapped: false,
        freed: false,
        object: undefined,
        pfn: UNSEEN,
        excused: false,
      })),
    )
    this.#owners = pins.map(({ mm }) => mm)
    this.#kinds = pins.map(({ kind }) => kind)
  }

  /** What an operation that was carried out does to contents; loads and stores are told page by page. */
  done({ code, mm, vpn, pages, value, map, pin }: Operation): void {
    switch (code) {
      case OP_SPAWN:
        this.#processes.set(mm, { parent: NOBODY, born: 0, pages: new Map() })
        break
      case OP_FORK:
        this.#fork(mm, value)
        break
      case OP_EXIT:
      case OP_EXEC:
        this.#process(mm).pages = new Map()
        break
      case OP_MMAP:
        for (let i = 0; i < pages; i++) {
          const page = {
            forked: true,
            freed: false,
            swapped: false,
            content: { token: ZEROES },
            found: ZEROES,
            shared: map === MAP_SHARED,
          }
          this.#process(mm).pages.set(vpn + i, page)
        }
        break
      case OP_MUNMAP:
        this.#eachPinned(mm, vpn, pages, (page) => {
          page.unmapped = true
        })
        for (let i = 0; i < pages; i++) this.#process(mm).pages.delete(vpn + i)
        break
      case OP_MREMAP:
        this.#move(mm, vpn, pages, value)
        break
      case OP_MADVISE:
        this.#advise(mm, vpn, pages, value)
        break
      case OP_PIN:
        for (const page of this.#pins[pin] ?? []) {
          const mapped = this.#process(mm).pages.get(page.vpn)
          page.unmapped = false
          page.object = mapped?.shared ? mapped.content : undefined
          page.pfn = UNSEEN
          page.excused = false
          page.freed = mapped?.freed ?? false
        }
        break
      default:
    }
  }

  store(mm: number, vpn: number, token: number): void {
    const page = this.#process(mm).pages.get(vpn)
    if (page === undefined) return
    if (page.shared) {
      // Everybody may see it.
      page.content.token = token
      this.#authors.delete(token)
      return
    }
    this.#authors.set(token, { mm, at: this.#now++ })
    const content = { token }
    const stored = { ...page, content, found: token, freed: false, swapped: false }
    this.#process(mm).pages.set(vpn, stored)
    this.#eachPinned(mm, vpn, 1, (pinned) => {
      pinned.freed = false
    })
  }

  /** The page may be in memory again, if it was in swap: the process touched it, whether or not it was let. */
  touched(mm: number, vpn: number): void {
    const pages = this.#processes.get(mm)?.pages
    const page = pages?.get(vpn)
    if (page?.swapped) pages?.set(vpn, { ...page, swapped: false })
  }

  /**
   * Reclaim has been there, and the page of that frame is in swap, or nowhere; also for others, where a pin shows that it was
   * theirs (of what was pinned at fork the child has a copy of its own). Of the rest either may be.
   */
  reclaimed(mm: number, vpn: number, swapped: boolean, pfn = UNSEEN): void {
    const gone = this.#process(mm).pages.get(vpn)
    if (gone === undefined) return
    for (const [id, { pages }] of this.#processes) {
      for (const [at, page] of pages) {
        const itself = id === mm && at === vpn
        if (page.content !== gone.content || !(itself || this.#isPinnedAs(id, at, pfn))) continue
        if (swapped) pages.set(at, { ...page, swapped })
        else if (page.freed) this.#drop(id, at, page)
      }
    }
  }

  /** Returns SAW_* bits. */
  load(mm: number, vpn: number, token: number): number {
    const { pages } = this.#process(mm)
    const page = pages.get(vpn)
    if (page === undefined) return 0
    if (page.found !== token) pages.set(vpn, { ...page, found: token })
    if (page.content.token === token) return 0
    if (page.freed && token === ZEROES) {
      this.#drop(mm, vpn, page)
      return 0
    }
    return page.shared || this.#maySee(mm, token) ? SAW_MISMATCH : SAW_MISMATCH | SAW_LEAK
  }

  /** The frame that the owner mapped when the pin was taken. */
  pinned(pin: number, index: number, pfn: number): void {
    const page = this.#pins[pin]?.[index]
    if (page !== undefined) page.pfn = pfn
  }

  /** `pfn` is the frame that the owner maps there now. */
  deviceStore(pin: number, index: number, token: number, pfn: number): void {
    const page = this.#pins[pin]?.[index]
    const owner = this.#owners[pin] ?? NOBODY
    if (page?.object !== undefined) {
      page.object.token = token
      return
    }
    this.#authors.set(token, { mm: owner, at: this.#now++ })
    if (page === undefined || page.unmapped) return
    const { pages } = this.#process(owner)
    const before = pages.get(page.vpn)
    this.store(owner, page.vpn, token)
    const stored = pages.get(page.vpn)
    if (before === undefined || stored === undefined) return
    // It counts as the owner's store, wherever it went.
    if (pfn !== page.pfn && pfn !== UNSEEN && page.pfn !== UNSEEN) {
      pages.set(page.vpn, page.excused ? before : { ...stored, found: before.found })
    }
  }

  /** Returns DEV_*. */
  deviceLoad(pin: number, index: number, token: number): number {
    const page = this.#pins[pin]?.[index]
    const owner = this.#owners[pin] ?? NOBODY
    const mapped = page === undefined ? undefined : this.#process(owner).pages.get(page.vpn)
    if (!mapped?.shared && !this.#maySee(owner, token)) return DEV_LEAK
    if (page === undefined || page.unmapped || mapped === undefined) return DEV_NOLEAK
    if (page.freed && mapped.freed && token === ZEROES) {
      this.#process(owner).pages.set(page.vpn, zeroed(mapped))
      return DEV_COHERENT
    }
    const found = mapped.shared ? mapped.content.token : mapped.found
    return found === token ? DEV_COHERENT : DEV_INCOHERENT
  }

  #process(mm: number): Process {
    const process = this.#processes.get(mm)
    if (process === undefined) throw new RangeError(`unknown process: ${mm}`)
    return process
  }

  #fork(mm: number, child: number): void {
    const inherited = [...this.#process(mm).pages].filter(([, page]) => page.forked)
    this.#processes.set(child, { parent: mm, born: this.#now++, pages: new Map(inherited) })
    this.#kinds.forEach((kind, pin) => {
      if (kind !== PIN_ODIRECT || this.#owners[pin] !== mm) return
      for (const page of this.#pins[pin] ?? []) page.excused = true
    })
  }

  #move(mm: number, vpn: number, pages: number, to: number): void {
    const { pages: map } = this.#process(mm)
    for (let i = 0; i < pages; i++) {
      const page = map.get(vpn + i)
      map.delete(vpn + i)
      if (page !== undefined) map.set(to + i, page)
    }
    this.#eachPinned(mm, vpn, pages, (page) => {
      page.vpn += to - vpn
    })
  }

  #advise(mm: number, vpn: number, pages: number, advice: number): void {
    const { pages: map } = this.#process(mm)
    for (let i = vpn; i < vpn + pages; i++) {
      const page = map.get(i)
      if (page === undefined) continue
      if (advice === MADV_DONTFORK) map.set(i, { ...page, forked: false })
      if (advice === MADV_DONTNEED) this.#drop(mm, i, page)
      if (advice !== MADV_FREE || page.shared) continue
      if (page.swapped) this.#drop(mm, i, page)
      else map.set(i, { ...page, freed: true })
    }
  }

  /** The process has nothing there any more; a pin keeps what it has. */
  #drop(mm: number, vpn: number, page: Page): void {
    const { pages } = this.#process(mm)
    if (!page.shared) pages.set(vpn, zeroed(page))
    this.#eachPinned(mm, vpn, 1, (pinned) => {
      pinned.unmapped = true
    })
  }

  #isPinnedAs(mm: number, vpn: number, pfn: number): boolean {
    let is = false
    this.#eachPinned(mm, vpn, 1, (page) => {
      is ||= pfn !== UNSEEN && page.pfn === pfn
    })
    return is
  }

  #eachPinned(mm: number, vpn: number, pages: number, act: (page: PinnedPage) => void): void {
    this.#pins.forEach((pinned, pin) => {
      if (this.#owners[pin] !== mm) return
      for (const page of pinned) {
        if (!page.unmapped && page.vpn >= vpn && page.vpn < vpn + pages) act(page)
      }
    })
  }

  #maySee(mm: number, token: number): boolean {
    const author = this.#authors.get(token)
    if (author === undefined) return true
    let before = Number.POSITIVE_INFINITY
    for (let reader = mm; reader !== NOBODY; ) {
      if (reader === author.mm) return author.at < before
      const { parent, born } = this.#process(reader)
      before = Math.min(before, born)
      reader = parent
    }
    return false
  }
}

function zeroed(page: Page): Page {
  return { ...page, content: { token: ZEROES }, found: ZEROES, freed: false, swapped: false }
}
