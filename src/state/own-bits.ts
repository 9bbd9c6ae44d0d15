/**
 * OwnBits: the bits that a policy keeps for each page and each process, beside those that kernels had.
 *
 * A page's bits stay with its bytes: in memory they are the frame's, in swap the slot's. The columns are empty, and
 * cost nothing, under a policy that declares no bits; beyond the end of a column every value is 0.
 */
import { grown } from './frames.ts'

export class OwnBits {
  /** By frame; of frames in use only. Of a huge mapping: at the folio's head. */
  page: Int32Array = new Int32Array(0)
  /** By swap slot; of slots whose page is not in the swapcache. */
  slot: Int32Array = new Int32Array(0)
  /** By process. */
  mm: Int32Array = new Int32Array(0)

  restart(): void {
    this.page.fill(0)
    this.slot.fill(0)
    this.mm.fill(0)
  }

  setPage(pfn: number, bits: number): void {
    if (pfn >= this.page.length) this.page = withRoom(this.page, pfn)
    this.page[pfn] = bits
  }

  setSlot(slot: number, bits: number): void {
    if (slot >= this.slot.length) this.slot = withRoom(this.slot, slot)
    this.slot[slot] = bits
  }

  setMm(mm: number, bits: number): void {
    if (mm >= this.mm.length) this.mm = withRoom(this.mm, mm)
    this.mm[mm] = bits
  }
}

function withRoom(column: Int32Array, index: number): Int32Array {
  return grown(column, Math.max(64, 2 * column.length, index + 1))
}
