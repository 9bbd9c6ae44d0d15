/**
 * ksm-merge: equal pages are merged, shared by fork, and written apart again.
 *
 * Models  A virtual machine monitor whose guest memory holds the same contents many times: MADV_MERGEABLE, KSM merges,
 *         the monitor forks helpers that read, both sides store, and in the next round the contents are equal again.
 * Asks    A merged page is shared without any fork and without raising the reference count. Is it ever written in
 *         place while others map it, and who may take it when only one mapping is left?
 * Expect  No policy breaks a promise. Up to 5.8 (reuse-swap-page, forced-gup-break) the last mapper of a merged page
 *         writes in place; from 5.9 on each store to a merged page copies, which for the last mapper is spurious.
 */
import {
  AddressSpace,
  defineWorkload,
  int,
  loadAll,
  MADV_MERGEABLE,
  MAP_PRIVATE_ANON,
  PROT_RW,
  storeAll,
} from '../src/workload/api.ts'

export default defineWorkload({
  name: 'ksm-merge',
  summary: 'KSM merges equal pages, fork shares them, stores take them apart',
  params: {
    pages: int(2048, 2, 1 << 18, 'mergeable memory, in pages'),
    contents: int(128, 1, 1 << 18, 'different contents among them'),
    rounds: int(12, 1, 10_000, 'times that the memory is merged and written apart'),
    children: int(2, 0, 64, 'children forked after each merge'),
  },
  needs: () => ['ksm'],

  generate(t, rng, p) {
    const memory = new AddressSpace().area(p.pages)
    const mm = t.spawn()
    t.mmap(mm, memory, p.pages, MAP_PRIVATE_ANON, PROT_RW)
    t.madvise(mm, memory, p.pages, MADV_MERGEABLE)

    for (let round = 0; round < p.rounds; round++) {
      const pages = rng.permutation(p.pages)
      for (let content = 0; content < p.contents; content++) {
        const equal = []
        for (let i = content; i < p.pages; i += p.contents) equal.push(memory + pages[i]!)
        t.storeSame(mm, equal)
      }
      t.ksmWait()

      const children = Array.from({ length: p.children }, () => t.fork(mm))
      for (const child of children) {
        loadAll(t, child, memory, p.pages)
        for (let i = 0; i < p.pages >> 2; i++) t.store(child, memory + rng.below(p.pages))
      }
      for (let i = 0; i < p.pages >> 1; i++) t.store(mm, memory + rng.below(p.pages))
      for (const child of children) {
        loadAll(t, child, memory, p.pages)
        t.exit(child)
      }
      storeAll(t, mm, memory, p.pages)
    }
    t.exit(mm)
  },
})
