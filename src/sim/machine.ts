/**
 * Machine: one simulated kernel under one policy: its state, its options, its counts and its clock. What it does is in
 * the files beside this one, in which each function carries the name of the kernel step that it models.
 */
import { type Policy, VERDICT_LABELS } from '../policy/api.ts'
import { isPinnedOnly } from '../policy/pinned-only.ts'
import type { Frames } from '../state/frames.ts'
import { Kernel } from '../state/kernel.ts'
import { LruBatches } from '../state/lru-batches.ts'
import type { Mm } from '../state/mm.ts'
import type { PageTables } from '../state/tables.ts'
import { SETTINGS } from '../trace/settings.ts'
import type { Era } from './era.ts'
import { FaultTimes } from './fault-times.ts'
import type { Judge } from './judge.ts'
import type { Noise } from './noise.ts'
import type { Task } from './task.ts'

/** Nanoseconds per unit of work: what the mechanism needs of a cost profile (src/metrics/cost.ts). */
export interface WorkCost {
  readonly faultEntry: number
  readonly zeroFill4k: number
  readonly zeroFill2M: number
  readonly copy4k: number
  readonly copy2M: number
  readonly reuse: number
  readonly unshare: number
  readonly forkBase: number
  readonly ptePerFork: number
  readonly pmdPerFork: number
  readonly tableAlloc: number
  readonly tableShare: number
  readonly tableFree: number
  readonly ptePerExit: number
  readonly pmdSplit: number
  readonly mprotectPerPte: number
  readonly tlbFlush: number
  readonly lruDrain: number
  readonly swapIn: number
  readonly swapOut: number
  readonly pinPerPage: number
  readonly uffdEvent: number
}

export interface MachineOptions {
  readonly policy: Policy
  readonly era: Era
  readonly judge: Judge
  readonly cost: WorkCost
  /** Every access is told to the judge, none is taken as already checked. */
  readonly eager?: boolean
  /** The swap device is not SWP_SYNCHRONOUS_IO: every page goes through the swapcache. */
  readonly swapDisk?: boolean
  /** State to start with, empty. */
  readonly kernel?: Kernel | undefined
  readonly noise?: Noise | undefined
}

/** What the mechanism itself counts; decisions and breaches are the judge's. */
export interface MachineCounts {
  loadFaults: number
  storeFaults: number
  pmdSplits: number
  tableShares: number
  tableCopies: number
  refusedUnmaps: number
  /** Write faults on shared mappings, which always write in place and are no decision. */
  sharedReuses: number
  /** userfaultfd's events, by mode. */
  missingEvents: number
  minorEvents: number
  wpEvents: number
  /** Aligned 2 MiB that became one huge folio, by khugepaged or by MADV_COLLAPSE. */
  collapses: number
  /** Page-table entries looked at for a collapse that was then given up. */
  vainPteScans: number
  forkNs: number
  faultNs: number
  exitNs: number
  swapNs: number
  forkNsMax: number
}

/** More than V8 keeps as an integer. */
const LARGE = 2 ** 31

/**
 * All counts are 0; the times have held larger numbers once. When the first one outgrows what V8 keeps as an integer, the
 * object becomes one of another hidden class, and all that was compiled for the former is given up, in mid-run.
 */
function noCounts(): MachineCounts {
  const counts = {
    loadFaults: 0,
    storeFaults: 0,
    pmdSplits: 0,
    tableShares: 0,
    tableCopies: 0,
    refusedUnmaps: 0,
    sharedReuses: 0,
    missingEvents: 0,
    minorEvents: 0,
    wpEvents: 0,
    collapses: 0,
    vainPteScans: 0,
    forkNs: LARGE,
    faultNs: LARGE,
    exitNs: LARGE,
    swapNs: LARGE,
    forkNsMax: LARGE,
  }
  counts.forkNs = 0
  counts.faultNs = 0
  counts.exitNs = 0
  counts.swapNs = 0
  counts.forkNsMax = 0
  return counts
}

export class Machine {
  readonly k: Kernel
  readonly frames: Frames
  readonly tables: PageTables
  readonly policy: Policy
  readonly era: Era
  readonly judge: Judge
  readonly cost: WorkCost
  readonly eager: boolean
  readonly swapDisk: boolean
  /** Most faults may be taken in one piece (plain.ts): nobody wants to hear of each step. */
  readonly plain: boolean
  /** Pages without a reference need not be asked about at fork (src/policy/pinned-only.ts). */
  readonly forkAsksPinned: boolean
  readonly batches: LruBatches
  /** The batches of every CPU, `batches` first. */
  readonly cpus: readonly LruBatches[]
  /** References and locks that the trace knows nothing of (src/sim/noise.ts). */
  readonly noise: Noise | undefined
  readonly counts: MachineCounts = noCounts()
  readonly faultTimes = new FaultTimes()
  /** Estimated time of the operation in progress, in ns. */
  spent = 0
  /** Faults taken so far, by anyone, userfaults included. */
  faults = 0
  /** SAW_* bits of the last load, DEV_* of the last device read. */
  lastSaw = 0
  lastDev = 0
  /** Events simulated so far. */
  events = 0
  /**
   * Frames that were once reused where somebody else could see it: their stores are never taken as already checked,
   * because two processes may write to them in turn.
   */
  readonly contested = new Set<number>()
  /** Page cache and shmem: frame by object and page. */
  readonly pageCache = new Map<number, Map<number, number>>()
  /** Frames of these that reclaim has taken: the next fault on such a page brings it back. */
  readonly pagedOut = new Set<number>()
  /** How often each verdict decided, at whatever site: that a huge mapping is split leaves it to its pages. */
  readonly verdicts: number[] = new Array<number>(VERDICT_LABELS.length).fill(0)
  /** The fault in progress was raised by the kernel itself (GUP): userfaultfd's manager does not answer those. */
  fromKernel = false
  /** mmap() calls and anon_vmas so far. */
  areas = 0
  anonVmas = 0
  /** Frames that the page cache keeps, processes or not. */
  pageCacheFrames = 0
  /** Heads of the folios that the swap device is writing out. */
  readonly underWriteback = new Set<number>()
  /** By SET_*. */
  readonly settings = Int32Array.from(SETTINGS, (setting) => setting.default)
  /** Operations that are taken through their steps, in the order in which they began. */
  readonly tasks: Task[] = []
  /** STEP_* that was made last. */
  lastStep = 0
  /** Speculative references that are held now. */
  readonly speculative: { readonly mm: number; readonly vpn: number; readonly pfn: number }[] = []

  constructor(options: MachineOptions) {
    this.k = options.kernel ?? new Kernel()
    this.frames = this.k.frames
    this.tables = this.k.tables
    this.policy = options.policy
    this.era = options.era
    this.noise = options.noise
    this.batches = new LruBatches(options.era.lruBatch)
    const cpus = options.noise?.cpus ?? 1
    this.cpus = Array.from({ length: cpus }, (_, cpu) =>
      cpu === 0 ? this.batches : new LruBatches(options.era.lruBatch),
    )
    this.judge = options.judge
    this.cost = options.cost
    // Below tables that are shared unaccounted a page may be written to behind everybody's back.
    const unaccounted = options.policy.tables === 'lazy' || options.policy.tables === 'owner'
    this.eager = (options.eager ?? false) || unaccounted
    this.plain = !this.eager && options.noise === undefined && options.policy.pageBits === null
    this.forkAsksPinned =
      isPinnedOnly(options.policy.forkCopies) && options.policy.pageBits === null
    this.swapDisk = options.swapDisk ?? false
    this.k.stableWrites = !this.swapDisk
  }

  /** The process, which must be alive. */
  mm(id: number): Mm {
    const mm = this.k.mms[id]
    if (mm === undefined)
      throw new RangeError(`unknown process: ${id} at event ${this.judge.event}`)
    return mm
  }

  /** Tells the judge what was decided, before anything is done about it. Returns whether it was an unsafe reuse. */
  decided(site: number, mm: Mm, vpn: number, pages: number, verdict: number, other = 0): boolean {
    this.verdicts[verdict]!++
    return this.judge.verdict(site, mm.id, vpn, pages, verdict, other)
  }

  /** A fault begins: what it costs to get into the kernel and back. */
  beginFault(): void {
    this.faults++
    this.spent += this.cost.faultEntry
  }

  /** The work since the last call was (part of) a page fault. */
  endFault(): void {
    this.counts.faultNs += this.spent
    this.faultTimes.add(this.spent)
    this.spent = 0
  }

  /** So many faults of `ns` each were taken in one piece: whole numbers, so that their order does not matter. */
  addFaults(faults: number, ns: number): void {
    if (faults === 0) return
    this.faults += faults
    this.counts.faultNs += faults * ns
    this.faultTimes.add(ns, faults)
  }

  endFork(): void {
    this.counts.forkNs += this.spent
    if (this.spent > this.counts.forkNsMax) this.counts.forkNsMax = this.spent
    this.spent = 0
  }

  endExit(): void {
    this.counts.exitNs += this.spent
    this.spent = 0
  }

  endSwap(): void {
    this.counts.swapNs += this.spent
    this.spent = 0
  }

  /** Work outside of any fault that is still charged to fault time: pins, protection changes. */
  endCall(): void {
    this.counts.faultNs += this.spent
    this.spent = 0
  }
}
