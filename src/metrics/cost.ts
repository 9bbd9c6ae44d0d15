/**
 * Cost: what one unit of counted work costs, in nanoseconds. A profile turns exact counts into estimated times.
 *
 * Costs are estimates and labelled so wherever they are printed; the counts they multiply are exact. A fault that
 * copies costs `faultEntry + copy4k`, one that reuses `faultEntry + reuse`; a fork `forkBase`, `tableAlloc` for every
 * table it fills and `ptePerFork` for every entry it copies.
 */

/** Every unit of work, with its meaning. The order is that of listings and of JSON files. */
export const COST_UNITS = {
  faultEntry: 'enter and leave a page fault, and find the entry',
  zeroFill4k: 'allocate, zero and map a 4 KiB page, and free it one day',
  zeroFill2M: 'allocate, zero and map a 2 MiB page',
  copy4k: 'allocate, copy and map a 4 KiB page, its own TLB entry flushed, and free it one day',
  copy2M: 'allocate, copy and map a 2 MiB page, its own TLB entry flushed',
  reuse: 'make an entry writable where it is, huge or not',
  unshare: 'decide and replace the entry when a pin wants a page of its own, without the copy',
  forkBase: 'a fork of an empty address space: task, mm, VMAs',
  ptePerFork: 'copy one present or swapped PTE at fork, accounting and write protection included',
  pmdPerFork: 'copy one huge PMD at fork, the deposited table included',
  tableAlloc: 'allocate, zero and hook in one page table',
  tableShare: 'share one page table at fork instead of copying it',
  tableFree: 'unhook and free one page table',
  ptePerExit: 'unmap one present PTE, accounting included',
  pmdSplit: 'turn a huge PMD into 512 PTEs',
  mprotectPerPte: 'change the protection of one PTE',
  tlbFlush: "flush a range from the process's TLBs",
  lruDrain: "drain this CPU's LRU batches",
  swapIn: 'read a page back from swap',
  swapOut: 'unmap a page everywhere and write it to swap',
  pinPerPage: 'take a reference on one page that is mapped as needed',
  uffdEvent: 'one round trip to a userfaultfd manager',
} as const

/** One of these. */
export type CostUnit = keyof typeof COST_UNITS
/** Nanoseconds per unit; decimals are allowed, negative numbers are not. */
export type CostProfile = Readonly<Record<CostUnit, number>>

/**
 * A server without a hypervisor. [M] read in a mail or commit, [D] derived from such numbers, [E] an estimate with no
 * measurement behind it.
 */
const bareMetal: CostProfile = {
  // [D] A COW fault is 750 ns and a reuse fault 400: the RFC letters of "Introduce Copy-On-Write to Page Table" write
  // 512 MiB after fork at 742 (v2) and 770 (v3 to v5) ns a page.
  faultEntry: 300,
  copy4k: 450,
  reuse: 100,
  // [E] A cold 4 KiB copy is 400 to 600 ns of which about half is reading the source.
  zeroFill4k: 250,
  // [E] 100 to 250 us for the copy; zeroing moves half the bytes.
  copy2M: 150_000,
  zeroFill2M: 75_000,
  // [E] The COW fault less its trap and its copy.
  unshare: 100,
  // [D] A sixth of RFC v2's 0.625 ms, below: a fork that copies no tables.
  forkBase: 100_000,
  // [M] 3.91 to 4.44 ms per GiB: replies to "Introduce Copy-On-Write to Page Table" v4, February 2023. [D] That is about
  // 8 us a table of 512 entries, 1 us of them for the table itself.
  ptePerFork: 13.67,
  tableAlloc: 1000,
  // [D] 43 times cheaper per byte than PTEs on the guest below, where 512 PMDs took 0.32 to 0.43 ms.
  pmdPerFork: 450,
  // [E] One atomic operation on the table's struct page, which is cold, and a write-protected PMD entry.
  tableShare: 200,
  // [E] Freeing does the same accounting in reverse; the table needs no zeroing.
  ptePerExit: 13.67,
  tableFree: 300,
  // [E] 5 to 10 us.
  pmdSplit: 7500,
  // [D] A sixth of the guest below.
  mprotectPerPte: 27,
  // [E] 100 to 200 ns on one CPU; each further CPU costs an interrupt of 1 to 5 us.
  tlbFlush: 150,
  // [E] Up to 31 folios under one lock.
  lruDrain: 500,
  // [E] A compressed RAM device (zram); a disk costs ten to a thousand times that.
  swapIn: 2500,
  swapOut: 6000,
  // [E] get_user_pages_fast() on a present entry.
  pinPerPage: 40,
  // [D] Write-protected pages of the same RFC letter: 2,676 ns a page, less a reuse fault.
  uffdEvent: 2280,
}

/**
 * A guest with nested paging. [G] measured in a KVM guest of 2 CPUs, Linux 6.18, AMD Zen 4; everything else is six
 * times `bare-metal`, the ratio that the measured faults show.
 */
const vm: CostProfile = {
  // [G] 4.3 to 6.6 us for a fault that copies, 1.7 to 2.9 for one that reuses (2.1 and 0.7 us of CPU time when idle).
  faultEntry: 1800,
  copy4k: 2700,
  reuse: 600,
  zeroFill4k: 1500,
  // [G] 250 to 460 us.
  copy2M: 350_000,
  zeroFill2M: 175_000,
  unshare: 600,
  // [M] A fork with shared tables is flat at 0.625 ms (RFC v2, QEMU guest).
  forkBase: 600_000,
  // [M] 20 ms per GiB (same letter), [G] 14 to 56: with its table, 8 us times six is 25.
  ptePerFork: 82,
  tableAlloc: 6000,
  pmdPerFork: 2700,
  tableShare: 1200,
  // [G] 80 to 185 ns.
  ptePerExit: 82,
  tableFree: 1800,
  pmdSplit: 45_000,
  // [G] 4 to 6.7 ms for 64 MiB to read-only and back.
  mprotectPerPte: 160,
  // [G] 4 to 16 us for one page to read-only and back, two flushes and two system calls.
  tlbFlush: 2000,
  lruDrain: 3000,
  swapIn: 15_000,
  swapOut: 36_000,
  pinPerPage: 240,
  uffdEvent: 13_680,
}

/** Profiles that come with the program, by the name that `--cost` takes. */
export const COST_PROFILES: Readonly<Record<string, CostProfile>> = { 'bare-metal': bareMetal, vm }
export const DEFAULT_COST = 'bare-metal'
export const DEFAULT_PROFILE = bareMetal

/** The built-in profile of that name, if there is one. */
export function profileNamed(name: string): CostProfile | undefined {
  return Object.hasOwn(COST_PROFILES, name) ? COST_PROFILES[name] : undefined
}

/**
 * The profile that a JSON file holds: one number per unit. Units may be left out if `base` names a built-in profile to
 * take them from. Throws RangeError with one line that names what is wrong.
 */
export function parseCostProfile(json: unknown): CostProfile {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new RangeError('invalid cost profile: expected an object of nanoseconds per unit of work')
  }
  const { base, ...given } = json as Record<string, unknown>
  const from = base === undefined ? undefined : profileNamed(String(base))
  if (base !== undefined && from === undefined) {
    throw new RangeError(
      `unknown base: ${String(base)}; available: ${Object.keys(COST_PROFILES).join(', ')}`,
    )
  }
  for (const unit of Object.keys(given)) {
    if (!Object.hasOwn(COST_UNITS, unit)) {
      throw new RangeError(
        `unknown cost: ${unit}; available: ${Object.keys(COST_UNITS).join(', ')}`,
      )
    }
  }
  const units = Object.keys(COST_UNITS) as CostUnit[]
  return Object.fromEntries(
    units.map((unit) => [
      unit,
      given[unit] === undefined ? inherited(unit, from) : ns(unit, given[unit]),
    ]),
  ) as CostProfile
}

function inherited(unit: CostUnit, from: CostProfile | undefined): number {
  if (from === undefined)
    throw new RangeError(`missing cost: ${unit}; or name a base to take it from`)
  return from[unit]
}

function ns(unit: string, value: unknown): number {
  if (typeof value !== 'number' || !(value >= 0 && value <= 1e12)) {
    throw new RangeError(
      `invalid cost of ${unit}: ${String(value)}; expected nanoseconds, 0 to 1e12`,
    )
  }
  return value
}
