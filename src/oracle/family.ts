/**
 * family: which processes descend from which, which of them are alive, and since when each has been on its own.
 */
import { FIRST_LENGTH, grown } from './column.ts'
import { ALIASES, BLANKS } from './identities.ts'
import { NOBODY } from './tokens.ts'

const NONE = -1

export class Family {
  /**
   * By process: names from here on were given to its own pages after its last fork, as parent or as child, so that no
   * relative can have them.
   */
  ownTokens = new Int32Array(FIRST_LENGTH)
  ownBlanks = new Int32Array(FIRST_LENGTH)
  #ownAliases = new Int32Array(FIRST_LENGTH)
  #parent = new Int32Array(FIRST_LENGTH)
  /** Stores by the parent before the process was forked off are smaller than this. */
  #inherited = new Int32Array(FIRST_LENGTH)
  #forks = new Int32Array(FIRST_LENGTH)
  #lastFork = new Int32Array(FIRST_LENGTH)
  /** By process: the child of its last fork; NONE if what either had then is no longer told by what each stored since. */
  #heir = new Int32Array(FIRST_LENGTH)
  /** Living members of each family, newest first. */
  #family = new Int32Array(FIRST_LENGTH)
  #newest = new Int32Array(FIRST_LENGTH)
  #older = new Int32Array(FIRST_LENGTH)
  #newer = new Int32Array(FIRST_LENGTH)
  #alive = new Int32Array(FIRST_LENGTH)
  /** Processes alive. */
  living = 0

  spawn(mm: number): void {
    this.#open(mm)
    this.#parent[mm] = NONE
    this.#heir[mm] = NONE
    this.ownTokens[mm] = 1
    this.#ownAliases[mm] = ALIASES
    this.ownBlanks[mm] = BLANKS
    this.#family[mm] = mm
    this.#newest[mm] = NONE
    this.#join(mm)
  }

  /** `token`, `alias` and `blank` are the least names that can be given out from now on. */
  fork(
    parent: number,
    child: number,
    token: number,
    alias: number,
    blank: number,
    event: number,
  ): void {
    this.#open(child)
    this.#parent[child] = parent
    this.#family[child] = this.#family[parent]!
    this.#join(child)
    this.#forks[parent]!++
    this.#lastFork[parent] = event
    this.#disinherit(parent)
    this.#heir[parent] = child
    this.#heir[child] = NONE
    this.share(parent, child, token, alias, blank)
  }

  /** All names given out so far may be common to parent and child. */
  share(parent: number, child: number, token: number, alias: number, blank: number): void {
    this.#inherited[child] = token
    for (const mm of [parent, child]) {
      this.ownTokens[mm] = token
      this.#ownAliases[mm] = alias
      this.ownBlanks[mm] = blank
    }
  }

  exit(mm: number): void {
    const older = this.#older[mm]!
    const newer = this.#newer[mm]!
    if (newer === NONE) this.#newest[this.#family[mm]!] = older
    else this.#older[newer] = older
    if (older !== NONE) this.#newer[older] = newer
    this.#alive[mm] = 0
    this.living--
  }

  isAlive(mm: number): boolean {
    return mm >= 0 && this.#alive[mm] === 1
  }

  /** NONE (negative) for a process without one. */
  parent(mm: number): number {
    return this.#parent[mm]!
  }

  /** The family's youngest living member, and from each member the next older one. Negative: none. */
  newest(mm: number): number {
    return this.#newest[this.#family[mm]!]!
  }
  older(mm: number): number {
    return this.#older[mm]!
  }

  /** Has every other process of the family exited? */
  isLast(mm: number): boolean {
    return this.#newest[this.#family[mm]!] === mm && this.#older[mm] === NONE
  }

  /**
   * A fork that takes its time comes to more pages: a reference that was taken since it began is older than that. Not
   * to be told from one more fork.
   */
  forkGoesOn(parent: number): void {
    this.#forks[parent]!++
    this.#heir[parent] = NONE
  }

  /**
   * The living child of the process's last fork, which took a moment and has had no child itself: all that the process
   * has and that is older than its own names is the child's too, unless the child has changed it. Negative: none.
   */
  heir(mm: number): number {
    const heir = this.#heir[mm]!
    return this.isAlive(heir) ? heir : NONE
  }

  /** How often the process has forked, and the event of the last time. */
  forks(mm: number): number {
    return this.#forks[mm]!
  }
  lastFork(mm: number): number {
    return this.#lastFork[mm]!
  }

  /** Was this positive name given to a page of the process since its last fork? Then no relative has it. */
  isOwn(mm: number, id: number): boolean {
    if (id < ALIASES) return id >= this.ownTokens[mm]!
    return id >= (id < BLANKS ? this.#ownAliases[mm]! : this.ownBlanks[mm]!)
  }

  /** May the reader see what `author` stored as `token`: its own, or an ancestor's from before the fork? */
  maySee(reader: number, author: number, token: number): boolean {
    if (author === NOBODY || author === reader) return true
    let descendant = reader
    for (let mm = this.#parent[reader]!; mm !== NONE; mm = this.#parent[mm]!) {
      if (mm === author) return token < this.#inherited[descendant]!
      descendant = mm
    }
    return false
  }

  /** A child that forks can no longer tell what it has changed since it was forked itself. */
  #disinherit(child: number): void {
    const parent = this.#parent[child]!
    if (parent !== NONE && this.#heir[parent] === child) this.#heir[parent] = NONE
  }

  #join(mm: number): void {
    const family = this.#family[mm]!
    const newest = this.#newest[family]!
    this.#older[mm] = newest
    this.#newer[mm] = NONE
    if (newest !== NONE) this.#newer[newest] = mm
    this.#newest[family] = mm
    this.#alive[mm] = 1
    this.living++
  }

  #open(mm: number): void {
    if (mm < this.#parent.length) return
    this.ownTokens = grown(this.ownTokens, mm)
    this.#ownAliases = grown(this.#ownAliases, mm)
    this.ownBlanks = grown(this.ownBlanks, mm)
    this.#parent = grown(this.#parent, mm)
    this.#inherited = grown(this.#inherited, mm)
    this.#forks = grown(this.#forks, mm)
    this.#lastFork = grown(this.#lastFork, mm)
    this.#heir = grown(this.#heir, mm)
    this.#family = grown(this.#family, mm)
    this.#newest = grown(this.#newest, mm)
    this.#older = grown(this.#older, mm)
    this.#newer = grown(this.#newer, mm)
    this.#alive = grown(this.#alive, mm)
  }
}
