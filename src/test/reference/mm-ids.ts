/** mm-ids: how 6.15 and later track which address spaces map a large folio: two named slots and a SHARED bit. */

interface OwnerSlot {
  mm: number
  mappings: number
}

const FREE = 0

export class MmIds {
  shared = false
  readonly #slots: readonly [OwnerSlot, OwnerSlot] = [
    { mm: FREE, mappings: 0 },
    { mm: FREE, mappings: 0 },
  ]
  #total = 0

  /** _large_mapcount: a PMD mapping counts one. */
  get total(): number {
    return this.#total
  }

  map(mm: number, mappings: number): void {
    const before = this.#total
    this.#total += mappings
    const [first, second] = this.#slots
    const own = first.mm === mm ? first : second.mm === mm ? second : null
    if (own !== null) {
      own.mappings += mappings
    } else if (first.mm === FREE) {
      first.mm = mm
      first.mappings = mappings
      if (before !== 0) this.shared = true
    } else if (second.mm === FREE) {
      second.mm = mm
      second.mappings = mappings
      this.shared = true
    }
    // A third address space is not tracked; SHARED is set already.
  }

  unmap(mm: number, mappings: number): void {
    this.#total -= mappings
    const own = this.#slots.find((slot) => slot.mm === mm)
    if (own !== undefined) {
      own.mappings -= mappings
      // An mm that mapped part of the folio untracked can drive its slot below zero: freed like an empty one.
      if (own.mappings > 0) return
      own.mm = FREE
      own.mappings = 0
    }
    if (this.#slots.some((slot) => slot.mappings === this.#total)) this.shared = false
  }
}
