/**
 * identities: what one entry of the page map says about a page. Two processes share a page if both entries name the
 * same frame.
 *
 * Nearly every page is named by the token that was last stored to it. The others are
 *
 *   an alias   whose content is not its name: a copy without a store, a store into a frame that others share;
 *   a blank    a frame of zeroes that is really there;
 *   0          nothing, or the zero page;
 *   negative   a page of a file or shared object (objects.ts).
 */
import { FIRST_LENGTH, grown } from './column.ts'

/** Smaller positive ones are tokens. */
export const ALIASES = 1 << 30
export const BLANKS: number = 3 << 29
const BLANKS_END = 2 ** 31

export class Identities {
  /** Names handed out so far: later ones are at least these. */
  nextAlias = ALIASES
  nextBlank = BLANKS
  /** By alias: what a load should find, the frame, and what a load is going to find there. */
  #content = new Int32Array(FIRST_LENGTH)
  #frame = new Int32Array(FIRST_LENGTH)
  #found = new Int32Array(FIRST_LENGTH)

  /** A frame of zeroes. */
  blank(): number {
    if (this.nextBlank === BLANKS_END) throw exhausted('zero-filled pages')
    return this.nextBlank++
  }

  /** A frame of its own with the content of another one. */
  copy(content: number, found: number): number {
    if (content === 0 && found === 0) return this.blank()
    return this.#alias(content, this.nextAlias, found)
  }

  /** `content` was stored into `frame`, which keeps its name because others share it. */
  inPlace(content: number, frame: number): number {
    return this.#alias(content, frame, content)
  }

  /** A load should find `content`, but it went elsewhere: in `frame` there is `found`. */
  astray(content: number, frame: number, found: number): number {
    return this.#alias(content, frame, found)
  }

  /** Another store, by the only process that has the alias. */
  restamp(alias: number, content: number, found: number): void {
    this.#content[alias - ALIASES] = content
    this.#found[alias - ALIASES] = found
  }

  /** Was the last store made in place, in a frame that others share? */
  isShared(id: number): boolean {
    return isAlias(id) && this.frame(id) !== id && this.content(id) === this.found(id)
  }

  isAstray(id: number): boolean {
    return isAlias(id) && this.content(id) !== this.found(id)
  }

  /** What a load should find. For identities of private pages. */
  content(id: number): number {
    if (id < ALIASES) return id
    return id < BLANKS ? this.#content[id - ALIASES]! : 0
  }

  found(id: number): number {
    if (id < ALIASES) return id
    return id < BLANKS ? this.#found[id - ALIASES]! : 0
  }

  frame(id: number): number {
    return isAlias(id) ? this.#frame[id - ALIASES]! : id
  }

  #alias(content: number, frame: number, found: number): number {
    if (this.nextAlias === BLANKS) throw exhausted('copies without a store')
    const alias = this.nextAlias++
    const at = alias - ALIASES
    if (at >= this.#frame.length) {
      this.#content = grown(this.#content, at)
      this.#frame = grown(this.#frame, at)
      this.#found = grown(this.#found, at)
    }
    this.#content[at] = content
    this.#frame[at] = frame
    this.#found[at] = found
    return alias
  }
}

export function isAlias(id: number): boolean {
  return id >= ALIASES && id < BLANKS
}

function exhausted(what: string): Error {
  return new RangeError(
    `unsupported trace: more ${what} than the oracle can tell apart; expected: fewer than ${BLANKS_END - BLANKS}`,
  )
}
