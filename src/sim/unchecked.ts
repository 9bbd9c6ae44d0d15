/**
 * Stores to pages that may be written to, but that somebody else has come to see since they were last stored to: a pin,
 * a device's store or a change of protection. Nobody is asked, but the judge is told.
 */
import type { Mm } from '../state/mm.ts'
import {
  FULL_TABLE_PAGES,
  FULL_TABLE_SHIFT,
  PFN_SHIFT,
  PMD_KIND,
  PMD_OWN,
  PTE_STORE_HIT,
  PTE_WRITTEN,
} from '../state/tables.ts'
import { PROT_WRITE } from '../trace/ops.ts'
import { checkedBit } from './access.ts'
import type { Machine } from './machine.ts'
import { WRITABLE } from './plain-touch.ts'

/**
 * Takes the stores args[lo..hi) one after the other, the first of which is event number `event`, as long as each finds
 * its page writable in a table of the process's own. Returns where it stopped; that store has changed nothing yet.
 */
export function uncheckedStores(
  m: Machine,
  mm: Mm,
  args: Int32Array,
  lo: number,
  hi: number,
  event: number,
): number {
  const vma = mm.find(args[lo]!)
  if (vma === undefined || (vma.prot & PROT_WRITE) === 0) return lo
  const { judge } = m
  let plain = m.spent === 0 && judge.plainStores(mm.id)
  const { ptes } = m.tables
  const { token } = m.frames
  const { id, pmds, tables } = mm
  const { start, end } = vma
  let i = lo
  for (; i < hi; i++) {
    const vpn = args[i]!
    if (vpn < start || vpn >= end) break
    const range = vpn >>> FULL_TABLE_SHIFT
    if ((pmds[range]! & PMD_KIND) !== PMD_OWN) break
    const index = tables[range]! + (vpn & (FULL_TABLE_PAGES - 1))
    const pte = ptes[index]!
    if ((pte & WRITABLE) !== WRITABLE) break
    if ((pte & PTE_STORE_HIT) === PTE_STORE_HIT) continue
    const pfn = pte >>> PFN_SHIFT
    ptes[index] = pte | PTE_WRITTEN | checkedBit(m, pfn)
    let stored = plain ? judge.storeOwn(vpn, 0) : 0
    if (stored === 0) {
      judge.event = event + i - lo
      stored = judge.store(id, vpn)
      plain &&= judge.plainStores(id)
    }
    token[pfn] = stored
  }
  return i
}
