/** truth: what each process should see: POSIX fork semantics, and a pin that stays coherent with its owner's page. */
import type { Process } from './nouns.ts'

interface Author {
  readonly process: number
  readonly time: number
}

export class Truth {
  readonly #content = new Map<number, Map<number, number>>()
  readonly #files = new Map<string, number>()
  /** Pages that MADV_FREE gave up, and that nothing has been stored to since. */
  readonly #lazyFree = new Map<number, Set<number>>()
  readonly #authors = new Map<number, Author[]>()
  readonly #forks = new Map<number, number>()
  /** Tokens that every process may see: what files hold. */
  readonly #published = new Set<number>()
  #time = 0

  /** A new process with the contents of `parent` at this moment, without the ranges that fork leaves out. */
  fork(parent: Process, child: Process, leftOut: (vpn: number) => boolean): void {
    this.#forks.set(child.id, ++this.#time)
    const copy = new Map<number, number>()
    for (const [vpn, token] of this.#pages(parent)) if (!leftOut(vpn)) copy.set(vpn, token)
    this.#content.set(child.id, copy)
    this.#lazyFree.set(child.id, new Set(this.#lazyFree.get(parent.id)))
  }

  store(process: Process, vpn: number, token: number): void {
    this.sign(process, token)
    this.#pages(process).set(vpn, token)
    this.#lazyFree.get(process.id)?.delete(vpn)
  }

  /** `key` is that of the page cache. */
  storeFile(process: Process, key: string, token: number): void {
    this.sign(process, token)
    this.#published.add(token)
    this.#files.set(key, token)
  }

  /** Records that `process` made these bytes, wherever they end up. */
  sign(process: Process, token: number): void {
    const authors = this.#authors.get(token) ?? []
    authors.push({ process: process.id, time: ++this.#time })
    this.#authors.set(token, authors)
  }

  /** The private content at `vpn`, or null where the process never stored and inherited nothing. */
  expected(process: Process, vpn: number): number | null {
    return this.#pages(process).get(vpn) ?? null
  }

  expectedFile(key: string): number | undefined {
    return this.#files.get(key)
  }

  /** MADV_FREE: the content may be dropped. */
  giveUp(process: Process, vpn: number): void {
    const pages = this.#lazyFree.get(process.id) ?? new Set()
    this.#lazyFree.set(process.id, pages.add(vpn))
  }

  /** Has the content been given up, and not been replaced? */
  mayDrop(process: Process, vpn: number): boolean {
    return !this.#pages(process).has(vpn) || this.#lazyFree.get(process.id)?.has(vpn) === true
  }

  /** The content is gone, or may be: unmapped, MADV_DONTNEED, or dropped after MADV_FREE. */
  forget(process: Process, vpn: number): void {
    this.#pages(process).delete(vpn)
    this.#lazyFree.get(process.id)?.delete(vpn)
  }

  forgetAll(process: Process): void {
    this.#content.delete(process.id)
    this.#lazyFree.delete(process.id)
  }

  move(process: Process, from: number, to: number): void {
    const pages = this.#pages(process)
    const token = pages.get(from)
    pages.delete(from)
    if (token !== undefined) pages.set(to, token)
    if (this.#lazyFree.get(process.id)?.delete(from)) this.giveUp(process, to)
  }

  /** May `process` see these bytes: stored by itself, or by an ancestor before the fork that leads to it? */
  maySee(process: Process, token: number): boolean {
    if (token <= 0 || this.#published.has(token)) return true
    return (this.#authors.get(token) ?? []).some((author) => this.#mayReach(process, author))
  }

  #mayReach(process: Process, author: Author): boolean {
    if (author.process === process.id) return true
    for (let child = process; child.parent !== null; child = child.parent) {
      const forked = this.#forks.get(child.id) ?? 0
      if (child.parent.id === author.process && author.time < forked) return true
    }
    return false
  }

  #pages(process: Process): Map<number, number> {
    let pages = this.#content.get(process.id)
    if (pages === undefined) {
      pages = new Map()
      this.#content.set(process.id, pages)
    }
    return pages
  }
}

/** The bytes that a file has before anyone stores to it: unlike any stored token, and the same for every reader. */
export function fileToken(object: number, pgoff: number): number {
  return -(object * 1_048_576 + pgoff + 1)
}
