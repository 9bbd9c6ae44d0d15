/**
 * kernel: plays operations on real frames (memory.ts) and tells the oracle what a mechanism would tell it. Whatever
 * the oracle answers is compared with the definitions at once.
 */
import { expect } from 'vitest'
import { Oracle } from '../../oracle/oracle.ts'
import {
  COPY_MAPPED,
  REUSE,
  SITE_FORK,
  SITE_UNSHARE,
  SITE_WP,
  SITE_WP_HUGE,
} from '../../policy/verdict.ts'
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
} from '../../trace/observed.ts'
import { MAP_PRIVATE_ANON } from '../../trace/ops.ts'
import { Memory, type Page, type PinnedPage } from './memory.ts'
import { Tally } from './tally.ts'

export const PAGES = 6
/** A second area, where mremap takes pages. */
export const AWAY = 512
export const MOST_PROCESSES = 6

/** Answers for the questions that come up, in order: reuse or copy, whatever is right. Empty: always right. */
export type Answers = readonly boolean[]

/** As expect(actual).toBe(expected), a hundred times faster: this is asked of every page after every step. */
function agree(actual: number | boolean, expected: number | boolean): void {
  if (actual !== expected) expect(actual).toBe(expected)
}

export class FrameKernel {
  readonly oracle = new Oracle()
  readonly memory = new Memory()
  readonly #tally = new Tally()
  readonly #answers: Answers
  #asked = 0
  #nextMm = 0
  #nextPin = 0
  #nextContent = 0

  constructor(answers: Answers) {
    this.#answers = answers
    const mm = this.#nextMm++
    this.oracle.spawn(mm)
    this.oracle.mmap(mm, 0, PAGES, MAP_PRIVATE_ANON, 0, 0)
    this.memory.spawn(mm)
  }

  get #isRight(): boolean {
    return this.#answers.length === 0
  }

  store(mm: number, vpn: number, site: number): void {
    const page = this.#writeFault(mm, vpn, site)
    this.memory.stored(mm, vpn, page, this.oracle.store(mm, vpn))
  }

  storeSame(mm: number, vpns: readonly number[]): void {
    const content = this.#nextContent++
    for (const vpn of vpns) {
      const page = this.#writeFault(mm, vpn, SITE_WP)
      this.memory.stored(mm, vpn, page, this.oracle.storeSame(mm, vpn, content))
    }
  }

  /** A write fault that no store follows, as get_user_pages() takes it. */
  prefault(mm: number, vpn: number): void {
    const there = this.memory.process(mm).pages.has(vpn)
    this.#writeFault(mm, vpn, SITE_WP)
    if (!there) this.oracle.separated(mm, vpn, 1)
  }

  /** One fault for all pages, as if they were one huge folio; the store goes to the first. */
  hugeFault(mm: number): void {
    const { pages } = this.memory.process(mm)
    const vpns = Array.from({ length: PAGES }, (_, vpn) => vpn)
    if (vpns.some((vpn) => pages.get(vpn)?.writable !== false)) return
    const sole = vpns.map((vpn) => this.memory.isSole(mm, vpn))
    // A copy of 2 MiB would take pages away from their own pins as well: the right answer is a split.
    if (this.#isRight && sole.includes(false)) return
    const reuse = this.#isRight || this.#answer(mm, 0)
    this.#tally.decision(SITE_WP_HUGE, sole, reuse)
    this.oracle.verdict(SITE_WP_HUGE, mm, 0, PAGES, reuse ? REUSE : COPY_MAPPED, 0)
    for (const vpn of vpns) {
      const page = pages.get(vpn)
      if (page === undefined || page.writable) continue
      if (!reuse) page.frame = { token: page.frame.token }
      page.writable = true
    }
    this.store(mm, 0, SITE_WP)
  }

  /** A fault that puts a frame of zeroes into every hole. */
  fill(mm: number): void {
    const { pages } = this.memory.process(mm)
    for (let vpn = 0; vpn < PAGES; vpn++) {
      if (pages.has(vpn)) continue
      pages.set(vpn, { frame: { token: 0 }, writable: true })
      this.oracle.separated(mm, vpn, 1)
    }
  }

  wrprotect(mm: number): void {
    for (const page of this.memory.process(mm).pages.values()) page.writable = false
  }

  fork(parent: number): void {
    const { memory, oracle } = this
    if (memory.processes.size === MOST_PROCESSES) return
    const child = this.#nextMm++
    oracle.fork(parent, child)
    const { pages, logical, astray, maySee } = memory.process(parent)
    const copies = new Map<number, Page>()
    for (const [vpn, page] of pages) {
      const promised = memory.promisedAcrossFork(parent, vpn)
      if (this.#isRight ? promised : this.#answer(parent, vpn)) {
        this.#tally.forkCopy(promised)
        oracle.verdict(SITE_FORK, parent, vpn, 1, COPY_MAPPED, child)
        copies.set(vpn, { frame: { token: page.frame.token }, writable: true })
      } else {
        page.writable = false
        copies.set(vpn, { frame: page.frame, writable: false })
      }
    }
    memory.processes.set(child, {
      pages: copies,
      logical: new Map(logical),
      astray: new Map(astray),
      maySee: new Set(maySee),
    })
    for (const pin of memory.pins.values()) if (pin.mm === parent) pin.forked = true
  }

  /** The last process stays. */
  exit(mm: number): void {
    if (this.memory.processes.size === 1) return
    this.oracle.exit(mm)
    this.memory.exit(mm)
  }

  exec(mm: number): void {
    this.oracle.exec(mm)
    this.memory.clear(mm)
  }

  munmap(mm: number, vpn: number, pages: number): void {
    this.oracle.munmap(mm, vpn, pages)
    this.oracle.mmap(mm, vpn, pages, MAP_PRIVATE_ANON, 0, 0)
    for (let at = vpn; at < vpn + pages; at++) this.memory.unmap(mm, at)
  }

  dontneed(mm: number, vpn: number, pages: number): void {
    this.oracle.dontneed(mm, vpn, pages)
    for (let at = vpn; at < vpn + pages; at++) this.memory.unmap(mm, at)
  }

  /** To the other area or back. */
  mremap(mm: number, vpn: number, pages: number): void {
    const to = vpn < AWAY ? vpn + AWAY : vpn - AWAY
    this.munmap(mm, to, pages)
    this.oracle.mremap(mm, vpn, pages, to)
    for (let i = 0; i < pages; i++) this.memory.move(mm, vpn + i, to + i)
  }

  pin(mm: number, vpn: number, pages: number, hold: number): void {
    const pinned: PinnedPage[] = []
    for (let at = vpn; at < vpn + pages; at++) {
      if (hold === HOLD_GET_WRITE || hold === HOLD_PIN_WRITE) this.#writeFault(mm, at, SITE_WP)
      else if (hold === HOLD_PIN_RO) this.#unshare(mm, at)
      // The zero page: nobody's frame, and the first store leaves it.
      const frame = this.memory.process(mm).pages.get(at)?.frame ?? { token: 0 }
      pinned.push({ frame, vpn: at, unmapped: false })
    }
    const id = this.#nextPin++
    this.oracle.pin(id, mm, vpn, pages, hold)
    this.memory.pins.set(id, { mm, hold, pages: pinned, forked: false })
  }

  unpin(id: number): void {
    this.oracle.unpin(id)
    this.memory.pins.delete(id)
  }

  devwrite(id: number, index: number): void {
    const { memory } = this
    const pin = memory.pins.get(id)
    const page = pin?.pages[index]
    if (pin === undefined || page === undefined) return
    if (pin.hold === HOLD_GET_RO || pin.hold === HOLD_PIN_RO) return
    const promised = memory.promised(pin)
    // A device that stores where its promise has lapsed breaks in without any verdict.
    if (this.#isRight && !promised) return
    const { pages, logical, astray, maySee } = memory.process(pin.mm)
    const attached = pages.get(page.vpn)?.frame === page.frame && !page.unmapped
    const token = this.oracle.devwrite(id, index)
    page.frame.token = token
    maySee.add(token)
    if (page.unmapped || !(attached || promised)) return
    logical.set(page.vpn, token)
    if (attached) astray.delete(page.vpn)
    else astray.set(page.vpn, memory.token(pin.mm, page.vpn))
  }

  /**
   * KSM: pages of equal content become one of their frames, unless a reference forbids it; those of `only`, where that is
   * given.
   */
  ksm(only?: number): void {
    const byContent = new Map<number, { mm: number; vpn: number; page: Page }[]>()
    const pinned = this.memory.pinnedFrames()
    for (const [mm, { pages, logical }] of this.memory.processes) {
      if (only !== undefined && mm !== only) continue
      for (const [vpn, page] of pages) {
        const { token } = page.frame
        if (token === 0 || pinned.has(page.frame) || logical.get(vpn) !== token) continue
        byContent.set(token, [...(byContent.get(token) ?? []), { mm, vpn, page }])
      }
    }
    for (const group of byContent.values()) {
      const frames = new Set(group.map(({ page }) => page.frame))
      const [frame] = frames
      if (frame === undefined || frames.size < 2) continue
      for (const { page } of group) {
        page.frame = frame
        page.writable = false
      }
      this.oracle.merged(group.flatMap(({ mm, vpn }) => [mm, vpn]))
    }
  }

  /** khugepaged: pages are copied into a folio of the process's own; the real one leaves referenced pages alone. */
  collapse(mm: number): void {
    const pinned = this.memory.pinnedFrames()
    for (const [vpn, page] of this.memory.process(mm).pages) {
      if (this.#isRight && pinned.has(page.frame)) continue
      page.frame = { token: page.frame.token }
      this.oracle.separated(mm, vpn, 1)
    }
  }

  /** Every load and every device read that could be made now, and the counts so far. */
  compare(): void {
    for (const mm of this.memory.processes.keys()) {
      for (let vpn = 0; vpn < PAGES; vpn++) this.#load(mm, vpn)
      for (let vpn = AWAY; vpn < AWAY + PAGES; vpn++) this.#load(mm, vpn)
    }
    for (const [id, pin] of this.memory.pins) for (const i of pin.pages.keys()) this.#devread(id, i)
    this.#tally.compare(this.oracle.counts)
  }

  /** Everybody exits, and nothing is left. */
  finish(): void {
    for (const mm of this.memory.processes.keys()) this.oracle.exit(mm)
    expect(this.oracle.idle).toBe(true)
  }

  #load(mm: number, vpn: number): void {
    const { logical, maySee } = this.memory.process(mm)
    const found = this.memory.token(mm, vpn)
    const expected = logical.get(vpn) ?? 0
    const saw = found === expected ? 0 : SAW_MISMATCH | (maySee.has(found) ? 0 : SAW_LEAK)
    agree(this.oracle.seesExpected(mm, vpn, found), found === expected)
    agree(this.oracle.load(mm, vpn, found), saw)
  }

  #devread(id: number, index: number): void {
    const pin = this.memory.pins.get(id)
    const page = pin?.pages[index]
    if (pin === undefined || page === undefined) return
    const { logical, astray, maySee } = this.memory.process(pin.mm)
    const { token } = page.frame
    const owner = this.memory.token(pin.mm, page.vpn)
    const dev = this.oracle.devread(id, index, token)
    if (!maySee.has(token)) agree(dev, DEV_LEAK)
    else if (page.unmapped) agree(dev, DEV_NOLEAK)
    // Where another store sits in the owner's page the oracle goes by what belongs there.
    else if (owner === (astray.get(page.vpn) ?? logical.get(page.vpn) ?? 0)) {
      agree(dev, owner === token ? DEV_COHERENT : DEV_INCOHERENT)
    }
  }

  /** The page ends up writable, in place or as a copy. */
  #writeFault(mm: number, vpn: number, site: number): Page {
    const { pages } = this.memory.process(mm)
    const page = pages.get(vpn) ?? { frame: { token: 0 }, writable: true }
    pages.set(vpn, page)
    if (!page.writable) {
      this.#ask(mm, vpn, page, site)
      page.writable = true
    }
    return page
  }

  /** FAULT_FLAG_UNSHARE: the page stays read-only, but is the process's own. */
  #unshare(mm: number, vpn: number): void {
    const { pages } = this.memory.process(mm)
    const page = pages.get(vpn)
    if (page === undefined) {
      pages.set(vpn, { frame: { token: 0 }, writable: false })
      this.oracle.separated(mm, vpn, 1)
    } else if (!page.writable) this.#ask(mm, vpn, page, SITE_UNSHARE)
  }

  #ask(mm: number, vpn: number, page: Page, site: number): void {
    const sole = this.memory.isSole(mm, vpn)
    const reuse = this.#answer(mm, vpn)
    this.#tally.decision(site, [sole], reuse)
    const unsafe = this.oracle.verdict(site, mm, vpn, 1, reuse ? REUSE : COPY_MAPPED, 0)
    agree(unsafe, reuse && !sole)
    if (!reuse) page.frame = { token: page.frame.token }
  }

  #answer(mm: number, vpn: number): boolean {
    if (this.#isRight) return this.memory.isSole(mm, vpn)
    return this.#answers[this.#asked++ % this.#answers.length] ?? false
  }
}
