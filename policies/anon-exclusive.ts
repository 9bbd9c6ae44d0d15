/**
 * anon-exclusive: write in place iff the page is marked exclusive to this process, or nobody else refers to it.
 *
 * Era     v5.19 to v6.6
 * Commit  6c287605fd56 ("mm: remember exclusively mapped anonymous pages with PG_anon_exclusive"), David Hildenbrand
 * Before  page-count-refined had to guess from the references; a pin was a sharer.
 * Costs   A page that was shared once has to be taken back, fault by fault, and references count again then. A page of
 *         a large folio is only taken back when it is the folio's last mapping.
 * Omits   The memory barriers of the clearing protocol (each of the simulator's steps is seen by all).
 */
import {
  AFTER_CLEAR,
  choice,
  definePolicy,
  flag,
  type GivenHooks,
  GUP_TAKE,
  GUP_UNSHARE,
  type Kernel,
  pageAnonExclusive,
  pageMaybeDmaPinned,
  pageNeedsCowForDma,
  pinnedOnly,
  REUSE_EXCLUSIVE,
} from '../src/policy/api.ts'
import {
  keepsPinned,
  soleAtSwapin,
  soleHugeReference,
  soleReference,
} from './page-count-refined.ts'

export const exclusiveParams = {
  mprotectUpgrade: choice(
    'dirty',
    ['none', 'dirty', 'any'],
    'mprotect maps exclusive pages writable: never (5.19), dirty ones (6.0), any and huge ones too (6.2)',
  ),
  swapinWritable: flag(false, 'a load that swaps an exclusive page in maps it writable (6.11)'),
  wpResolveWritable: flag(
    false,
    'resolving userfaultfd write-protection maps exclusive pages writable (6.12)',
  ),
  forceNeedsNoFault: flag(true, 'an FOLL_FORCE store needs no fault on an exclusive page (6.0)'),
  longtermUnsharesFile: flag(
    true,
    'a r/o long-term pin copies page cache and zero page first (6.2)',
  ),
}

/** The same parameters with the defaults of 6.12 and later. */
export function later(params: typeof exclusiveParams): typeof exclusiveParams {
  return {
    ...params,
    mprotectUpgrade: { ...params.mprotectUpgrade, default: 'any' },
    swapinWritable: { ...params.swapinWritable, default: true },
    wpResolveWritable: { ...params.wpResolveWritable, default: true },
  }
}

/** The folio is asked about its pins, the page about its exclusivity: a page that is shared already is shared on. */
function exclusiveAndPinned(k: Kernel, pfn: number): boolean {
  return pageAnonExclusive(k, pfn) && pageNeedsCowForDma(k, pfn)
}
pinnedOnly(exclusiveAndPinned)

type ExclusiveValues = {
  readonly mprotectUpgrade: string
  readonly swapinWritable: boolean
  readonly wpResolveWritable: boolean
  readonly forceNeedsNoFault: boolean
  readonly longtermUnsharesFile: boolean
}

/** What 5.19 and everything since has in common. */
export function exclusiveHooks(p: ExclusiveValues): GivenHooks {
  const any = p.mprotectUpgrade === 'any'
  return {
    drainsLruBatch: true,
    freesSwapCache: true,
    triesPageLock: true,
    tracksExclusive: true,
    asksAtLoad: true,
    swapinWritable: p.swapinWritable,
    wpResolveWritable: p.wpResolveWritable,
    writeProtectSeq: true,

    wpReuse: (k, pfn) => (pageAnonExclusive(k, pfn) ? REUSE_EXCLUSIVE : soleReference(k, pfn)),
    pmdReuse: (k, head) =>
      pageAnonExclusive(k, head) ? REUSE_EXCLUSIVE : soleHugeReference(k, head),
    swapinReuse: soleAtSwapin,

    // A pin promises its holder that this very page stays mapped, so fork must not make it shared.
    forkCopies: exclusiveAndPinned,
    gupRead: (k, pfn, follPin) => (follPin && !pageAnonExclusive(k, pfn) ? GUP_UNSHARE : GUP_TAKE),
    gupReadNotAnon: (_k, _pfn, follPin) =>
      follPin && p.longtermUnsharesFile ? GUP_UNSHARE : GUP_TAKE,
    reclaimRefuses: (k, pfn, stage) =>
      stage === AFTER_CLEAR
        ? pageAnonExclusive(k, pfn) && pageMaybeDmaPinned(k, pfn)
        : keepsPinned(k, pfn, stage),
    clearRefsSkips: pageNeedsCowForDma,
    upgradesPte: (k, pfn, dirty) =>
      pageAnonExclusive(k, pfn) && (any || (p.mprotectUpgrade === 'dirty' && dirty)),
    upgradesPmd: (k, head) => any && pageAnonExclusive(k, head),
    forcedInPlace: (k, pfn) => p.forceNeedsNoFault && pageAnonExclusive(k, pfn),
  }
}

export default definePolicy({
  name: 'anon-exclusive',
  summary: 'PageAnonExclusive, unsharing pins, swap-exclusive marker',
  era: 'v5.19-v6.6',
  kernel: '6.1',
  params: exclusiveParams,
  hooks: exclusiveHooks,
})
