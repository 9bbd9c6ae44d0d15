/**
 * causes: the verdicts that may turn out to have caused a breach, by what the breach is going to be recognized by: a
 * frame (a store in place that others see) or a token (a device's store that never reaches its owner).
 *
 * The memory is bounded. A verdict may push out another one, as a rule a much older one.
 */
import type { Cause } from './judge.ts'

/** Verdicts that are remembered at first, and at most; powers of two. */
const FIRST_SLOTS = 16
const SLOTS = 1 << 17
/** id, process or ANYONE, event, mm, vpn, site, verdict. */
const WORDS = 7
const ANYONE = -1

export class Causes {
  /** Allocated by the first verdict worth remembering: most runs have none. */
  #slots: Int32Array | undefined

  /** Of one process and frame, only the latest verdict counts. `id` is positive. */
  remember(id: number, cause: Cause): void {
    this.#put(id, cause.mm, cause)
    this.#put(id, ANYONE, cause)
  }

  /** The verdict of `mm` on this frame or token, else the latest one. */
  find(id: number, mm: number): Cause | null {
    return this.#get(id, mm) ?? this.#get(id, ANYONE)
  }

  #put(id: number, mm: number, cause: Cause): void {
    const slots = this.#withRoomFor(id, mm)
    const at = slotOf(id, mm, slots)
    slots[at] = id
    slots[at + 1] = mm
    slots[at + 2] = cause.event
    slots[at + 3] = cause.mm
    slots[at + 4] = cause.vpn
    slots[at + 5] = cause.site
    slots[at + 6] = cause.verdict
  }

  #get(id: number, mm: number): Cause | null {
    const slots = this.#slots
    if (slots === undefined || id <= 0) return null
    const at = slotOf(id, mm, slots)
    if (slots[at] !== id || slots[at + 1] !== mm) return null
    return {
      event: slots[at + 2]!,
      mm: slots[at + 3]!,
      vpn: slots[at + 4]!,
      site: slots[at + 5]!,
      verdict: slots[at + 6]!,
    }
  }

  /** Grows until nothing is pushed out that would not be with all SLOTS, so that size decides nothing. */
  #withRoomFor(id: number, mm: number): Int32Array {
    let slots = this.#slots ?? new Int32Array(FIRST_SLOTS * WORDS)
    for (;;) {
      const at = slotOf(id, mm, slots)
      const other = slots[at]!
      const otherMm = slots[at + 1]!
      const free = other === 0 || (other === id && otherMm === mm)
      if (free || ((hash(other, otherMm) ^ hash(id, mm)) & (SLOTS - 1)) === 0) break
      slots = doubled(slots)
    }
    this.#slots = slots
    return slots
  }
}

/** No two of its verdicts meet in the larger table, as they did not in the smaller one. */
function doubled(slots: Int32Array): Int32Array {
  const larger = new Int32Array(2 * slots.length)
  for (let from = 0; from < slots.length; from += WORDS) {
    const id = slots[from]!
    if (id === 0) continue
    larger.set(slots.subarray(from, from + WORDS), slotOf(id, slots[from + 1]!, larger))
  }
  return larger
}

function slotOf(id: number, mm: number, slots: Int32Array): number {
  return (hash(id, mm) & (slots.length / WORDS - 1)) * WORDS
}

/** Neighbouring names get neighbouring slots; each process has a run of its own. */
function hash(id: number, mm: number): number {
  return id + Math.imul(mm, 40_503)
}
