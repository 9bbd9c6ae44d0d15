/**
 * sample: a part of a trace that is a trace itself: what happens in some of the 2 MiB ranges, to every process. Address
 * spaces stay whole, for an area that nobody touches costs nothing; this file leaves out what touches the pages of the
 * other ranges.
 */
import { HPAGE_PMD_NR, HPAGE_PMD_ORDER } from './hpage.ts'
import {
  MAP_SHARED,
  OP_BEGIN,
  OP_DEVREAD,
  OP_DEVWRITE,
  OP_FOLIO_SPLIT,
  OP_FORK,
  OP_GET,
  OP_LOAD,
  OP_MMAP,
  OP_MREMAP,
  OP_PIN,
  OP_POKE,
  OP_PUT,
  OP_STEP,
  OP_STORE,
  OP_STORE_SAME,
  OP_UFFD_RESOLVE,
  OP_UNPIN,
} from './ops.ts'
import { RngField } from './rng-field.ts'
import { type Chunk, SEGMENT, type Trace, TraceWriter } from './trace.ts'

const TWO_32 = 2 ** 32

/** Which ranges belong together: those that mremap moves pages between, and that one pin or one shared object covers. */
export class RangeGroups {
  /** By range, or by range of an object (negative): one that it belongs with. The least range of a group has none. */
  readonly #with = new Map<number, number>()
  readonly #objects = new Map<string, number>()

  /** All chunks have to be seen before the first is sampled. */
  take({ segments, args }: Chunk): void {
    for (let s = 0; s < segments.length; s += SEGMENT) {
      const [vpn = 0, pages = 0, third = 0] = args.subarray(segments[s + 2]!, segments[s + 3]!)
      switch (segments[s]) {
        case OP_MREMAP:
          eachBoundary(vpn, third, pages, (i) => this.#join(rangeOf(vpn + i), rangeOf(third + i)))
          break
        case OP_PIN:
          eachBoundary(vpn, vpn, pages, (i) => this.#join(rangeOf(vpn), rangeOf(vpn + i)))
          break
        case OP_MMAP:
          if (third === MAP_SHARED) {
            const [object = 0, pgoff = 0] = args.subarray(segments[s + 2]! + 5, segments[s + 3]!)
            eachBoundary(vpn, pgoff, pages, (i) =>
              this.#join(rangeOf(vpn + i), this.#rangeOfObject(object, pgoff + i)),
            )
          }
          break
        default:
      }
    }
  }

  /** The range that stands for the group of this one. */
  of(range: number): number {
    let at = range
    for (let next = this.#with.get(at); next !== undefined; next = this.#with.get(at)) {
      const after = this.#with.get(next)
      if (after !== undefined) this.#with.set(at, after)
      at = next
    }
    return at
  }

  #join(one: number, other: number): void {
    const [a, b] = [this.of(one), this.of(other)]
    if (a === b) return
    // Ranges of objects stand for nobody: which number they have depends on what was met first.
    const [least, rest] = b < 0 || (a >= 0 && a < b) ? [a, b] : [b, a]
    this.#with.set(rest, least)
  }

  #rangeOfObject(object: number, page: number): number {
    const name = `${object}/${rangeOf(page)}`
    const known = this.#objects.get(name) ?? -1 - this.#objects.size
    this.#objects.set(name, known)
    return known
  }
}

export interface SampleCounts {
  /** Loads and stores. */
  readonly accesses: number
  readonly keptAccesses: number
  /** Ranges of which a page was loaded or stored to. */
  readonly ranges: number
  readonly keptRanges: number
}

/** Copies what is chosen of a trace, piece by piece. */
export class TraceSampler {
  readonly #groups: RangeGroups
  readonly #field: RngField
  readonly #limit: number
  readonly #out: TraceWriter
  readonly #recording: number[] = []
  readonly #touched = new Set<number>()
  readonly #leftPins = new Set<number>()
  readonly #leftTasks = new Set<number>()
  #accesses = 0
  #keptAccesses = 0

  /** `rate` is the share of ranges to keep, over 0 and up to 1; the copy takes at most `most` words, else TraceTooLong. */
  constructor(groups: RangeGroups, rate: number, seed: number, most?: number) {
    this.#groups = groups
    this.#field = new RngField(seed, 'sample')
    this.#limit = rate * TWO_32
    this.#out = new TraceWriter(1024, most === undefined ? {} : { most })
  }

  /** `recording` holds a byte for each load and store of the whole trace, if it was recorded. */
  take({ segments, args }: Chunk, recording?: Uint8Array): void {
    for (let s = 0; s < segments.length; s += SEGMENT) {
      const [op, mm, lo, hi] = [segments[s]!, segments[s + 1]!, segments[s + 2]!, segments[s + 3]!]
      if (op === OP_LOAD || op === OP_STORE) {
        this.#accessesIn(op, mm, args.subarray(lo, hi), recording)
      } else this.#event(op, mm, args.subarray(lo, hi))
    }
  }

  /** `processes` is how many the whole trace has: they all stay, under their numbers. */
  finish(processes: number): { trace: Trace; recording: Uint8Array; counts: SampleCounts } {
    const ranges = [...this.#touched]
    return {
      trace: { ...this.#out.finish(), processes },
      recording: Uint8Array.from(this.#recording),
      counts: {
        accesses: this.#accesses,
        keptAccesses: this.#keptAccesses,
        ranges: ranges.length,
        keptRanges: ranges.filter((range) => this.#keepsRange(range)).length,
      },
    }
  }

  /** Accesses of one range follow each other more often than not: looked up, and copied, together. */
  #accessesIn(op: number, mm: number, vpns: Int32Array, recording?: Uint8Array): void {
    const base = this.#accesses
    for (let i = 0; i < vpns.length; ) {
      const range = rangeOf(vpns[i]!)
      let end = i + 1
      while (end < vpns.length && rangeOf(vpns[end]!) === range) end++
      this.#touched.add(range)
      if (this.#keepsRange(range)) {
        this.#keptAccesses += end - i
        if (recording !== undefined)
          this.#recording.push(...recording.subarray(base + i, base + end))
        this.#out.copy(op, mm, vpns.subarray(i, end))
      }
      i = end
    }
    this.#accesses += vpns.length
  }

  #event(op: number, mm: number, operands: Int32Array): void {
    const [first = 0, second = 0, third = 0] = operands
    switch (op) {
      case OP_UFFD_RESOLVE:
        for (let vpn = first; vpn < first + second; ) {
          const end = Math.min(first + second, (rangeOf(vpn) + 1) << HPAGE_PMD_ORDER)
          if (this.#keeps(vpn)) this.#out.copy(op, mm, [vpn, end - vpn, third])
          vpn = end
        }
        return
      case OP_STORE_SAME:
      case OP_POKE:
      case OP_GET:
      case OP_PUT:
      case OP_FOLIO_SPLIT:
        if (!this.#keeps(first)) return
        break
      case OP_PIN:
        if (!this.#keeps(first)) {
          this.#leftPins.add(operands[3]!)
          return
        }
        break
      case OP_UNPIN:
      case OP_DEVREAD:
      case OP_DEVWRITE:
        if (this.#leftPins.has(first)) return
        break
      case OP_BEGIN:
        // Operands: task, operation, then those of the operation.
        if (second !== OP_FORK && !this.#keeps(third)) {
          this.#leftTasks.add(first)
          if (second === OP_PIN) this.#leftPins.add(operands[4]!)
          return
        }
        break
      case OP_STEP:
        if (this.#leftTasks.has(first)) return
        break
      default:
    }
    this.#out.copy(op, mm, operands)
  }

  #keeps(vpn: number): boolean {
    return this.#keepsRange(rangeOf(vpn))
  }

  #keepsRange(range: number): boolean {
    return this.#field.at(this.#groups.of(range), 0) < this.#limit
  }
}

/** A range is what one page-table page covers, so that no huge page lies in two. */
function rangeOf(vpn: number): number {
  return vpn >>> HPAGE_PMD_ORDER
}

/** Calls `visit` for the first of so many pages, and for each at which one of the two begins another range. */
function eachBoundary(one: number, other: number, pages: number, visit: (i: number) => void): void {
  for (let i = 0; i < pages; ) {
    visit(i)
    const left = (at: number): number => HPAGE_PMD_NR - ((at + i) & (HPAGE_PMD_NR - 1))
    i += Math.min(left(one), left(other))
  }
}
