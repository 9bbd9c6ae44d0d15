/** kernels: which policy, parameters and mechanism era model each recorded kernel. */
import { type Era, type Params, policyNamed, type Rules } from './rules.ts'

const ERA_5_8: Era = {
  uffdWp: true,
  protectsFiles: false,
  uffdWritenotify: false,
  resolvesByFlags: true,
  forkCopiesMarkers: true,
  forkKeepsUffdWp: true,
  splitKeepsZeroUffdWp: false,
  forkCopiesFile: true,
  softDirty: true,
  collapse: 'no',
  hugeZeroStore: 'split',
  splitDirty: 'page',
  folioSplitDirty: 'page',
  splitDropsZeros: false,
  swapinMapsFolio: false,
  freesWholeFolios: false,
  heldLazyFree: 'unmapped',
  splitsLazyFree: true,
  dropsLazyFreeRuns: false,
  dropsLazyFreeHuge: false,
  freeAsksHugeHead: true,
  pinTouches: false,
  dontNeedFreesTables: false,
  zapDrains: true,
  movesSeveralAreas: false,
  mergesUntouched: false,
  remapClearsUffdWp: false,
  unchargesUntouched: false,
  mappedShared: 'mapcount',
  protectsSeveralAreas: false,
  freeAsksFirstPage: false,
  lruBatch: 15,
  odirect: 'get',
  ioUringTakesFiles: false,
  storesToBreakKsm: true,
  swapBypass: true,
  swapReadsWait: true,
  forceFollows: 'cowFault',
}
const ERA_5_7: Era = { ...ERA_5_8, forkCopiesFile: false, hugeZeroStore: 'advised' }
const ERA_5_6: Era = { ...ERA_5_7, uffdWp: false, pinTouches: true }
const ERA_5_15: Era = {
  ...ERA_5_8,
  ioUringTakesFiles: true,
  forkKeepsUffdWp: false,
  splitKeepsZeroUffdWp: true,
  heldLazyFree: 'swapBacked',
  freeAsksHugeHead: false,
}
const ERA_5_18: Era = {
  ...ERA_5_15,
  splitKeepsZeroUffdWp: false,
  splitsLazyFree: false,
}
const ERA_5_19: Era = { ...ERA_5_18, protectsFiles: true, forkCopiesFile: false }
const ERA_6_0: Era = { ...ERA_5_19, forceFollows: 'exclusive' }
const ERA_6_1: Era = {
  ...ERA_6_0,
  uffdWritenotify: true,
  forkCopiesMarkers: false,
  splitKeepsZeroUffdWp: true,
  collapse: 'needsWritable',
  freeAsksFirstPage: true,
  folioSplitDirty: 'softDirty',
  remapClearsUffdWp: true,
}
const ERA_6_12: Era = {
  ...ERA_6_1,
  resolvesByFlags: false,
  dropsLazyFreeHuge: true,
  swapReadsWait: false,
  splitDirty: 'softDirty',
  folioSplitDirty: 'pte',
  protectsSeveralAreas: true,
  mappedShared: 'guess',
  freeAsksFirstPage: false,
  splitDropsZeros: true,
  swapinMapsFolio: true,
  freesWholeFolios: true,
  lruBatch: 31,
  unchargesUntouched: true,
  odirect: 'pin',
  storesToBreakKsm: false,
}
const ERA_6_18: Era = {
  ...ERA_6_12,
  softDirty: false,
  collapse: 'any',
  hugeZeroStore: 'thp',
  dontNeedFreesTables: true,
  mappedShared: 'mmIds',
  zapDrains: false,
  movesSeveralAreas: true,
  mergesUntouched: true,
  heldLazyFree: 'kept',
  dropsLazyFreeRuns: true,
  dropsLazyFreeHuge: false,
}

interface Kernel {
  readonly policy: string
  readonly params: Params
  readonly era: Era
}

/** Long-term pins leave file pages and the zero page shared before 6.2. */
const UNSHARES_ANON: Params = { unshare: 'anon' }

const KERNELS: Readonly<Record<string, Kernel>> = {
  '5.6.19': { policy: 'forced-gup-break', params: { sharedThp: 'copy2M' }, era: ERA_5_6 },
  '5.6.19-on-demand-fork': { policy: 'on-demand-fork', params: {}, era: ERA_5_6 },
  '5.8.1-nogupbreak': { policy: 'reuse-swap-page', params: { sharedThp: 'split' }, era: ERA_5_8 },
  '5.8.1': { policy: 'forced-gup-break', params: { sharedThp: 'split' }, era: ERA_5_8 },
  '5.9.1': {
    policy: 'page-count',
    params: { reclaimPin: 'no', clearRefsPin: 'no' },
    era: ERA_5_8,
  },
  '5.15.135': { policy: 'page-count', params: {}, era: ERA_5_15 },
  '5.18.12': { policy: 'page-count-refined', params: {}, era: ERA_5_18 },
  '5.19': {
    policy: 'anon-exclusive',
    params: { mprotectUpgrade: 'none', ...UNSHARES_ANON },
    era: ERA_5_19,
  },
  '6.0.6': { policy: 'anon-exclusive', params: UNSHARES_ANON, era: ERA_6_0 },
  '6.0.6-cow-pte-v2': { policy: 'cow-pte-owner', params: {}, era: ERA_6_0 },
  '6.1.192': { policy: 'anon-exclusive', params: UNSHARES_ANON, era: ERA_6_1 },
  '6.12.113': { policy: 'order0-copy', params: {}, era: ERA_6_12 },
  '6.18.44': { policy: 'mm-id', params: {}, era: ERA_6_18 },
}

/** The rules and the era that model the kernel `name`. */
export function kernelNamed(name: string): { rules: Rules; era: Era } {
  const kernel = KERNELS[name]
  if (kernel === undefined) throw new RangeError(`unknown kernel: ${name}`)
  return { rules: policyNamed(kernel.policy, kernel.params), era: kernel.era }
}

/** The era a policy runs with when none is asked for. */
export function ownEra(policy: string): Era {
  switch (policy) {
    case 'no-unmap-gup':
    case 'early-decow':
    case 'on-demand-fork':
      return ERA_5_6
    case 'reuse-swap-page':
      return ERA_5_7
    case 'page-count':
      return ERA_5_15
    case 'page-count-refined':
      return ERA_5_18
    case 'cow-pte-owner':
      return ERA_6_0
    case 'anon-exclusive':
      return ERA_6_1
    case 'order0-copy':
    case 'table-scan':
      return ERA_6_12
    case 'always-copy':
    case 'mapcount':
    case 'mm-id':
    case 'cow-pte-accounted':
    case 'clairvoyant':
      return ERA_6_18
    default:
      return ERA_5_8
  }
}
