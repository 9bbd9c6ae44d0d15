/**
 * objects: files and shared memory. Their pages belong to nobody: whoever maps them may see every store.
 *
 * An entry of the page map that shows a page of an object is negative and names the page's slot; its lowest bit says
 * whether a store goes to the object (shared) or leaves it (private).
 */
import { MAP_PRIVATE_ANON, MAP_SHARED, UFFD_MINOR, UFFD_MISSING } from '../trace/ops.ts'
import { FIRST_LENGTH, grown } from './column.ts'
import { cut, type Range, rangeAt } from './ranges.ts'
import type { Tokens } from './tokens.ts'

/** Slots are given out for this many pages of an object at once. */
const CHUNK = 512

/** A mapping; `target` is its first page in the object. */
interface Mapping extends Range {
  readonly object: number
  readonly shared: boolean
}

export class Objects {
  readonly #tokens: Tokens
  /** By process. */
  readonly #mappings = new Map<number, readonly Mapping[]>()
  /** By object and chunk: its first slot. */
  readonly #chunks = new Map<number, Map<number, number>>()
  #content = new Int32Array(FIRST_LENGTH)
  /** Pages that some process has accessed or been given; the others, if they are there, were filled by the kernel. */
  readonly #touched = new Set<number>()
  /** The page that came into being last, and when. */
  #newest = -1
  #newestEvent = -1
  #slots = 0

  constructor(tokens: Tokens) {
    this.#tokens = tokens
  }

  /** Does the process map any object? */
  mapped(mm: number): boolean {
    return this.#mappings.has(mm)
  }

  map(mm: number, vpn: number, pages: number, kind: number, object: number, pgoff: number): void {
    if (kind === MAP_PRIVATE_ANON) return
    const shared = kind === MAP_SHARED
    const others = this.#mappings.get(mm) ?? []
    this.#mappings.set(mm, [...others, { vpn, pages, target: pgoff, object, shared }])
  }

  unmap(mm: number, vpn: number, pages: number): void {
    this.#keep(mm, cut(this.#mappings.get(mm) ?? [], vpn, pages).outside)
  }

  move(mm: number, vpn: number, pages: number, to: number): void {
    const { inside, outside } = cut(this.#mappings.get(mm) ?? [], vpn, pages)
    const moved = inside.map((mapping) => ({ ...mapping, vpn: mapping.vpn + to - vpn }))
    this.#keep(mm, [...outside, ...moved])
  }

  fork(parent: number, child: number): void {
    const mappings = this.#mappings.get(parent)
    if (mappings !== undefined) this.#mappings.set(child, mappings)
  }

  drop(mm: number): void {
    this.#mappings.delete(mm)
  }

  /** What the page shows before any private store to it: an entry for the page map. */
  identity(mm: number, vpn: number): number {
    const mappings = this.#mappings.get(mm)
    const mapping = mappings === undefined ? undefined : rangeAt(mappings, vpn)
    if (mapping === undefined) return 0
    const slot = this.#slot(mapping.object, mapping.target + vpn - mapping.vpn)
    return -1 - (2 * slot + (mapping.shared ? 1 : 0))
  }

  /** The page as its backing has it; read in for the first time, it gets a token of nobody's. */
  read(object: number, pgoff: number, event: number): number {
    const slot = this.#slot(object, pgoff)
    if (this.#content[slot] === 0) {
      this.#content[slot] = this.#tokens.shared()
      this.#newest = slot
      this.#newestEvent = event
    }
    return this.#content[slot]!
  }

  content(id: number): number {
    return this.#content[(-1 - id) >>> 1]!
  }

  isShared(id: number): boolean {
    return id < 0 && ((-1 - id) & 1) === 1
  }

  /**
   * A hole must be asked for (UFFD_MISSING) until some process has touched it, and what is in the cache (UFFD_MINOR)
   * unless this very access has brought it there.
   */
  promisesEvent(id: number, modes: number, event: number): boolean {
    const slot = (-1 - id) >>> 1
    if ((modes & UFFD_MISSING) !== 0 && !this.#touched.has(slot)) return true
    return (modes & UFFD_MINOR) !== 0 && (slot !== this.#newest || event !== this.#newestEvent)
  }

  touch(id: number): void {
    this.#touched.add((-1 - id) >>> 1)
  }

  /** The page counts as touched if it is there at all. */
  touchCached(id: number): void {
    if (this.isShared(id) && this.content(id) !== 0) this.touch(id)
  }

  /** A store through a shared mapping. */
  store(id: number, token: number): void {
    this.#content[(-1 - id) >>> 1] = token
  }

  #keep(mm: number, mappings: readonly Mapping[]): void {
    if (mappings.length === 0) this.#mappings.delete(mm)
    else this.#mappings.set(mm, mappings)
  }

  #slot(object: number, pgoff: number): number {
    let chunks = this.#chunks.get(object)
    if (chunks === undefined) {
      chunks = new Map()
      this.#chunks.set(object, chunks)
    }
    const chunk = Math.floor(pgoff / CHUNK)
    let first = chunks.get(chunk)
    if (first === undefined) {
      first = this.#slots
      chunks.set(chunk, first)
      this.#slots += CHUNK
      if (this.#slots > this.#content.length) this.#content = grown(this.#content, this.#slots)
    }
    return first + (pgoff % CHUNK)
  }
}
