/**
 * OPERATIONS: what each operation code of a trace does; its operands are those of OPERANDS, in src/trace/ops.ts.
 */
import { Mm } from '../state/mm.ts'
import {
  OP_BEGIN,
  OP_CLEAR_REFS,
  OP_DEVREAD,
  OP_DEVWRITE,
  OP_DRAIN,
  OP_EXEC,
  OP_EXIT,
  OP_FOLIO_SPLIT,
  OP_FORK,
  OP_GET,
  OP_KHUGEPAGED,
  OP_KSM_WAIT,
  OP_LOAD,
  OP_MADVISE,
  OP_MIGRATE,
  OP_MMAP,
  OP_MPROTECT,
  OP_MREMAP,
  OP_MUNMAP,
  OP_NUMA_HINT,
  OP_PIN,
  OP_POKE,
  OP_PUT,
  OP_SET,
  OP_SPAWN,
  OP_STEP,
  OP_STORE,
  OP_STORE_SAME,
  OP_SWAPOUT,
  OP_UFFD_REGISTER,
  OP_UFFD_RESOLVE,
  OP_UFFD_WP,
  OP_UNPIN,
  OP_WRITEBACK,
  OP_WRITEBACK_END,
} from '../trace/ops.ts'
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

/** Returns one of the answers of answers.ts. */
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

/** By OP_*. */
export const OPERATIONS: Readonly<Record<number, Operation>> = {
  [OP_LOAD]: (m, mm, vpn) => load(m, m.mm(mm), vpn),
  [OP_STORE]: (m, mm, vpn) => store(m, m.mm(mm), vpn),
  [OP_SPAWN]: spawn,
  [OP_FORK]: (m, mm, child) => {
    fork(m, m.mm(mm), child)
    return OK
  },
  [OP_EXEC]: exec,
  [OP_EXIT]: exit,
  [OP_MMAP]: (m, mm, vpn, pages, kind, prot, order, object, pgoff) =>
    mmap(m, m.mm(mm), vpn, pages, kind, prot, order, object, pgoff),
  [OP_MUNMAP]: (m, mm, vpn, pages) => {
    munmap(m, m.mm(mm), vpn, vpn + pages)
    m.judge.munmap(mm, vpn, pages)
    m.endExit()
    return OK
  },
  [OP_MPROTECT]: (m, mm, vpn, pages, prot) => mprotect(m, m.mm(mm), vpn, vpn + pages, prot),
  [OP_MREMAP]: (m, mm, vpn, pages, to) => mremap(m, m.mm(mm), vpn, vpn + pages, to),
  [OP_MADVISE]: (m, mm, vpn, pages, advice) => madvise(m, m.mm(mm), vpn, vpn + pages, advice),
  [OP_PIN]: (m, mm, vpn, pages, kind, id) => pin(m, m.mm(mm), vpn, pages, kind, id),
  [OP_UNPIN]: (m, _mm, id) => unpin(m, id),
  [OP_DEVREAD]: (m, _mm, id, index) => devread(m, id, index),
  [OP_DEVWRITE]: (m, _mm, id, index) => devwrite(m, id, index),
  [OP_SWAPOUT]: (m, mm, vpn, pages) => {
    swapOutPages(m, m.mm(mm), vpn, vpn + pages)
    return OK
  },
  [OP_DRAIN]: (m) => {
    lruDrainAll(m)
    // A drain that the trace asks for is nobody's time.
    m.spent = 0
    return OK
  },
  [OP_UFFD_WP]: (m, mm, vpn, pages, on) => {
    const done = uffdWriteProtect(m, m.mm(mm), vpn, vpn + pages, on !== 0)
    m.endCall()
    return done
  },
  [OP_CLEAR_REFS]: (m, mm, value) => {
    clearRefs(m, m.mm(mm), value)
    m.endCall()
    return OK
  },
  [OP_KSM_WAIT]: (m) => {
    ksmScan(m)
    return OK
  },
  [OP_MIGRATE]: (m, mm, vpn, pages) => {
    migrate(m, m.mm(mm), vpn, vpn + pages)
    return OK
  },
  [OP_GET]: (m, mm, vpn) => speculativeGet(m, m.mm(mm), vpn),
  [OP_PUT]: (m, mm, vpn) => speculativePut(m, m.mm(mm), vpn),
  [OP_POKE]: (m, mm, vpn) => poke(m, m.mm(mm), vpn),
  [OP_STORE_SAME]: (m, mm, vpn, content) => storeSame(m, m.mm(mm), vpn, content),
  [OP_FOLIO_SPLIT]: (m, mm, vpn) => {
    const pfn = frameAt(m, m.mm(mm), vpn)
    const split = pfn !== 0 && splitFolio(m, pfn, vpn)
    m.endCall()
    return split ? OK : FAILED
  },
  [OP_WRITEBACK]: (m, mm, vpn, pages) => {
    swapOut(m, m.mm(mm), vpn, vpn + pages, false, true)
    return OK
  },
  [OP_WRITEBACK_END]: (m) => {
    endWriteback(m)
    m.endSwap()
    return OK
  },
  [OP_NUMA_HINT]: (m, mm, vpn, pages) => {
    numaHint(m, m.mm(mm), vpn, vpn + pages)
    return OK
  },
  [OP_KHUGEPAGED]: (m, mm, vpn, pages) => khugepaged(m, m.mm(mm), vpn, vpn + pages),
  [OP_UFFD_REGISTER]: (m, mm, vpn, pages, modes) =>
    uffdRegister(m, m.mm(mm), vpn, vpn + pages, modes),
  [OP_UFFD_RESOLVE]: (m, mm, vpn, pages, how) => uffdResolve(m, m.mm(mm), vpn, vpn + pages, how),
  [OP_SET]: (m, _mm, setting, value) => {
    m.settings[setting] = value
    return OK
  },
  [OP_BEGIN]: begin,
  [OP_STEP]: (m, _mm, task, until) => step(m, task, until),
}

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
