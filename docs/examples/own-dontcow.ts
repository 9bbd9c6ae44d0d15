/**
 * own-dontcow: Nick Piggin's PG_dontcow of 2009 as a file of one's own, with a bit that the program knows nothing of.
 *
 * Models  early-decow, decision for decision: a test holds all counts of both equal. GUP marks what it touches for as
 *         long as the page lives, and fork copies what is marked.
 */
import {
  definePolicy,
  GUP_BREAK_COW,
  GUP_TAKE,
  hooksOf,
  type Kernel,
  ownPageBits,
} from 'cowbench'

const DONTCOW = 1

const marked = (k: Kernel, pfn: number): boolean => ownPageBits(k, pfn) === DONTCOW

export default definePolicy({
  name: 'own-dontcow',
  api: 1,
  summary: 'PG_dontcow, from a file',
  era: 'proposal 2009',
  kernel: '5.6',
  lacks: ['thp'],
  hooks: () => ({
    copiesHuge: true,
    asksEveryFork: true,
    gupSlowBreaksCow: true,
    forkCopyProtects: true,
    // A page flag: of the whole folio, and gone when swap has taken the page away and brings it back in another frame.
    pageBits: { width: 1, perFolio: true, taken: () => DONTCOW, readIn: () => 0 },
    wpReuse: hooksOf('early-decow').wpReuse,
    forkCopies: marked,
    gupFastRefuses: (k, pfn) => !marked(k, pfn),
    gupRead: (k, pfn) => (marked(k, pfn) ? GUP_TAKE : GUP_BREAK_COW),
    gupReadNotAnon: () => GUP_BREAK_COW,
  }),
})
