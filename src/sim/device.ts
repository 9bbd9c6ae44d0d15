/**
 * Devices and pipes: reads and stores through a reference, past all page tables; and speculative references.
 */
import type { Pin } from '../state/holders.ts'
import type { Mm } from '../state/mm.ts'
import { PTE_TOK } from '../state/tables.ts'
import { FAILED, OK } from './answers.ts'
import type { Machine } from './machine.ts'
import { presentFrame } from './walk.ts'

/** What the device sees in page `index` of the pin; `m.lastDev` says how that compares. */
export function devread(m: Machine, id: number, index: number): number {
  const pfn = m.k.pins.get(id)?.frames[index]
  if (pfn === undefined) return FAILED
  m.lastDev = m.judge.devread(id, index, m.frames.token[pfn]!)
  return OK
}

export function devwrite(m: Machine, id: number, index: number): number {
  const taken = m.k.pins.get(id)
  const pfn = taken?.frames[index]
  // A r/o reference is never stored through: it may well be the zero page's.
  if (taken === undefined || pfn === undefined || !taken.write) return FAILED
  m.frames.token[pfn] = m.judge.devwrite(id, index)
  forgetChecked(m, taken, index)
  return OK
}

/** What the owner should see has changed: its own next store has to be told to the judge again. */
function forgetChecked(m: Machine, { mm: id, vpn }: Pin, index: number): void {
  const mm = m.k.mms[id]
  if (mm === undefined) return
  if (mm.moved) m.tables.forgetChecked(mm.tables)
  else m.tables.ptes[mm.pteIndex(vpn + index)]! &= ~PTE_TOK
}

/** A lockless lookup, compaction or a scan takes a reference for a moment. */
export function speculativeGet(m: Machine, mm: Mm, vpn: number): number {
  const pfn = presentFrame(m, mm, vpn)
  if (pfn === 0) return FAILED
  m.frames.hold(m.frames.head(pfn))
  m.speculative.push({ mm: mm.id, vpn, pfn })
  return OK
}

export function speculativePut(m: Machine, mm: Mm, vpn: number): number {
  const at = m.speculative.findIndex((held) => held.mm === mm.id && held.vpn === vpn)
  const held = m.speculative[at]
  if (held === undefined) return FAILED
  m.speculative.splice(at, 1)
  m.frames.unhold(m.frames.head(held.pfn))
  m.frames.freeIfUnused(held.pfn)
  return OK
}
