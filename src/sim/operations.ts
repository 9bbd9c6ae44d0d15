/**
 * OPERATIONS: what each operation code of a trace does, in the order of src/trace/ops.ts.
 */
import { Mm } from '../state/mm.ts'
import { load, store, storeSame } from './access.ts'
import { madvise, mmap, mremap } from './address-space.ts'
import { FAILED, OK } from './answers.ts'
import { devread, devwrite, speculativeGet, speculativePut } from './device.ts'
import { fork } from './fork.ts'
import { pin } from './gup.ts'
import { khugepaged } from './khugepaged.ts'
import { ksmScan } from './ksm.ts'
import { lruDrainAll } from './lru.ts'
import type { Machine } from './machine.ts'
import { migrate } from './migrate.ts'
import { numaHint } from './numa.ts'
import { mmIsNew } from './own-bits.ts'
import { unpin } from './pins.ts'
import { swapOutPages } from './plain-reclaim.ts'
import { poke } from './poke.ts'
import { mprotect } from './protect.ts'
import { endWriteback, swapOut } from './reclaim.ts'
import { clearRefs } from './soft-dirty.ts'
import { splitFolio } from './split.ts'
import { begin, step } from './tasks.ts'
import { uffdWriteProtect } from './uffd.ts'
import { uffdRegister, uffdResolve } from './userfault.ts'
import { frameAt } from './walk.ts'
import { exitMm, munmap } from './zap.ts'

type Operation = (
  m: Machine,
  mm: number,
  a: number,
  b: number,
  c: number,
  d: number,
  e: number,
  f: number,
  g: number,
) => number

export const OPERATIONS: readonly Operation[] = [
  (m, mm, vpn) => load(m, m.mm(mm), vpn),
  (m, mm, vpn) => store(m, m.mm(mm), vpn),
  spawn,
  (m, mm, child) => {
    fork(m, m.mm(mm), child)
    return OK
  },
  exec,
  exit,
  (m, mm, vpn, pages, kind, prot, order, object, pgoff) =>
    mmap(m, m.mm(mm), vpn, pages, kind, prot, order, object, pgoff),
  (m, mm, vpn, pages) => {
    munmap(m, m.mm(mm), vpn, vpn + pages)
    m.judge.munmap(mm, vpn, pages)
    m.endExit()
    return OK
  },
  (m, mm, vpn, pages, prot) => mprotect(m, m.mm(mm), vpn, vpn + pages, prot),
  (m, mm, vpn, pages, to) => mremap(m, m.mm(mm), vpn, vpn + pages, to),
  (m, mm, vpn, pages, advice) => madvise(m, m.mm(mm), vpn, vpn + pages, advice),
  (m, mm, vpn, pages, kind, id) => pin(m, m.mm(mm), vpn, pages, kind, id),
  (m, _mm, id) => unpin(m, id),
  (m, _mm, id, index) => devread(m, id, index),
  (m, _mm, id, index) => devwrite(m, id, index),
  (m, mm, vpn, pages) => {
    swapOutPages(m, m.mm(mm), vpn, vpn + pages)
    return OK
  },
  (m) => {
    lruDrainAll(m)
    // A drain that the trace asks for is nobody's time.
    m.spent = 0
    return OK
  },
  (m, mm, vpn, pages, on) => {
    const done = uffdWriteProtect(m, m.mm(mm), vpn, vpn + pages, on !== 0)
    m.endCall()
    return done
  },
  (m, mm, value) => {
    clearRefs(m, m.mm(mm), value)
    m.endCall()
    return OK
  },
  (m) => {
    ksmScan(m)
    return OK
  },
  (m, mm, vpn, pages) => {
    migrate(m, m.mm(mm), vpn, vpn + pages)
    return OK
  },
  (m, mm, vpn) => speculativeGet(m, m.mm(mm), vpn),
  (m, mm, vpn) => speculativePut(m, m.mm(mm), vpn),
  (m, mm, vpn) => poke(m, m.mm(mm), vpn),
  (m, mm, vpn, content) => storeSame(m, m.mm(mm), vpn, content),
  (m, mm, vpn) => {
    const pfn = frameAt(m, m.mm(mm), vpn)
    const split = pfn !== 0 && splitFolio(m, pfn, vpn)
    m.endCall()
    return split ? OK : FAILED
  },
  (m, mm, vpn, pages) => {
    swapOut(m, m.mm(mm), vpn, vpn + pages, false, true)
    return OK
  },
  (m) => {
    endWriteback(m)
    m.endSwap()
    return OK
  },
  (m, mm, vpn, pages) => {
    numaHint(m, m.mm(mm), vpn, vpn + pages)
    return OK
  },
  (m, mm, vpn, pages) => khugepaged(m, m.mm(mm), vpn, vpn + pages),
  (m, mm, vpn, pages, modes) => uffdRegister(m, m.mm(mm), vpn, vpn + pages, modes),
  (m, mm, vpn, pages, how) => uffdResolve(m, m.mm(mm), vpn, vpn + pages, how),
  (m, _mm, setting, value) => {
    m.settings[setting] = value
    return OK
  },
  begin,
  (m, _mm, task, until) => step(m, task, until),
]

function spawn(m: Machine, id: number): number {
  m.k.mms[id] = new Mm(id)
  m.judge.spawn(id)
  return OK
}

function exec(m: Machine, id: number): number {
  exitMm(m, m.mm(id))
  m.k.mms[id] = new Mm(id)
  mmIsNew(m, id)
  m.judge.exec(id)
  m.endExit()
  return OK
}

function exit(m: Machine, id: number): number {
  exitMm(m, m.mm(id))
  m.k.mms[id] = undefined
  m.judge.exit(id)
  m.endExit()
  return OK
}
