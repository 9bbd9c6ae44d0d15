/**
 * plug-in: what `cowbench` is to a policy or workload file that is loaded by path: the library, with predicates that
 * look inside the view that such a file is given for the kernel.
 */
import * as whole from './hooks-of.ts'
import * as api from './policy/api.ts'
import { isPinnedOnly } from './policy/pinned-only.ts'
import { ofView } from './policy/view.ts'

export * from './index.ts'

export const pageCount = ofView(api.pageCount)
export const pageMapcount = ofView(api.pageMapcount)
export const pageKsm = ofView(api.pageKsm)
export const pageSwapCache = ofView(api.pageSwapCache)
export const pageUnderStableWriteback = ofView(api.pageUnderStableWriteback)
export const pageInLruBatch = ofView(api.pageInLruBatch)
export const pageAnonExclusive = ofView(api.pageAnonExclusive)
export const pageDontCow = ofView(api.pageDontCow)
export const folioPages = ofView(api.folioPages)
export const pageMaybeDmaPinned = ofView(api.pageMaybeDmaPinned)
export const mmHasPinned = ofView(api.mmHasPinned)
export const pageNeedsCowForDma = ofView(api.pageNeedsCowForDma)
export const swapExclusive = ofView(api.swapExclusive)
export const swapCount = ofView(api.swapCount)
export const mapAndSwapCount = ofView(api.mapAndSwapCount)
export const mapCountOfMostShared = ofView(api.mapCountOfMostShared)
export const folioLargeMapcount = ofView(api.folioLargeMapcount)
export const folioMmIdsShared = ofView(api.folioMmIdsShared)
export const tableMappingsOfFolio = ofView(api.tableMappingsOfFolio)
export const ownPageBits = ofView(api.ownPageBits)
export const ownMmBits = ofView(api.ownMmBits)
export const soleUser = ofView(api.soleUser)
export const promisedPin = ofView(api.promisedPin)
export const pinnedByAnyone = ofView(api.pinnedByAnyone)

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
