/**
 * POLICIES: every built-in policy, in historical order, which is the order of all tables and charts.
 */
import type { PolicyDefinition } from '../src/policy/api.ts'
import alwaysCopy from './always-copy.ts'
import anonExclusive from './anon-exclusive.ts'
import clairvoyant from './clairvoyant.ts'
import cowPteAccounted from './cow-pte-accounted.ts'
import cowPteOwner from './cow-pte-owner.ts'
import earlyDecow from './early-decow.ts'
import forcedGupBreak from './forced-gup-break.ts'
import mapcount from './mapcount.ts'
import mmId from './mm-id.ts'
import noUnmapGup from './no-unmap-gup.ts'
import onDemandFork from './on-demand-fork.ts'
import order0Copy from './order0-copy.ts'
import pageCount from './page-count.ts'
import pageCountRefined from './page-count-refined.ts'
import reuseSwapPage from './reuse-swap-page.ts'
import tableScan from './table-scan.ts'

export const POLICIES: readonly PolicyDefinition[] = [
  alwaysCopy,
  mapcount,
  reuseSwapPage,
  noUnmapGup,
  earlyDecow,
  forcedGupBreak,
  pageCount,
  pageCountRefined,
  anonExclusive,
  order0Copy,
  tableScan,
  mmId,
  onDemandFork,
  cowPteOwner,
  cowPteAccounted,
  clairvoyant,
] as readonly PolicyDefinition[]
