/**
 * tokens: hands out the integers that stand for page contents, and knows who stored each of them.
 *
 * Every author takes blocks of 256 consecutive tokens, and only the block's author is kept. A fork closes the parent's
 * blocks, so that whatever is stored after it is a greater number than anything the child inherited.
 */
import { FIRST_LENGTH, grown } from './column.ts'
import { ALIASES } from './identities.ts'

export const BLOCK_SHIFT = 8
export const BLOCK: number = 1 << BLOCK_SHIFT

/** Author of what no process stored: pages of files, stores through shared mappings, zeroes. */
export const NOBODY = -1

export class Tokens {
  /** By process: its next token. A multiple of the block size: it has no block, or used it up. */
  stores = new Int32Array(FIRST_LENGTH)
  /** The same for what devices store for it. */
  devices = new Int32Array(FIRST_LENGTH)
  #publics = 0
  /** By block: 2 * mm for stores by mm, 2 * mm + 1 for stores by a device into a page that was promised to mm. */
  authors = new Int32Array(FIRST_LENGTH)
  #blocks = 1
  readonly #end: number
  /** Tokens that stand for a content number which processes stored that cannot see one another, or which anybody may see. */
  readonly #common = new Set<number>()
  readonly #contents = new Map<number, number>()

  /** `end` is a multiple of 256. */
  constructor(end: number = ALIASES) {
    this.#end = end
  }

  open(mm: number): void {
    if (mm < this.stores.length) return
    this.stores = grown(this.stores, mm)
    this.devices = grown(this.devices, mm)
  }

  /** A new token for a store by the process. */
  store(mm: number): number {
    let token = this.stores[mm]!
    if ((token & (BLOCK - 1)) === 0) token = this.block(mm)
    this.stores[mm] = token + 1
    return token
  }

  /** The first token of a block of the process's own. */
  block(mm: number): number {
    return this.#block(2 * mm)
  }

  /** A new token for what a device stores through a pin that promises the process to see it. */
  device(mm: number): number {
    let token = this.devices[mm]!
    if ((token & (BLOCK - 1)) === 0) token = this.#block(2 * mm + 1)
    this.devices[mm] = token + 1
    return token
  }

  /** A new token that anybody may see. */
  shared(): number {
    let token = this.#publics
    if ((token & (BLOCK - 1)) === 0) token = this.#block(NOBODY)
    this.#publics = token + 1
    return token
  }

  /** The token of a content number; the first to store it is its author. */
  content(mm: number, content: number): number {
    const known = this.#contents.get(content)
    if (known !== undefined) {
      if (this.author(known) !== mm) this.#common.add(known)
      return known
    }
    const token = this.store(mm)
    this.#contents.set(content, token)
    return token
  }

  /** Anybody may see it from now on. */
  publish(token: number): void {
    this.#common.add(token)
  }

  /** Closes the blocks of a process that forks. All later tokens are at least the returned one. */
  fork(mm: number): number {
    this.stores[mm] = 0
    this.devices[mm] = 0
    return this.#blocks * BLOCK
  }

  author(token: number): number {
    if (token === 0) return NOBODY
    const block = Math.floor(token / BLOCK)
    if (!(block > 0 && block < this.#blocks)) throw new RangeError(`unknown token: ${token}`)
    if (this.#common.has(token)) return NOBODY
    return this.authors[block]! >> 1
  }

  /** Did the process store it, or a device for it? A quick look. */
  isBy(mm: number, token: number): boolean {
    return this.authors[token >>> BLOCK_SHIFT]! >> 1 === mm
  }

  /** Was it stored by a device, through a pin that promised its owner to see it? */
  fromDevice(token: number): boolean {
    const author = this.authors[Math.floor(token / BLOCK)]!
    return author !== NOBODY && (author & 1) === 1
  }

  #block(author: number): number {
    const first = this.#blocks * BLOCK
    if (first >= this.#end) {
      throw new RangeError(
        `unsupported trace: more stores than the oracle can tell apart; expected: fewer than ${this.#end}, ` +
          `counting ${BLOCK} for every process and fork`,
      )
    }
    if (this.#blocks >= this.authors.length) this.authors = grown(this.authors, this.#blocks)
    this.authors[this.#blocks++] = author
    return first
  }
}
