/**
 * The contract between the mechanism and the policies: the questions, their defaults, and what an answer may read.
 *
 * A policy is a set of answers: pure functions of the kernel state, numbers in, a small number out; of pages in the
 * same state it may be asked about the first only. What a kernel does before it asks (emptying a batch, giving up
 * the swapcache) is declared here and done by the mechanism. Each question names the kernel function that asks it.
 */
import { type Capability, expectCapabilities } from '../params/capabilities.ts'
import {
  expectName,
  expectParams,
  expectShape,
  onlyDeclared,
  refuseUnknown,
  type Shape,
} from '../params/declared.ts'
import type { Params, Values } from '../params/params.ts'
import type { Kernel } from '../state/kernel.ts'
import { ERA_NAMES, type EraName } from './era-names.ts'
import {
  type GivenMmBits,
  type GivenPageBits,
  type MmBits,
  type PageBits,
  wholeMmBits,
  wholePageBits,
} from './own-bits.ts'
import { COPY } from './verdict.ts'

export { choice, flag, int } from '../params/params.ts'
export type { Kernel } from '../state/kernel.ts'
export type { EraName } from './era-names.ts'
export type { GivenMmBits, GivenPageBits, MmBits, PageBits } from './own-bits.ts'
export { pinnedOnly } from './pinned-only.ts'
export * from './predicates.ts'
export * from './verdict.ts'

/** Version of this contract; a policy file made for another one is refused. */
export const POLICY_API = 1

/** One of REUSE, REUSE_*, COPY and COPY_* (verdict.ts): below COPY is a reuse. */
export type Verdict = number

/** When reclaim asks whether it must leave a page alone (reclaimRefuses): before add_to_swap(), under the page lock. */
export const BEFORE_SWAPCACHE = 0
/** Under the page-table lock, in try_to_unmap_one(); a lockless walk still finds the entry. */
export const BEFORE_UNMAP = 1
/** There, when the entry has been cleared: nobody finds the page any more. A refusal puts the entry back. */
export const AFTER_CLEAR = 2

/** What get_user_pages() has to do before it takes a page (gupRead, gupReadNotAnon): nothing. */
export const GUP_TAKE = 0
/** FAULT_FLAG_UNSHARE: get a page of one's own, mapped read-only. */
export const GUP_UNSHARE = 1
/** Break COW as a store would. */
export const GUP_BREAK_COW = 2

/**
 * What a policy answers, and what it wants done for it: everything that the mechanism asks. A hook is a pure function of
 * what it is given; `pfn` is a frame number, `head` that of the first frame of a large folio.
 */
export interface PolicyHooks {
  /** Empty this CPU's LRU batch before answering COPY_LRU_BATCH becomes final (5.18). */
  readonly drainsLruBatch: boolean
  /** Try to give up the swapcache before COPY_SWAPCACHE becomes final, and at swap-in (5.18). */
  readonly freesSwapCache: boolean
  /** do_wp_page() copies a page that it may reuse when it cannot have the page lock at once (5.9), or waits for it. */
  readonly triesPageLock: boolean
  /** Keep PG_anon_exclusive, the swp-exclusive marker, and pins only on exclusive pages (5.19). */
  readonly tracksExclusive: boolean
  /** Map an exclusive page writable already when a load swaps it in (6.11). */
  readonly swapinWritable: boolean
  /** Map exclusive pages writable when userfaultfd write-protection is resolved (6.12). */
  readonly wpResolveWritable: boolean
  /** A store to a huge folio that may not be reused copies 2 MiB (until 5.7) or splits the mapping. */
  readonly copiesHuge: boolean
  /** The last mapper of a KSM page writes to it in place: reuse_ksm_page(), until 5.8. */
  readonly reusesKsm: boolean
  /** Mark every anonymous page that GUP touches with PG_dontcow (2009). */
  readonly tagsGupPages: boolean
  /** GUP that walks with the page-table lock breaks COW for readers too: gupRead is asked by the lockless walk alone (2009). */
  readonly gupSlowBreaksCow: boolean
  /** Ask swapinReuse for a load too, so that the page is known to be the process's own (5.19). */
  readonly asksAtLoad: boolean
  /** Ask forkCopies in any process, not only in one that has used FOLL_PIN. Default: with bits of its own, yes. */
  readonly asksEveryFork: boolean
  /** The parent's entry of a page that fork copies becomes read-only all the same (2009). */
  readonly forkCopyProtects: boolean
  /** GUP-fast gives a FOLL_PIN up when a fork of the process came between (mm->write_protect_seq, 5.11). */
  readonly writeProtectSeq: boolean
  /** How fork treats page tables: copy them, or share them unaccounted, with an owner, or accounted. */
  readonly tables: 'copy' | 'lazy' | 'owner' | 'accounted'
  /** Bits of its own for each page, and for each process; null: none. */
  readonly pageBits: PageBits | null
  readonly mmBits: MmBits | null

  /** do_wp_page(): a store hit a present read-only entry of the order-0 page `pfn`. */
  readonly wpReuse: (k: Kernel, pfn: number) => Verdict
  /** do_wp_page(), for a page of a large folio that is mapped by page-table entries. Default: wpReuse. */
  readonly wpReuseLarge: (k: Kernel, pfn: number) => Verdict
  /** do_huge_pmd_wp_page(): a store hit a read-only PMD entry of the huge folio `head`. Default: wpReuse. */
  readonly pmdReuse: (k: Kernel, head: number) => Verdict
  /** do_swap_page(): may the page that was just brought in be mapped writable? Default: wpReuse. */
  readonly swapinReuse: (k: Kernel, pfn: number) => Verdict
  /**
   * copy_present_pte(): must the child get its own copy of the page at once? Default: no. One that is pinnedOnly() is
   * asked about pages that may be pinned.
   */
  readonly forkCopies: (k: Kernel, pfn: number) => boolean
  /** copy_huge_pmd(): must the parent's huge mapping be split, to decide page by page? Default: forkCopies. */
  readonly forkSplitsHuge: (k: Kernel, head: number) => boolean
  /** follow_page_pte(): what must happen before a reference without FOLL_WRITE? GUP_*. Default: GUP_TAKE. */
  readonly gupRead: (k: Kernel, pfn: number, follPin: boolean) => number
  /** The same for the page cache and the zero page in a private mapping (6.2: unshared for FOLL_LONGTERM). */
  readonly gupReadNotAnon: (k: Kernel, pfn: number, follPin: boolean) => number
  /** get_user_pages_fast(): is this anonymous page left to the slow way, whatever its entry permits? Default: no. */
  readonly gupFastRefuses: (k: Kernel, pfn: number) => boolean
  /**
   * Reclaim, at BEFORE_SWAPCACHE, BEFORE_UNMAP and AFTER_CLEAR: must the page stay mapped? Default: no. It does not ask
   * about a clean page that MADV_FREE gave up: that is dropped, or not, by the references to it.
   */
  readonly reclaimRefuses: (k: Kernel, pfn: number, stage: number) => boolean
  /** clear_refs: must this writable entry keep its write bit? Default: no. */
  readonly clearRefsSkips: (k: Kernel, pfn: number) => boolean
  /** can_change_pte_writable(): may mprotect map the page writable without a fault? Default: no. */
  readonly upgradesPte: (k: Kernel, pfn: number, dirty: boolean) => boolean
  /** can_change_pmd_writable(). Default: no. */
  readonly upgradesPmd: (k: Kernel, head: number, dirty: boolean) => boolean
  /** can_follow_write_pte(): does an FOLL_FORCE store need no fault on this read-only page (6.0)? Default: no. */
  readonly forcedInPlace: (k: Kernel, pfn: number) => boolean
}

/** The hooks that a policy must give, and those that it may leave to their defaults. */
export interface GivenHooks extends Partial<Omit<PolicyHooks, 'pageBits' | 'mmBits'>> {
  readonly wpReuse: PolicyHooks['wpReuse']
  readonly pageBits?: GivenPageBits | null
  readonly mmBits?: GivenMmBits | null
}

/** A policy with its parameters set: what a machine asks. */
export interface Policy extends PolicyHooks {
  readonly name: string
}

/** A policy as it was declared: what `--policy` names. */
export interface PolicyDefinition<S extends Params = Params> {
  readonly name: string
  /** The POLICY_API that it was written for. */
  readonly api: number
  /** One line for lists. */
  readonly summary: string
  /** Kernel versions, or what it was. */
  readonly era: string
  /** Mechanism era that it runs with unless --kernel says otherwise. */
  readonly kernel: EraName
  readonly params: S
  /** Workloads that need one of these are skipped. */
  readonly lacks: readonly Capability[]
  /** The policy with these parameters. Throws RangeError for hooks that nobody will ask, or that are missing. */
  create(values: Values<S>): Policy
}

/** What definePolicy() takes. */
export interface PolicySpec<S extends Params> {
  /** Lower case letters, digits and hyphens; `--policy` and the rows of results call it so. */
  readonly name: string
  /** One line for lists. */
  readonly summary: string
  /** Kernel versions, or what it was: for lists, nothing follows from it. */
  readonly era: string
  /** Mechanism era that it runs with unless --kernel says otherwise. */
  readonly kernel: EraName
  /** The POLICY_API that the file was written for. Default: this one. */
  readonly api?: number
  /** By name, each made by int(), choice() or flag(). Default: none. */
  readonly params?: S
  /** Capabilities of the mechanism that this policy has no rule for: workloads that need one are skipped. */
  readonly lacks?: readonly Capability[]
  /** The answers, given the value of every parameter. Called by create(). */
  readonly hooks: (params: Values<S>) => GivenHooks
}

const never = (): boolean => false
const take = (): number => GUP_TAKE

const SPEC: Shape = {
  ...{ name: 'string', summary: 'string', era: 'string', kernel: 'string', hooks: 'function' },
  ...{ 'api?': 'number', 'params?': 'object', 'lacks?': 'array' },
}

/**
 * Declares a policy. Every instance is made by one object literal, so that all have the same hidden class. Throws
 * RangeError for a declaration that cannot be right, and `create` for hooks that nobody will ask, or without wpReuse.
 */
// biome-ignore lint/complexity/noBannedTypes: no parameters is exactly what {} says here.
export function definePolicy<const S extends Params = {}>(
  spec: PolicySpec<S>,
): PolicyDefinition<S> {
  expectShape(spec, SPEC)
  expectName('policy', spec.name)
  expectParams(spec.params ?? {})
  refuseUnknown(`kernel of policy ${spec.name}`, [spec.kernel], ERA_NAMES)
  expectCapabilities(`capability that policy ${spec.name} lacks`, spec.lacks ?? [])
  return Object.freeze({
    name: spec.name,
    api: spec.api ?? POLICY_API,
    summary: spec.summary,
    era: spec.era,
    kernel: spec.kernel,
    params: spec.params ?? ({} as S),
    lacks: spec.lacks ?? [],
    create(values: Values<S>): Policy {
      const h = spec.hooks(Object.freeze(onlyDeclared(values)))
      if (typeof h !== 'object' || h === null) {
        throw new RangeError(`invalid hooks: ${typeof h}; expected an object`)
      }
      if ('then' in h) throw new RangeError('invalid hooks: a promise; hooks may not be async')
      const forkCopies = h.forkCopies ?? never
      const policy = Object.freeze({
        name: spec.name,
        drainsLruBatch: h.drainsLruBatch ?? false,
        freesSwapCache: h.freesSwapCache ?? false,
        triesPageLock: h.triesPageLock ?? false,
        tracksExclusive: h.tracksExclusive ?? false,
        swapinWritable: h.swapinWritable ?? false,
        wpResolveWritable: h.wpResolveWritable ?? false,
        copiesHuge: h.copiesHuge ?? false,
        reusesKsm: h.reusesKsm ?? false,
        tagsGupPages: h.tagsGupPages ?? false,
        gupSlowBreaksCow: h.gupSlowBreaksCow ?? false,
        asksAtLoad: h.asksAtLoad ?? false,
        asksEveryFork:
          h.asksEveryFork ?? ((h.pageBits ?? null) !== null || (h.mmBits ?? null) !== null),
        forkCopyProtects: h.forkCopyProtects ?? false,
        writeProtectSeq: h.writeProtectSeq ?? false,
        tables: h.tables ?? 'copy',
        pageBits: wholePageBits(h.pageBits ?? null),
        mmBits: wholeMmBits(h.mmBits ?? null),
        wpReuse: h.wpReuse,
        wpReuseLarge: h.wpReuseLarge ?? h.wpReuse,
        pmdReuse: h.pmdReuse ?? h.wpReuse,
        swapinReuse: h.swapinReuse ?? h.wpReuse,
        forkCopies,
        forkSplitsHuge: h.forkSplitsHuge ?? forkCopies,
        gupRead: h.gupRead ?? take,
        gupReadNotAnon: h.gupReadNotAnon ?? take,
        gupFastRefuses: h.gupFastRefuses ?? never,
        reclaimRefuses: h.reclaimRefuses ?? never,
        clearRefsSkips: h.clearRefsSkips ?? never,
        upgradesPte: h.upgradesPte ?? never,
        upgradesPmd: h.upgradesPmd ?? never,
        forcedInPlace: h.forcedInPlace ?? never,
      })
      refuseUnknown('hook', Object.keys(h), Object.keys(policy).slice(1))
      if (h.wpReuse === undefined) throw new RangeError('missing hook: wpReuse')
      return policy
    },
  })
}

/** Is the verdict a copy? */
export function isCopy(verdict: Verdict): boolean {
  return verdict >= COPY
}
