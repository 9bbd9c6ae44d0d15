/**
 * truth.test: the oracle against the definitions, spelled out over real frames. A kernel that keeps a Map of pages
 * plays random histories; who shares a frame, who may see a token and what a load should find are worked out from
 * scratch, and the oracle, which sees no frame, must agree at every step.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  COPY_MAPPED,
  REUSE,
  SITE_FORK,
  SITE_SWAPIN,
  SITE_UNSHARE,
  SITE_WP,
  SITE_WP_HUGE,
} from '../policy/verdict.ts'
import {
  DEV_COHERENT,
  DEV_INCOHERENT,
  DEV_LEAK,
  DEV_NOLEAK,
  HOLD_GET_RO,
  HOLD_GET_WRITE,
  HOLD_PIN_RO,
  HOLD_PIN_WRITE,
  SAW_LEAK,
  SAW_MISMATCH,
} from '../trace/observed.ts'
import { MAP_PRIVATE_ANON } from '../trace/ops.ts'
import { noCounts } from './judge.ts'
import { Oracle } from './oracle.ts'

const PAGES = 6
/** A second area, where mremap takes pages. */
const AWAY = 512
const MOST_PROCESSES = 6

interface Frame {
  token: number
}
interface Page {
  frame: Frame
  writable: boolean
}
interface PinnedPage {
  frame: Frame
  vpn: number
  unmapped: boolean
}
interface Pin {
  readonly mm: number
  readonly hold: number
  readonly pages: PinnedPage[]
  forked: boolean
}
interface Process {
  /** What is there; a missing page reads zeroes. */
  readonly pages: Map<number, Page>
  /** What a load should find; missing: 0. */
  readonly logical: Map<number, number>
  /** What is there where a device's store should be; its promise was broken. */
  readonly astray: Map<number, number>
  readonly maySee: Set<number>
}

/** As expect(actual).toBe(expected), a hundred times faster: this is asked of every page after every step. */
function agree(actual: number | boolean, expected: number | boolean): void {
  if (actual !== expected) expect(actual).toBe(expected)
}

/** Answers for the questions that come up, in order: reuse or copy, whatever is right. Empty: always right. */
type Policy = readonly boolean[]

class Kernel {
  readonly oracle = new Oracle()
  readonly processes = new Map<number, Process>()
  readonly pins = new Map<number, Pin>()
  readonly counts = noCounts()
  readonly #policy: Policy
  #asked = 0
  #nextMm = 0
  #nextPin = 0
  #nextContent = 0

  constructor(policy: Policy) {
    this.#policy = policy
    this.spawn()
  }

  spawn(): void {
    const mm = this.#nextMm++
    this.oracle.spawn(mm)
    this.oracle.mmap(mm, 0, PAGES, MAP_PRIVATE_ANON, 0, 0)
    this.processes.set(mm, {
      pages: new Map(),
      logical: new Map(),
      astray: new Map(),
      maySee: new Set([0]),
    })
  }

  process(mm: number): Process {
    const process = this.processes.get(mm)
    if (process === undefined) throw new Error(`no process ${mm}`)
    return process
  }

  /** Model.md's definition: nobody else maps the frame, nobody else holds a reference on it. */
  isSole(mm: number, vpn: number): boolean {
    const { frame } = this.process(mm).pages.get(vpn) ?? { frame: undefined }
    if (frame === undefined) return true
    for (const [other, { pages }] of this.processes) {
      for (const [at, page] of pages) {
        if (page.frame === frame && !(other === mm && at === vpn)) return false
      }
    }
    for (const pin of this.pins.values()) {
      if (pin.mm !== mm && pin.pages.some((page) => page.frame === frame)) return false
    }
    return true
  }

  #answer(mm: number, vpn: number): boolean {
    const right = this.isSole(mm, vpn)
    if (this.#policy.length === 0) return right
    return this.#policy[this.#asked++ % this.#policy.length] ?? right
  }

  /** A write fault: the page ends up writable, in place or as a copy. */
  #writeFault(mm: number, vpn: number, site: number): Page {
    const { pages } = this.process(mm)
    const page = pages.get(vpn)
    if (page === undefined) {
      const fresh = { frame: { token: 0 }, writable: true }
      pages.set(vpn, fresh)
      return fresh
    }
    if (page.writable) return page
    const sole = this.isSole(mm, vpn)
    const reuse = this.#answer(mm, vpn)
    this.#score(site, [sole], reuse)
    const unsafe = this.oracle.verdict(site, mm, vpn, 1, reuse ? REUSE : COPY_MAPPED, 0)
    agree(unsafe, reuse && !sole)
    if (!reuse) page.frame = { token: page.frame.token }
    page.writable = true
    return page
  }

  #score(site: number, sole: readonly boolean[], reuse: boolean): void {
    const { counts } = this
    const all = !sole.includes(false)
    if (reuse) {
      counts.reuses++
      if (site === SITE_WP_HUGE) counts.huge_reuses++
      if (!all) counts.unsafe_reuses++
      return
    }
    counts.copies += sole.length
    if (site === SITE_WP_HUGE) counts.huge_copies++
    if (site === SITE_UNSHARE) counts.unshare_copies += sole.length
    counts.needed_copies += sole.filter((one) => !one).length
    counts.spurious_copies += sole.filter((one) => one).length
    if (all) counts.missed_reuses++
  }

  #stored(mm: number, vpn: number, page: Page, token: number): void {
    const process = this.process(mm)
    page.frame.token = token
    process.logical.set(vpn, token)
    process.astray.delete(vpn)
    process.maySee.add(token)
  }

  store(mm: number, vpn: number, site: number): void {
    const page = this.#writeFault(mm, vpn, site)
    this.#stored(mm, vpn, page, this.oracle.store(mm, vpn))
  }

  storeSame(mm: number, vpns: readonly number[]): void {
    const content = this.#nextContent++
    for (const vpn of vpns) {
      const page = this.#writeFault(mm, vpn, SITE_WP)
      this.#stored(mm, vpn, page, this.oracle.storeSame(mm, vpn, content))
    }
  }

  /** A write fault that no store follows, as get_user_pages() takes it. */
  prefault(mm: number, vpn: number): void {
    const there = this.process(mm).pages.has(vpn)
    this.#writeFault(mm, vpn, SITE_WP)
    if (!there) this.oracle.separated(mm, vpn, 1)
  }

  /** One fault for all pages, that are one huge folio; the store goes to the first. */
  hugeFault(mm: number): void {
    const { pages } = this.process(mm)
    const vpns = Array.from({ length: PAGES }, (_, vpn) => vpn)
    if (vpns.some((vpn) => pages.get(vpn)?.writable !== false)) return
    const sole = vpns.map((vpn) => this.isSole(mm, vpn))
    // A copy of 2 MiB would take the right ones away from their pins as well: a right policy splits.
    if (this.#policy.length === 0 && sole.includes(false)) return
    const reuse = this.#policy.length === 0 || this.#answer(mm, 0)
    this.#score(SITE_WP_HUGE, sole, reuse)
    this.oracle.verdict(SITE_WP_HUGE, mm, 0, PAGES, reuse ? REUSE : COPY_MAPPED, 0)
    for (const vpn of vpns) {
      const page = pages.get(vpn)
      if (page === undefined) continue
      if (!reuse) page.frame = { token: page.frame.token }
      page.writable = true
    }
    this.store(mm, 0, SITE_WP)
  }

  /** A fault that puts a frame of zeroes into every hole. */
  fill(mm: number): void {
    const { pages } = this.process(mm)
    for (let vpn = 0; vpn < PAGES; vpn++) {
      if (pages.has(vpn)) continue
      pages.set(vpn, { frame: { token: 0 }, writable: true })
      this.oracle.separated(mm, vpn, 1)
    }
  }

  wrprotect(mm: number): void {
    for (const page of this.process(mm).pages.values()) page.writable = false
  }

  load(mm: number, vpn: number): void {
    const { pages, logical, maySee } = this.process(mm)
    const found = pages.get(vpn)?.frame.token ?? 0
    const expected = logical.get(vpn) ?? 0
    const saw = found === expected ? 0 : SAW_MISMATCH | (maySee.has(found) ? 0 : SAW_LEAK)
    agree(this.oracle.seesExpected(mm, vpn, found), found === expected)
    agree(this.oracle.load(mm, vpn, found), saw)
  }

  fork(parent: number): void {
    if (this.processes.size === MOST_PROCESSES) return
    const child = this.#nextMm++
    this.oracle.fork(parent, child)
    const { pages, logical, astray, maySee } = this.process(parent)
    const copies = new Map<number, Page>()
    for (const [vpn, page] of pages) {
      const promised = this.#promisedAcrossFork(parent, vpn, page.frame)
      const copy = this.#policy.length === 0 ? promised : this.#answer(parent, vpn)
      if (copy) {
        this.counts.copies++
        this.counts.fork_copies++
        if (promised) this.counts.needed_copies++
        else this.counts.spurious_copies++
        this.oracle.verdict(SITE_FORK, parent, vpn, 1, COPY_MAPPED, child)
        copies.set(vpn, { frame: { token: page.frame.token }, writable: true })
      } else {
        page.writable = false
        copies.set(vpn, { frame: page.frame, writable: false })
      }
    }
    this.processes.set(child, {
      pages: copies,
      logical: new Map(logical),
      astray: new Map(astray),
      maySee: new Set(maySee),
    })
    for (const pin of this.pins.values()) if (pin.mm === parent) pin.forked = true
  }

  #promisedAcrossFork(mm: number, vpn: number, frame: Frame): boolean {
    for (const pin of this.pins.values()) {
      if (pin.mm !== mm || (pin.hold !== HOLD_PIN_RO && pin.hold !== HOLD_PIN_WRITE)) continue
      if (pin.pages.some((page) => page.vpn === vpn && page.frame === frame && !page.unmapped))
        return true
    }
    return false
  }

  exit(mm: number): void {
    if (this.processes.size === 1) return
    this.oracle.exit(mm)
    this.processes.delete(mm)
    this.#dropPins(mm)
  }

  exec(mm: number): void {
    this.oracle.exec(mm)
    this.process(mm).pages.clear()
    this.process(mm).logical.clear()
    this.process(mm).astray.clear()
    this.#dropPins(mm)
  }

  #dropPins(mm: number): void {
    for (const [id, pin] of this.pins) if (pin.mm === mm) this.pins.delete(id)
  }

  drop(mm: number, vpn: number, pages: number, unmap: boolean): void {
    if (unmap) {
      this.oracle.munmap(mm, vpn, pages)
      this.oracle.mmap(mm, vpn, pages, MAP_PRIVATE_ANON, 0, 0)
    } else this.oracle.dontneed(mm, vpn, pages)
    for (let at = vpn; at < vpn + pages; at++) {
      this.process(mm).pages.delete(at)
      this.process(mm).logical.delete(at)
      this.process(mm).astray.delete(at)
      this.#eachPinned(mm, at, (page) => {
        page.unmapped = true
      })
    }
  }

  /** To the other area and back: pages keep their order. */
  move(mm: number, vpn: number, pages: number): void {
    const process = this.process(mm)
    const to = vpn < AWAY ? vpn + AWAY : vpn - AWAY
    this.oracle.munmap(mm, to, pages)
    for (let at = to; at < to + pages; at++) {
      process.pages.delete(at)
      process.logical.delete(at)
      process.astray.delete(at)
      this.#eachPinned(mm, at, (page) => {
        page.unmapped = true
      })
    }
    this.oracle.mremap(mm, vpn, pages, to)
    for (let at = vpn; at < vpn + pages; at++) {
      const page = process.pages.get(at)
      if (page !== undefined) process.pages.set(at + to - vpn, page)
      process.pages.delete(at)
      process.logical.set(at + to - vpn, process.logical.get(at) ?? 0)
      process.logical.delete(at)
      const astray = process.astray.get(at)
      if (astray !== undefined) process.astray.set(at + to - vpn, astray)
      process.astray.delete(at)
      this.#eachPinned(mm, at, (pinned) => {
        pinned.vpn = at + to - vpn
      })
    }
  }

  #eachPinned(mm: number, vpn: number, act: (page: PinnedPage) => void): void {
    for (const pin of this.pins.values()) {
      if (pin.mm !== mm) continue
      for (const page of pin.pages) if (page.vpn === vpn && !page.unmapped) act(page)
    }
  }

  pin(mm: number, vpn: number, pages: number, hold: number): void {
    const process = this.process(mm)
    const write = hold === HOLD_GET_WRITE || hold === HOLD_PIN_WRITE
    const pinned: PinnedPage[] = []
    for (let at = vpn; at < vpn + pages; at++) {
      if (write) this.#writeFault(mm, at, SITE_WP)
      else if (hold === HOLD_PIN_RO) this.#unshare(mm, at)
      // The zero page: nobody's frame, and the first store leaves it.
      const frame = process.pages.get(at)?.frame ?? { token: 0 }
      pinned.push({ frame, vpn: at, unmapped: false })
    }
    const id = this.#nextPin++
    this.oracle.pin(id, mm, vpn, pages, hold)
    this.pins.set(id, { mm, hold, pages: pinned, forked: false })
  }

  #unshare(mm: number, vpn: number): void {
    const page = this.process(mm).pages.get(vpn)
    if (page === undefined) {
      this.process(mm).pages.set(vpn, { frame: { token: 0 }, writable: false })
      this.oracle.separated(mm, vpn, 1)
      return
    }
    if (page.writable) return
    const sole = this.isSole(mm, vpn)
    const reuse = this.#answer(mm, vpn)
    this.#score(SITE_UNSHARE, [sole], reuse)
    this.oracle.verdict(SITE_UNSHARE, mm, vpn, 1, reuse ? REUSE : COPY_MAPPED, 0)
    if (!reuse) page.frame = { token: page.frame.token }
  }

  unpin(id: number): void {
    this.oracle.unpin(id)
    this.pins.delete(id)
  }

  #promised(pin: Pin): boolean {
    if (pin.hold === HOLD_GET_RO) return false
    return pin.hold !== HOLD_GET_WRITE || !pin.forked
  }

  devread(id: number, index: number): void {
    const pin = this.pins.get(id)
    const page = pin?.pages[index]
    if (pin === undefined || page === undefined) return
    const { pages, logical, astray, maySee } = this.process(pin.mm)
    const { token } = page.frame
    const owner = pages.get(page.vpn)?.frame.token ?? 0
    const dev = this.oracle.devread(id, index, token)
    if (!maySee.has(token)) agree(dev, DEV_LEAK)
    else if (page.unmapped) agree(dev, DEV_NOLEAK)
    // Where another store sits in the owner's page the oracle goes by what belongs there.
    else if (owner === (astray.get(page.vpn) ?? logical.get(page.vpn) ?? 0)) {
      agree(dev, owner === token ? DEV_COHERENT : DEV_INCOHERENT)
    }
  }

  devwrite(id: number, index: number): void {
    const pin = this.pins.get(id)
    const page = pin?.pages[index]
    if (pin === undefined || page === undefined) return
    if (pin.hold === HOLD_GET_RO || pin.hold === HOLD_PIN_RO) return
    // A device that stores where its promise has lapsed breaks in without any verdict.
    if (this.#policy.length === 0 && !this.#promised(pin)) return
    const process = this.process(pin.mm)
    const attached = process.pages.get(page.vpn)?.frame === page.frame && !page.unmapped
    const token = this.oracle.devwrite(id, index)
    page.frame.token = token
    process.maySee.add(token)
    if (page.unmapped || !(attached || this.#promised(pin))) return
    process.logical.set(page.vpn, token)
    if (attached) process.astray.delete(page.vpn)
    else process.astray.set(page.vpn, process.pages.get(page.vpn)?.frame.token ?? 0)
  }

  /** KSM: pages of equal content become one frame, unless a reference or another mapping forbids it. */
  ksm(): void {
    const byContent = new Map<number, { mm: number; vpn: number; page: Page }[]>()
    const pinned = this.#pinnedFrames()
    for (const [mm, { pages, logical }] of this.processes) {
      for (const [vpn, page] of pages) {
        const { token } = page.frame
        if (token === 0 || pinned.has(page.frame) || logical.get(vpn) !== token) continue
        byContent.set(token, [...(byContent.get(token) ?? []), { mm, vpn, page }])
      }
    }
    for (const group of byContent.values()) {
      if (new Set(group.map(({ page }) => page.frame)).size < 2) continue
      const frame = { token: group[0]?.page.frame.token ?? 0 }
      for (const { page } of group) {
        page.frame = frame
        page.writable = false
      }
      this.oracle.merged(group.flatMap(({ mm, vpn }) => [mm, vpn]))
    }
  }

  #pinnedFrames(): Set<Frame> {
    return new Set([...this.pins.values()].flatMap((pin) => pin.pages.map((page) => page.frame)))
  }

  /** khugepaged: pages are copied into a folio of the process's own; the real one leaves referenced pages alone. */
  collapse(mm: number): void {
    const { pages } = this.process(mm)
    const pinned = this.#pinnedFrames()
    for (const [vpn, page] of pages) {
      if (this.#policy.length === 0 && pinned.has(page.frame)) continue
      page.frame = { token: page.frame.token }
      this.oracle.separated(mm, vpn, 1)
    }
  }

  /** Every load and every device read that could be made now. */
  observeAll(): void {
    for (const mm of this.processes.keys()) {
      for (let vpn = 0; vpn < PAGES; vpn++) this.load(mm, vpn)
      for (let vpn = AWAY; vpn < AWAY + PAGES; vpn++) this.load(mm, vpn)
    }
    for (const [id, pin] of this.pins) for (const i of pin.pages.keys()) this.devread(id, i)
  }

  finish(): void {
    for (const mm of this.processes.keys()) this.oracle.exit(mm)
    expect(this.oracle.idle).toBe(true)
  }
}

const DECISIONS = [
  'reuses',
  'copies',
  'needed_copies',
  'spurious_copies',
  'missed_reuses',
  'unsafe_reuses',
  'fork_copies',
  'unshare_copies',
  'huge_reuses',
  'huge_copies',
] as const

function agreeOnDecisions({ oracle, counts }: Kernel): void {
  for (const id of DECISIONS) {
    if (oracle.counts[id] !== counts[id])
      expect({ [id]: oracle.counts[id] }).toEqual({ [id]: counts[id] })
  }
}

/** One step; `who` and `what` choose among the processes and pins that exist. */
interface Step {
  readonly op: string
  readonly who: number
  readonly vpn: number
  readonly what: number
}

const OPS: Record<string, (kernel: Kernel, mm: number, step: Step) => void> = {
  store: (kernel, mm, { vpn, what }) => kernel.store(mm, vpn, what % 2 ? SITE_WP : SITE_SWAPIN),
  storeAway: (kernel, mm, { vpn }) => {
    if (kernel.process(mm).pages.has(AWAY + vpn)) kernel.store(mm, AWAY + vpn, SITE_WP)
  },
  storeSame: (kernel, mm, { vpn }) => kernel.storeSame(mm, [vpn, (vpn + 1) % PAGES]),
  prefault: (kernel, mm, { vpn }) => kernel.prefault(mm, vpn),
  fill: (kernel, mm) => kernel.fill(mm),
  huge: (kernel, mm) => kernel.hugeFault(mm),
  wrprotect: (kernel, mm) => kernel.wrprotect(mm),
  fork: (kernel, mm) => kernel.fork(mm),
  exit: (kernel, mm) => kernel.exit(mm),
  exec: (kernel, mm) => kernel.exec(mm),
  dontneed: (kernel, mm, { vpn }) => kernel.drop(mm, vpn, Math.min(2, PAGES - vpn), false),
  munmap: (kernel, mm, { vpn }) => kernel.drop(mm, vpn, Math.min(3, PAGES - vpn), true),
  move: (kernel, mm, { vpn, what }) =>
    kernel.move(mm, what % 2 ? vpn : AWAY + vpn, Math.min(2, PAGES - vpn)),
  pin: (kernel, mm, { vpn, what }) =>
    kernel.pin(mm, vpn, Math.min(2, PAGES - vpn), what % (HOLD_PIN_WRITE + 1)),
  unpin: (kernel, _, { what }) => {
    const id = pinOf(kernel, what)
    if (id !== undefined) kernel.unpin(id)
  },
  devwrite: (kernel, _, { vpn, what }) => {
    const id = pinOf(kernel, what)
    if (id !== undefined) kernel.devwrite(id, vpn % 2)
  },
  ksm: (kernel) => kernel.ksm(),
  collapse: (kernel, mm) => kernel.collapse(mm),
}

function pinOf(kernel: Kernel, what: number): number | undefined {
  const ids = [...kernel.pins.keys()]
  return ids[what % Math.max(1, ids.length)]
}

const steps = fc.array(
  fc.record({
    op: fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom('store', 'store', 'store', 'fork', 'wrprotect') },
      { weight: 5, arbitrary: fc.constantFrom(...Object.keys(OPS)) },
    ),
    who: fc.nat(MOST_PROCESSES - 1),
    vpn: fc.nat(PAGES - 1),
    what: fc.nat(7),
  }),
  { maxLength: 60, size: 'max' },
)

function play(kernel: Kernel, history: readonly Step[]): void {
  for (const [event, step] of history.entries()) {
    kernel.oracle.event = event
    const alive = [...kernel.processes.keys()]
    const mm = alive[step.who % alive.length] ?? 0
    OPS[step.op]?.(kernel, mm, step)
    kernel.observeAll()
    agreeOnDecisions(kernel)
  }
}

test('right answers break nothing, and are classified as the definition says', () => {
  fc.assert(
    fc.property(steps, (history) => {
      const kernel = new Kernel([])
      play(kernel, history)
      const { leaks, lost_coherence, lost_writes, lost_events } = kernel.oracle.counts
      expect({ leaks, lost_coherence, lost_writes, lost_events }).toEqual({
        leaks: 0,
        lost_coherence: 0,
        lost_writes: 0,
        lost_events: 0,
      })
      expect(kernel.oracle.counts.unsafe_reuses).toBe(0)
      kernel.finish()
    }),
    { numRuns: 1000, seed: 1 },
  )
})

test('any answers at all: soleness, loads and device reads are judged as the definition says', () => {
  const answers = fc.array(fc.boolean(), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(answers, steps, (policy, history) => {
      const kernel = new Kernel(policy)
      play(kernel, history)
      kernel.finish()
    }),
    { numRuns: 4000, seed: 2 },
  )
})
