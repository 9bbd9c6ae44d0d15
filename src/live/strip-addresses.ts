/**
 * strip-addresses: addresses of a recording without what address space randomisation made of them; this file moves
 * each neighbourhood of addresses to a place of its own near the bottom, so that distances stay what they were.
 *
 * Neighbourhoods begin at multiples of 2 MiB, what one page table covers: huge pages and page tables stay the same.
 */

/** The heap and the program, libraries and stacks lie further apart than this, and each within it. */
const WINDOW = 2 ** 40
const TABLE_BYTES = 2 ** 21
/** User addresses are below this. */
const USER_END = 2 ** 56
const KERNEL = '0xffff800000000000'

/** What the importer reads as addresses, and returns of calls, which may be errors. */
const READ =
  /(\baddress=|\baddr: |\bnew_addr: |\bstart: |\bbrk: |: \[|sys_exit_(?:mmap|mremap|brk): )0x([0-9a-f]+)/g
/** Pointers that it does not read, instructions, page frames. */
const UNREAD =
  /\b(ip=|page=|pfn=|mt_mod |buf: |newsp: |parent_tidptr: |child_tidptr: |tls: |uargs: |arg: |iov: |lvec: |rvec: |ptr: |filename: |uname: )[\w.]+/g
/** Where the kernel itself is, by an offset into itself. */
const KERNEL_OFFSET = /( @ )0xffff[0-9a-f]{12}\b/

export class AddressStripper {
  /** The lowest address of each window that has one. */
  readonly #lowest = new Map<number, number>()
  #bases: ReadonlyMap<number, number> | undefined

  /** Takes each line before the first is stripped. */
  survey(line: string): void {
    for (const [, , digits = ''] of line.matchAll(READ)) {
      const address = Number.parseInt(digits, 16)
      if (!isMoved(address)) continue
      const window = Math.floor(address / WINDOW)
      this.#lowest.set(window, Math.min(address, this.#lowest.get(window) ?? Infinity))
    }
  }

  line(text: string): string {
    return text
      .replace(READ, (all, field: string, digits: string) => {
        const address = Number.parseInt(digits, 16)
        if (isMoved(address)) return `${field}0x${this.#moved(address).toString(16)}`
        return address < USER_END || field.startsWith('sys_exit') ? all : `${field}${KERNEL}`
      })
      .replace(UNREAD, '$10x0')
      .replace(KERNEL_OFFSET, `$1${KERNEL}`)
  }

  #moved(address: number): number {
    this.#bases ??= basesOf(this.#lowest)
    return address - (this.#bases.get(Math.floor(address / WINDOW)) ?? 0)
  }
}

/** A program that is loaded at a fixed address has it from its file. */
function isMoved(address: number): boolean {
  return address >= WINDOW && address < USER_END
}

/** What to subtract in each window. Windows side by side are one neighbourhood; others do not come to touch. */
function basesOf(lowest: ReadonlyMap<number, number>): Map<number, number> {
  const bases = new Map<number, number>()
  let place = 0
  let base = 0
  let before = -Infinity
  for (const [window, address] of [...lowest].sort(([a], [b]) => a - b)) {
    if (window !== before + 1) {
      place += 2 * WINDOW
      base = Math.floor(address / TABLE_BYTES) * TABLE_BYTES - place
    } else {
      place += WINDOW
    }
    bases.set(window, base)
    before = window
  }
  return bases
}
