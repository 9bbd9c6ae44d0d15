/**
 * causes: the verdicts that may turn out to have caused a breach, by what the breach is going to be recognized by: a
 * frame (a store in place that others see) or a token (a device's store that never reaches its owner).
 *
 * The memory is bounded. A verdict may push out another one, as a rule a much older one.
 */
import type { Cause } from './judge.ts'

/** Verdicts that are remembered; a power of two. */
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
    this.#slots ??= new Int32Array(SLOTS * WORDS)
    const slots = this.#slots
    const at = slotOf(id, mm)
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
    const at = slotOf(id, mm)
    if (slots === undefined || id <= 0 || slots[at] !== id || slots[at + 1] !== mm) return null
    return {
      event: slots[at + 2]!,
      mm: slots[at + 3]!,
      vpn: slots[at + 4]!,
      site: slots[at + 5]!,
      verdict: slots[at + 6]!,
    }
  }
}

/** Neighbouring names get neighbouring slots; each process has a run of its own. */
function slotOf(id: number, mm: number): number {
  return ((id + Math.imul(mm, 40_503)) & (SLOTS - 1)) * WORDS
}
