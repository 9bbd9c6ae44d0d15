/** Access: a load or a store of one page, with the fault that it takes. */
import type { Mm, Vma } from '../state/mm.ts'
import {
  PFN_SHIFT,
  PMD_HUGE,
  PTE_DIRTY,
  PTE_PRESENT,
  PTE_TOK,
  PTE_WRITE,
  TABLE_SHIFT,
} from '../state/tables.ts'
import { PROT_READ, PROT_WRITE } from '../trace/ops.ts'
import { OK, SEGV } from './answers.ts'
import { handleFault } from './fault.ts'
import type { Machine } from './machine.ts'
import { frameAt, hugeFrame } from './walk.ts'

/** A fault either makes the access possible or changes what the next try meets; more tries than this are a bug. */
const MAX_TRIES = 8

/** A store by user code. Returns OK or SEGV. */
export function store(m: Machine, mm: Mm, vpn: number): number {
  const vma = mm.find(vpn)
  if (vma === undefined || (vma.prot & PROT_WRITE) === 0) return SEGV
  makeWritable(m, mm, vma, vpn)
  const pfn = frameAt(m, mm, vpn)
  m.frames.token[pfn] = m.judge.store(mm.id, vpn)
  return OK
}

/** KSM's food: pages that were stored with one content number hold equal bytes. */
export function storeSame(m: Machine, mm: Mm, vpn: number, content: number): number {
  const vma = mm.find(vpn)
  if (vma === undefined || (vma.prot & PROT_WRITE) === 0) return SEGV
  makeWritable(m, mm, vma, vpn)
  m.frames.token[frameAt(m, mm, vpn)] = m.judge.storeSame(mm.id, vpn, content)
  // KSM compares tokens: the next store has to make a new one.
  m.tables.ptes[mm.pteIndex(vpn)]! &= ~PTE_TOK
  return OK
}

/** A load by user code. Returns OK or SEGV; `m.lastSaw` says what was seen. */
export function load(m: Machine, mm: Mm, vpn: number): number {
  const vma = mm.find(vpn)
  if (vma === undefined || (vma.prot & PROT_READ) === 0) return SEGV
  makePresent(m, mm, vma, vpn)
  const pfn = frameAt(m, mm, vpn)
  m.lastSaw = m.judge.load(mm.id, vpn, m.frames.token[pfn]!)
  return OK
}

/** Faults until the page is there. */
export function makePresent(m: Machine, mm: Mm, vma: Vma, vpn: number): void {
  for (let tries = 0; !present(m, mm, vpn); tries++) {
    if (tries === MAX_TRIES) throw endless(m, 'load', mm, vpn)
    m.counts.loadFaults++
    fault(m, mm, vma, vpn, false)
  }
}

/** Faults until a store through the page table succeeds, and leaves the entry as the store leaves it. */
export function makeWritable(m: Machine, mm: Mm, vma: Vma, vpn: number): void {
  for (let tries = 0; !writable(m, mm, vpn); tries++) {
    if (tries === MAX_TRIES) throw endless(m, 'store', mm, vpn)
    m.counts.storeFaults++
    fault(m, mm, vma, vpn, true)
  }
}

/** A fault of the kernel's own, for GUP. */
export function kernelFault(m: Machine, mm: Mm, vma: Vma, vpn: number, write: boolean): void {
  m.fromKernel = true
  fault(m, mm, vma, vpn, write)
  m.fromKernel = false
}

export function fault(m: Machine, mm: Mm, vma: Vma, vpn: number, write: boolean): void {
  m.beginFault()
  handleFault(m, mm, vma, vpn, write)
  m.endFault()
}

function present(m: Machine, mm: Mm, vpn: number): boolean {
  const pmd = mm.pmd(vpn)
  const index = mm.pteIndex(vpn)
  if ((pmd & PMD_HUGE) !== 0) {
    // The table behind a huge mapping caches the translations that were used, as a TLB would.
    m.tables.ptes[index]! |= (hugeFrame(pmd, vpn) << PFN_SHIFT) | PTE_PRESENT
    return true
  }
  return (m.tables.ptes[index]! & PTE_PRESENT) !== 0
}

/** Is a store possible? If so the entry becomes dirty, and counts as checked from now on unless others may write too. */
function writable(m: Machine, mm: Mm, vpn: number): boolean {
  const pmd = mm.pmd(vpn)
  const index = mm.pteIndex(vpn)
  const { ptes } = m.tables
  if ((pmd & PTE_WRITE) === 0) return false
  if ((pmd & PMD_HUGE) !== 0) {
    mm.pmds[vpn >>> TABLE_SHIFT]! |= PTE_DIRTY
    const pfn = hugeFrame(pmd, vpn)
    ptes[index] = (pfn << PFN_SHIFT) | PTE_PRESENT | PTE_WRITE | checkedBit(m, pfn)
    return true
  }
  const pte = ptes[index]!
  const needed = PTE_PRESENT | PTE_WRITE
  if ((pte & needed) !== needed) return false
  ptes[index] = pte | PTE_DIRTY | checkedBit(m, pte >>> PFN_SHIFT)
  return true
}

export function checkedBit(m: Machine, pfn: number): number {
  return m.eager || (m.contested.size !== 0 && m.contested.has(pfn)) ? 0 : PTE_TOK
}

function endless(m: Machine, what: string, mm: Mm, vpn: number): Error {
  return new Error(
    `endless ${what} fault: process ${mm.id}, page ${vpn}, event ${m.judge.event}, policy ${m.policy.name}`,
  )
}
