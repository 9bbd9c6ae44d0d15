/**
 * plug-in: what `cowbench` is to a policy or workload file that is loaded by path: the library, with predicates that
 * look inside the view that such a file is given for the kernel.
 */
import * as whole from './hooks-of.ts'
import * as api from './policy/api.ts'
import { isPinnedOnly } from './policy/pinned-only.ts'
import { ofPage, ofView } from './policy/view.ts'

export * from './index.ts'

export const pageCount = ofPage(api.pageCount)
export const pageMapcount = ofPage(api.pageMapcount)
export const pageKsm = ofPage(api.pageKsm)
export const pageSwapCache = ofPage(api.pageSwapCache)
export const pageWriteback = ofPage(api.pageWriteback)
export const pageUnderStableWriteback = ofPage(api.pageUnderStableWriteback)
export const pageInLruBatch = ofPage(api.pageInLruBatch)
export const pageAnonExclusive = ofPage(api.pageAnonExclusive)
export const pageDontCow = ofPage(api.pageDontCow)
export const folioPages = ofPage(api.folioPages)
export const pageMaybeDmaPinned = ofPage(api.pageMaybeDmaPinned)
export const mmHasPinned = ofView(api.mmHasPinned)
export const pageNeedsCowForDma = ofPage(api.pageNeedsCowForDma)
export const swapExclusive = ofView(api.swapExclusive)
export const swapCount = ofPage(api.swapCount)
export const otherPagesInSwap = ofPage(api.otherPagesInSwap)
export const mapAndSwapCount = ofPage(api.mapAndSwapCount)
export const mapCountOfMostShared = ofPage(api.mapCountOfMostShared)
export const folioLargeMapcount = ofPage(api.folioLargeMapcount)
export const folioMmIdsShared = ofPage(api.folioMmIdsShared)
export const tableMappingsOfFolio = ofPage(api.tableMappingsOfFolio)
export const ownPageBits = ofPage(api.ownPageBits)
export const ownMmBits = ofView(api.ownMmBits)
export const soleUser = ofPage(api.soleUser)
export const promisedPin = ofPage(api.promisedPin)
export const pinnedByAnyone = ofPage(api.pinnedByAnyone)

/** The same hooks, for a view: a hook reads the kernel as a predicate does. */
export const hooksOf: typeof whole.hooksOf = (name, values) => {
  const given = whole.hooksOf(name, values)
  const hooks = Object.entries(given).map(([id, hook]) => [
    id,
    typeof hook === 'function' ? ofView(hook as never) : hook,
  ])
  const viewed = Object.fromEntries(hooks) as api.GivenHooks
  if (given.forkCopies && viewed.forkCopies && isPinnedOnly(given.forkCopies)) {
    api.pinnedOnly(viewed.forkCopies)
  }
  return viewed
}
