/**
 * Truth: what every page of a small world should show, and who may see which bytes. It answers as the oracle does
 * (src/oracle, which src/check/truth.test.ts holds it against), but all it knows fits into a few integers, so that a
 * state of the world can be kept, hashed and gone back to; and where the oracle follows the trace alone, it may look at
 * the machine. Whatever is found with it is run again before the oracle.
 */
import { COPY, SITE_FORK, SITE_SWAPIN, SITE_TABLE, SITE_WP, soleUser } from '../policy/api.ts'
import { type Expectations, type Judge, NO_EXPECTATIONS } from '../sim/judge.ts'
import type { Machine } from '../sim/machine.ts'
import { presentFrame } from '../sim/walk.ts'
import { TABLE_SHIFT } from '../state/tables.ts'
import {
  DEV_COHERENT,
  HOLD_GET_RO,
  HOLD_GET_WRITE,
  HOLD_PIN_WRITE,
  SAW_LEAK,
  SAW_MISMATCH,
} from '../trace/observed.ts'

/** Room for processes, pages of an area, pins and contents. */
export const MOST_PROCESSES = 4
export const MOST_PAGES = 4
export const MOST_PINS = 4
const MOST_TOKENS = 4096

/** Kinds of breach, as src/oracle/judge.ts has them. */
export const NO_BREACH = 0
export const LEAK = 1
export const LOST_COHERENCE = 2
export const LOST_WRITE = 3
export const LOST_EVENT = 4

/** Where a pinned page is: its owner maps it, went on with a copy, or gave the address up. */
const ATTACHED = 0
const COPIED = 1
const UNMAPPED = 2
/** Not known of here: GUP-fast holds a reference that it may have to put back, of which nobody has heard yet. */
export const GRABBED = 3

/** In the description of a pin, above HOLD_*: its pages are dirty when they are given back. */
export const PIN_DIRTIES = 1 << 6

/** Of a page. There is a frame (if only full of zeroes), not a hole or the zero page. */
export const PAGE_REAL = 1
/** Under userfaultfd write protection. */
export const PAGE_PROTECTED = 2
/** MADV_FREE gave it up, and nothing has been stored to it since. */
export const PAGE_LAZYFREE = 4
/** What fork leaves of these: the child is not registered with userfaultfd. */
const PAGE_FORKED = PAGE_REAL | PAGE_LAZYFREE

/** Of a token, beside a bit for each process that may see it: stored by a device whose pin promises coherence. */
export const TOKEN_DEVICE = 1 << MOST_PROCESSES
/** Everybody may see zeroes. */
const ZEROES = TOKEN_DEVICE - 1

export class Truth implements Judge {
  event = 0
  /** Set once the machine is made, which needs its judge first. */
  machine!: Machine
  /** Is a FOLL_GET for writing to stay coherent when its owner has forked, as FOLL_PIN is? */
  promisesAcrossFork = false
  /** By process and page: the token that a load should find, and PAGE_*. */
  readonly content = new Int32Array(MOST_PROCESSES * MOST_PAGES)
  readonly page = new Int32Array(MOST_PROCESSES * MOST_PAGES)
  /** By token. */
  readonly seers = Int32Array.of(ZEROES, ...new Int32Array(MOST_TOKENS))
  tokens = 1
  /** What storeSame() stores while it is called by one content number. */
  #content = 0
  #contentToken = 0
  /** By pin: owner (-1: no such pin), address, HOLD_*, where the page is, and whether its owner has forked since. */
  readonly pinOwner = new Int32Array(MOST_PINS).fill(-1)
  readonly pinPage = new Int32Array(MOST_PINS)
  readonly pinHold = new Int32Array(MOST_PINS)
  readonly pinState = new Int32Array(MOST_PINS)
  readonly pinForked = new Int32Array(MOST_PINS)
  /** Since the last operation began: the breach that was met, and whether a sole user was made to copy. */
  breach = NO_BREACH
  missedReuse = false
  /** Pages that were copied for a store or a pin, since then. */
  copies = 0

  /** Knows nothing any more; `tokens` contents are about to be described. */
  restart(tokens: number): void {
    const { content, page, pinOwner } = this
    for (let i = 0; i < MOST_PROCESSES * MOST_PAGES; i++) {
      content[i] = 0
      page[i] = 0
    }
    for (let pin = 0; pin < MOST_PINS; pin++) pinOwner[pin] = -1
    this.tokens = tokens
    this.#content = 0
    this.begin()
  }

  begin(): void {
    this.breach = NO_BREACH
    this.missedReuse = false
    this.copies = 0
  }

  spawn(mm: number): void {
    this.#forget(mm)
  }

  fork(parent: number, child: number): void {
    this.#forget(child)
    for (let i = 0; i < MOST_PAGES; i++) {
      this.content[at(child, i)] = this.content[at(parent, i)]!
      this.page[at(child, i)] = this.page[at(parent, i)]! & PAGE_FORKED
    }
    this.#share(parent, child)
    this.#leavePinsBehind(parent)
  }

  exec(mm: number): void {
    for (let i = 0; i < MOST_PAGES; i++) this.#clear(mm, i)
  }

  exit(mm: number): void {
    this.#forget(mm)
  }

  /** A fork in steps: the child sees what the parent has on these pages by now. */
  forkedPages(parent: number, child: number, vpn: number, pages: number): void {
    let changed = false
    for (let i = vpn; i < vpn + pages; i++) {
      if (this.content[at(child, i)] !== this.content[at(parent, i)]) changed = true
      this.content[at(child, i)] = this.content[at(parent, i)]!
      this.page[at(child, i)] = this.page[at(parent, i)]! & PAGE_FORKED
    }
    if (changed) this.#share(parent, child)
    this.#leavePinsBehind(parent)
  }

  mmap(): void {}

  munmap(mm: number, vpn: number, pages: number): void {
    this.dontneed(mm, vpn, pages)
  }

  dontneed(mm: number, vpn: number, pages: number): void {
    for (let i = vpn; i < vpn + pages; i++) {
      this.#movePins(mm, i, UNMAPPED)
      this.#clear(mm, i)
    }
  }

  lazyfree(mm: number, vpn: number, pages: number): void {
    for (let i = vpn; i < vpn + pages; i++) this.page[at(mm, i)]! |= PAGE_LAZYFREE
  }

  dropped(mm: number, vpn: number): void {
    if ((this.page[at(mm, vpn)]! & PAGE_LAZYFREE) !== 0) this.dontneed(mm, vpn, 1)
    else this.#movePins(mm, vpn, COPIED)
  }

  /** Pins of the page were left behind when the process got it to itself. */
  zeroed(mm: number, vpn: number, pages: number): void {
    for (let i = vpn; i < vpn + pages; i++) if (this.content[at(mm, i)] === 0) this.#clear(mm, i)
  }

  mremap(): void {
    throw new RangeError('broken model: mremap in a small world')
  }

  /** None at hand: each load asks. */
  expectations(): Expectations {
    return NO_EXPECTATIONS
  }

  seesExpected(mm: number, vpn: number, token: number): boolean {
    return this.content[at(mm, vpn)] === token
  }

  load(mm: number, vpn: number, token: number): number {
    const breach = this.loadBreach(mm, vpn, token)
    if (breach === NO_BREACH) return 0
    this.breach = breach
    return breach === LEAK ? SAW_LEAK | SAW_MISMATCH : SAW_MISMATCH
  }

  /** What a load of the page would be that finds `token`. */
  loadBreach(mm: number, vpn: number, token: number): number {
    const expected = this.content[at(mm, vpn)]!
    if (token === expected) return NO_BREACH
    if (!this.maySee(mm, token)) return LEAK
    return (this.seers[expected]! & TOKEN_DEVICE) !== 0 ? LOST_COHERENCE : LOST_WRITE
  }

  /** What a device's read through the pin would be that finds `token`, where its owner would load `mapped`. */
  pinBreach(pin: number, token: number, mapped: number): number {
    if (!this.maySee(this.pinOwner[pin]!, token)) return LEAK
    if (this.pinState[pin] === UNMAPPED || token === mapped || !this.#promised(pin)) {
      return NO_BREACH
    }
    return LOST_COHERENCE
  }

  store(mm: number, vpn: number): number {
    const token = this.#token(1 << mm)
    this.#store(mm, vpn, token)
    return token
  }

  /** Steps only, so that each is seen. */
  plainStores(): boolean {
    return false
  }

  storeAfter(): number {
    return 0
  }

  storeOwn(): number {
    return 0
  }

  takesOver(): number {
    return 0
  }

  storesAfterCopies(_vpns: Int32Array, _tokens: Int32Array, from: number): number {
    return from
  }

  /** A content number for storeSame() that none of the pages was stored with. */
  newContent(): number {
    return this.tokens
  }

  storeSame(mm: number, vpn: number, content: number): number {
    if (content !== this.#content) {
      this.#content = content
      this.#contentToken = this.#token(1 << mm)
    }
    this.#store(mm, vpn, this.#contentToken)
    return this.#contentToken
  }

  objectPage(): number {
    throw new RangeError('broken model: file mapping in a small world')
  }

  pin(pin: number, mm: number, vpn: number, pages: number, hold: number): void {
    if (pages !== 1) throw new RangeError(`broken model: a pin of ${pages} pages in a small world`)
    if (hold === HOLD_GET_WRITE || hold === HOLD_PIN_WRITE) {
      if ((this.page[at(mm, vpn)]! & PAGE_REAL) === 0) this.separated(mm, vpn, 1)
    }
    this.pinOwner[pin] = mm
    this.pinPage[pin] = vpn
    this.pinHold[pin] = hold
    this.pinState[pin] = ATTACHED
    this.pinForked[pin] = 0
  }

  unpin(pin: number): void {
    this.pinOwner[pin] = -1
  }

  /** Asked beforehand, by pinBreach. */
  devread(): number {
    return DEV_COHERENT
  }

  exchanges(): undefined {}

  devwrite(pin: number): number {
    const mm = this.pinOwner[pin]!
    const promised = this.#promised(pin)
    const token = this.#token((1 << mm) | (promised ? TOKEN_DEVICE : 0))
    const state = this.pinState[pin]
    if (state === ATTACHED || (state === COPIED && promised)) {
      this.#show(at(mm, this.pinPage[pin]!), token)
    }
    return token
  }

  verdict(site: number, mm: number, vpn: number, pages: number, verdict: number): boolean {
    if (verdict < COPY || site === SITE_FORK) return false
    if (site !== SITE_TABLE) this.copies += pages
    if (site === SITE_TABLE) {
      const { k } = this.machine
      const table = (k.mms[mm]?.tables[vpn >>> TABLE_SHIFT] ?? 0) >>> TABLE_SHIFT
      if (k.tables.shares[table] === 1) this.missedReuse = true
      return false
    }
    if (this.#soleUser(mm, vpn)) this.missedReuse = true
    for (let i = vpn; i < vpn + pages; i++) this.#movePins(mm, i, COPIED)
    const storeFollows = pages === 1 && (site === SITE_WP || site === SITE_SWAPIN)
    for (let i = vpn; i < vpn + pages && !storeFollows; i++) this.page[at(mm, i)]! |= PAGE_REAL
    return false
  }

  refusedHuge(mm: number, vpn: number): void {
    if (this.#soleUser(mm, vpn)) this.missedReuse = true
  }

  separated(mm: number, vpn: number, pages: number): void {
    for (let i = vpn; i < vpn + pages; i++) {
      this.#movePins(mm, i, COPIED)
      this.page[at(mm, i)]! |= PAGE_REAL
    }
  }

  /** Each place shows what it showed, if the bytes were the same; nobody refers to a page that is merged. */
  merged(): void {}

  tableShared(): void {}

  tableLeft(): void {}

  uffdWp(mm: number, vpn: number, pages: number, on: boolean): void {
    for (let i = at(mm, vpn); i < at(mm, vpn) + pages; i++) {
      if (on && (this.page[i]! & PAGE_REAL) !== 0) this.page[i]! |= PAGE_PROTECTED
      else this.page[i]! &= ~PAGE_PROTECTED
    }
  }

  /** A copy whose page is mapped later, if ever: the pins stay where they are until then. */
  copying(mm: number, vpn: number): void {
    if (this.#soleUser(mm, vpn)) this.missedReuse = true
  }

  copied(mm: number, vpn: number): void {
    this.#movePins(mm, vpn, COPIED)
  }

  uffdEvent(): void {}

  // No model registers for faults on holes.
  uffdRegister(): void {}

  uffdPresent(): void {}

  collapseRequested(): void {}

  maySee(mm: number, token: number): boolean {
    return (this.seers[token]! & (1 << mm)) !== 0
  }

  /**
   * Is what a device stores through the pin lost under any policy? The owner of a FOLL_GET has forked since, so that the
   * store may land in what is the child's as well: open(2) tells programs to keep O_DIRECT and fork apart. Or MADV_FREE
   * gave the page up, and nobody is going to mark it dirty.
   */
  forsaken(pin: number): boolean {
    if (this.pinHold[pin] === HOLD_GET_WRITE && this.pinForked[pin] === 1) return true
    const page = this.page[at(this.pinOwner[pin]!, this.pinPage[pin]!)]!
    return (page & PAGE_LAZYFREE) !== 0 && this.machine.k.pins.get(pin)?.dirties === false
  }

  /** Must the owner and the device see the same page? */
  #promised(pin: number): boolean {
    const hold = this.pinHold[pin]
    if (hold === HOLD_GET_RO) return false
    return hold !== HOLD_GET_WRITE || this.pinForked[pin] === 0 || this.promisesAcrossFork
  }

  /** The sole user (results/README.md), as clairvoyant sees it: by who really holds each reference. */
  #soleUser(mm: number, vpn: number): boolean {
    const { k } = this.machine
    const pfn = presentFrame(this.machine, k.mms[mm] ?? k.mm, vpn)
    return pfn !== 0 && soleUser(k, pfn)
  }

  #movePins(mm: number, vpn: number, state: number): void {
    for (let pin = 0; pin < MOST_PINS; pin++) {
      if (this.pinOwner[pin] !== mm || this.pinPage[pin] !== vpn) continue
      // What was unmapped once promises nothing again.
      if (this.pinState[pin]! < state) this.pinState[pin] = state
    }
  }

  /** The owner has forked since. */
  #leavePinsBehind(owner: number): void {
    for (let pin = 0; pin < MOST_PINS; pin++)
      if (this.pinOwner[pin] === owner) this.pinForked[pin] = 1
  }

  /** Whatever one may see by now, the other may. */
  #share(parent: number, child: number): void {
    for (let token = 1; token < this.tokens; token++) {
      if ((this.seers[token]! & (1 << parent)) !== 0) this.seers[token]! |= 1 << child
    }
  }

  #token(seers: number): number {
    this.seers[this.tokens] = seers
    return this.tokens++
  }

  #store(mm: number, vpn: number, token: number): void {
    const where = at(mm, vpn)
    if ((this.page[where]! & PAGE_PROTECTED) !== 0) this.breach = LOST_EVENT
    // The zero page is never written: pins on it stay where they are.
    if ((this.page[where]! & PAGE_REAL) === 0) this.#movePins(mm, vpn, COPIED)
    this.#show(where, token)
  }

  /** The page was stored to. */
  #show(where: number, token: number): void {
    this.content[where] = token
    this.page[where] = (this.page[where]! | PAGE_REAL) & ~PAGE_LAZYFREE
  }

  #clear(mm: number, vpn: number): void {
    this.content[at(mm, vpn)] = 0
    this.page[at(mm, vpn)] = 0
  }

  /** The process is new, or gone; its number will be another's. */
  #forget(mm: number): void {
    for (let i = 0; i < MOST_PAGES; i++) this.#clear(mm, i)
    for (let token = 1; token < this.tokens; token++) this.seers[token]! &= ~(1 << mm)
    for (let pin = 0; pin < MOST_PINS; pin++) {
      if (this.pinOwner[pin] === mm) this.pinOwner[pin] = -1
    }
  }
}

function at(mm: number, vpn: number): number {
  return mm * MOST_PAGES + vpn
}
