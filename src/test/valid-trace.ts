/**
 * valid-trace: replays what a trace says about processes, mappings and pins, and refuses what no program could cause.
 */

import { HPAGE_PMD_NR, HPAGE_PMD_ORDER } from '../trace/hpage.ts'
import {
  MADV_DONTFORK,
  OF_NO_PROCESS,
  OP_DEVREAD,
  OP_DEVWRITE,
  OP_EXEC,
  OP_EXIT,
  OP_FOLIO_SPLIT,
  OP_FORK,
  OP_GET,
  OP_KHUGEPAGED,
  OP_LABELS,
  OP_LOAD,
  OP_MADVISE,
  OP_MIGRATE,
  OP_MMAP,
  OP_MPROTECT,
  OP_MREMAP,
  OP_MUNMAP,
  OP_PIN,
  OP_POKE,
  OP_PUT,
  OP_SET,
  OP_SPAWN,
  OP_STORE,
  OP_STORE_SAME,
  OP_SWAPOUT,
  OP_UFFD_REGISTER,
  OP_UFFD_RESOLVE,
  OP_UFFD_WP,
  OP_UNPIN,
  OPERANDS,
  PIN_ROPIN,
  PIN_VMSPLICE,
  PROT_READ,
  PROT_WRITE,
} from '../trace/ops.ts'
import { settingProblem } from '../trace/settings.ts'
import { SEGMENT, type Trace } from '../trace/trace.ts'

/** Beside the PROT_* bits of a page: fork leaves it out. */
const DONTFORK = 4

export interface Replayed {
  /** Processes that have not exited. */
  alive: number
  /** Pins that nothing has dropped. */
  pinned: number
  /** How many of each operation; each load and each store counts. */
  events: Map<number, number>
}

/**
 * Replays what the trace says about mappings and pins, and throws at the first event that no program could cause: an
 * access to what is not mapped or not writable, a mapping over another, a pin that is gone, a process that is.
 */
export function replay(trace: Trace): Replayed {
  const { segments, args } = trace
  const pages = args.reduce((most, word) => Math.max(most, word), 0) + HPAGE_PMD_NR
  /** Protection of each page of each process; 0 is unmapped. */
  const spaces = new Map<number, Uint8Array>()
  const pins = new Map<number, { mm: number; pages: number }>()
  const references = new Set<string>()
  const used = new Set<number>()
  const events = new Map<number, number>()

  for (let s = 0; s < segments.length; s += SEGMENT) {
    const [op = -1, mm = -1, lo = 0, hi = 0] = segments.subarray(s, s + SEGMENT)
    const [a = -1, b = -1, c = -1, d = -1, order = 0] = args.subarray(lo, hi)
    const access = op === OP_LOAD || op === OP_STORE
    events.set(op, (events.get(op) ?? 0) + (access ? hi - lo : 1))
    const fail = (what: string): never => {
      const operands = args.subarray(lo, Math.min(hi, lo + 8)).join(' ')
      throw new Error(`segment ${s / SEGMENT}: ${OP_LABELS[op]} mm ${mm} ${operands}: ${what}`)
    }
    if (!access && hi - lo !== OPERANDS[op]?.length) fail('wrong number of operands')

    if (op === OP_SPAWN || op === OP_FORK) {
      const born = op === OP_SPAWN ? mm : a
      if (used.has(born)) fail('a process id used twice')
      used.add(born)
      const parent = spaces.get(mm) ?? (op === OP_SPAWN ? new Uint8Array(pages) : undefined)
      spaces.set(
        born,
        parent?.map((prot) => (prot & DONTFORK ? 0 : prot)) ?? fail('no such process'),
      )
      continue
    }
    if (op === OP_SET && settingProblem(a, b) !== undefined) fail('no such setting')
    if (OF_NO_PROCESS.has(op)) continue

    const space = spaces.get(mm) ?? fail('no such process')
    const range = (vpn: number, count: number, need: number): Uint8Array => {
      const found = space.subarray(vpn, vpn + count)
      if (vpn < 0 || count < 1 || found.length < count) fail('an empty or endless range')
      for (const prot of found) if ((prot & need) === 0) fail('a page does not allow it')
      return found
    }
    const free = (vpn: number, count: number): Uint8Array => {
      const found = space.subarray(vpn, vpn + count)
      if (count < 1 || found.some((prot) => prot !== 0)) fail('a page is mapped already')
      return found
    }

    switch (op) {
      case OP_LOAD:
      case OP_STORE: {
        const need = op === OP_LOAD ? PROT_READ : PROT_WRITE
        for (const vpn of args.subarray(lo, hi))
          if (((space[vpn] ?? 0) & need) === 0) fail(`page ${vpn} does not allow it`)
        break
      }
      case OP_STORE_SAME:
        range(a, 1, PROT_WRITE)
        break
      case OP_EXEC:
      case OP_EXIT:
        if (op === OP_EXIT) spaces.delete(mm)
        else space.fill(0)
        for (const [pin, { mm: owner }] of pins) if (owner === mm) pins.delete(pin)
        break
      case OP_MMAP:
        if (order > HPAGE_PMD_ORDER) fail('an impossible folio order')
        if (a % HPAGE_PMD_NR !== 0) fail('an area that is not on a 2 MiB boundary')
        free(a, b).fill(d)
        break
      case OP_MUNMAP:
        range(a, b, PROT_READ).fill(0)
        break
      case OP_MPROTECT:
        for (let i = a; i < a + b; i++) space[i] = c | ((range(i, 1, PROT_READ)[0] ?? 0) & DONTFORK)
        break
      case OP_MREMAP: {
        const moved = range(a, b, PROT_READ)
        free(c, b).set(moved)
        moved.fill(0)
        break
      }
      case OP_MADVISE:
        for (const [i, prot] of range(a, b, PROT_READ).entries())
          if (c === MADV_DONTFORK) space[a + i] = prot | DONTFORK
        break
      case OP_PIN:
        range(a, b, c === PIN_VMSPLICE || c === PIN_ROPIN ? PROT_READ : PROT_WRITE)
        if (pins.has(d)) fail('a pin id used twice')
        pins.set(d, { mm, pages: b })
        break
      case OP_UNPIN:
      case OP_DEVREAD:
      case OP_DEVWRITE: {
        const pin = pins.get(a) ?? fail('no such pin')
        if (pin.mm !== mm) fail("another process's pin")
        if (op === OP_UNPIN) pins.delete(a)
        else if (b < 0 || b >= pin.pages) fail('outside the pin')
        break
      }
      case OP_SWAPOUT:
      case OP_MIGRATE:
      case OP_UFFD_WP:
      case OP_UFFD_REGISTER:
      case OP_UFFD_RESOLVE:
      case OP_KHUGEPAGED:
        range(a, b, PROT_READ)
        break
      case OP_POKE:
      case OP_FOLIO_SPLIT:
        range(a, 1, PROT_READ)
        break
      case OP_GET:
        range(a, 1, PROT_READ)
        references.add(`${mm} ${a}`)
        break
      case OP_PUT:
        if (!references.delete(`${mm} ${a}`)) fail('no such reference')
        break
    }
  }
  if (references.size > 0) throw new Error(`${references.size} speculative references are left`)
  return { alive: spaces.size, pinned: pins.size, events }
}
