/**
 * userfaults: which pages must raise a userfaultfd event before they are accessed (any access, or a store), as far as
 * registrations and write protection promise one (I4 of results/README.md).
 */
import { UFFD_MINOR, UFFD_MISSING } from '../trace/ops.ts'
import { PageMap } from './page-map.ts'

/** Under write protection: a store must raise an event. */
const PROTECTED = 1
/** Not mapped since the registration: the first access may have to raise an event. */
const AWAITED = 2
/** The process itself had the page collapsed. */
const REQUESTED = 4
/** The modes of the registration lie above these. */
const MODES = 3
const REGISTERED = (UFFD_MISSING | UFFD_MINOR) << MODES

export class Userfaults {
  readonly #pages = new PageMap()

  /** Is there anything to look up? */
  get none(): boolean {
    return this.#pages.used === 0
  }

  open(mm: number): void {
    this.#pages.open(mm)
  }

  drop(mm: number): void {
    this.#pages.drop(mm)
  }

  /** Unmapped or moved: the registration does not follow. */
  clear(mm: number, vpn: number, pages: number): void {
    this.#pages.clear(mm, vpn, pages)
  }

  /** MADV_DONTNEED: the pages are not mapped any more, the registration stays. */
  dontneed(mm: number, vpn: number, pages: number): void {
    if (this.none) return
    for (let at = vpn; at < vpn + pages; at++) {
      const modes = this.#pages.get(mm, at) & REGISTERED
      this.#pages.set(mm, at, modes === 0 ? 0 : modes | AWAITED)
    }
  }

  protect(mm: number, vpn: number, on: boolean): void {
    const bits = this.#pages.get(mm, vpn)
    this.#pages.set(mm, vpn, on ? bits | PROTECTED : bits & ~PROTECTED)
  }

  isProtected(mm: number, vpn: number): boolean {
    return (this.#pages.get(mm, vpn) & PROTECTED) !== 0
  }

  register(mm: number, vpn: number, pages: number, modes: number): void {
    for (let at = vpn; at < vpn + pages; at++) {
      const kept = this.#pages.get(mm, at) & PROTECTED
      this.#pages.set(mm, at, modes === 0 ? kept : kept | AWAITED | (modes << MODES))
    }
  }

  /** The pages are mapped, as they may be. */
  present(mm: number, vpn: number, pages: number): void {
    for (let at = vpn; at < vpn + pages; at++) {
      this.#pages.set(mm, at, this.#pages.get(mm, at) & ~AWAITED)
    }
  }

  /** Modes whose event an access to the page still has to raise; 0 for none. */
  awaited(mm: number, vpn: number): number {
    const bits = this.#pages.get(mm, vpn)
    return (bits & AWAITED) !== 0 ? bits >> MODES : 0
  }

  requested(mm: number, vpn: number, pages: number): void {
    if (this.none) return
    for (let at = vpn; at < vpn + pages; at++) {
      const bits = this.#pages.get(mm, at)
      if ((bits & AWAITED) !== 0) this.#pages.set(mm, at, bits | REQUESTED)
    }
  }

  isRequested(mm: number, vpn: number): boolean {
    return (this.#pages.get(mm, vpn) & REQUESTED) !== 0
  }
}
