/** What each policy answers of hand-made pages, by the kernel sources that its header names. */
import { describe, expect, test } from 'vitest'
import {
  AFTER_CLEAR,
  BEFORE_SWAPCACHE,
  BEFORE_UNMAP,
  COPY,
  COPY_KSM,
  COPY_LARGE,
  COPY_LRU_BATCH,
  COPY_MAPPED,
  COPY_REFERENCED,
  COPY_SHARED_MM,
  COPY_SWAPCACHE,
  GUP_BREAK_COW,
  GUP_TAKE,
  GUP_UNSHARE,
  type Kernel,
  type Policy,
  REUSE,
  REUSE_EXCLUSIVE,
  REUSE_FREE_SWAP,
  REUSE_LARGE,
} from '../src/policy/api.ts'
import { policyWith } from '../src/run.ts'
import { type PageState, pageIn } from '../src/test/page-state.ts'
import { POLICIES } from './index.ts'

/** One letter for each verdict, so that a policy's answers fit in a line. Capitals copy. */
const LETTERS: Readonly<Record<string, number>> = {
  r: REUSE,
  x: REUSE_EXCLUSIVE,
  l: REUSE_LARGE,
  s: REUSE_FREE_SWAP,
  C: COPY,
  K: COPY_KSM,
  M: COPY_MAPPED,
  N: COPY_REFERENCED,
  B: COPY_LRU_BATCH,
  S: COPY_SWAPCACHE,
  L: COPY_LARGE,
  O: COPY_SHARED_MM,
}

type Answers = Readonly<Record<string, string>>
type Hook = 'wpReuse' | 'wpReuseLarge' | 'pmdReuse' | 'swapinReuse'
type States = Readonly<Record<string, PageState>>

const policies: readonly Policy[] = POLICIES.map((definition) => policyWith(definition, {}))

function named(name: string): Policy {
  return policies.find((policy) => policy.name === name) as Policy
}

function verdicts(policy: Policy, hook: Hook, states: States): string {
  const letters = Object.entries(LETTERS)
  const answers = Object.values(states).map((state) => {
    const { k, pfn } = pageIn(state)
    const verdict = policy[hook](k, pfn)
    return letters.find(([, code]) => code === verdict)?.[0] ?? '?'
  })
  return answers.join(' ')
}

/** Names of the policies whose hook answers `answer` about a page in this state. */
function answering<T>(state: PageState, ask: (p: Policy, k: Kernel, pfn: number) => T, answer: T) {
  const { k, pfn } = pageIn(state)
  return policies.filter((p) => ask(p, k, pfn) === answer).map(({ name }) => name)
}

function tabulate(hook: Hook, states: States, expected: Answers): void {
  test('is asked of every policy that meets such pages', () => {
    const skipped = POLICIES.filter(({ lacks }) => hook !== 'wpReuse' && lacks.includes('thp'))
    const missing = hook === 'swapinReuse' ? [] : skipped.map(({ name }) => name)
    expect([...Object.keys(expected), ...missing].sort()).toEqual(
      POLICIES.map(({ name }) => name).sort(),
    )
  })
  test.each(Object.entries(expected))(`%s: ${Object.keys(states).join(', ')}`, (name, answers) => {
    expect(verdicts(named(name), hook, states)).toBe(answers)
  })
}

describe('a store to a read-only entry of an order-0 page', () => {
  const states: States = {
    'its own': {},
    'shared by fork': { mapped: [2] },
    'in the LRU batch': { batch: true },
    'in the swapcache': { cached: true },
    'in the swapcache, one more entry': { entries: 1 },
    'a passing reference': { refs: 1 },
    pinned: { pins: 1, pinnedBy: 0 },
    'exclusive, pinned and in the batch': { exclusive: true, pins: 1, batch: true },
    KSM: { ksm: true },
  }
  // One answer for each state, in that order.
  const reuseSwapPage = 'r M r s M r r r K'
  const exclusive = 'r N B S S N N x K'
  tabulate('wpReuse', states, {
    'always-copy': 'C C C C C C C C C',
    // Neither entries in swap nor references are mappings.
    mapcount: 'r M r r r r r r K',
    'reuse-swap-page': reuseSwapPage,
    // count + page_count is 2 only where nothing but the mapping, and the swapcache that is given up, refers to it.
    'no-unmap-gup': 'r M N s M N N N K',
    'early-decow': reuseSwapPage,
    'forced-gup-break': reuseSwapPage,
    'page-count': 'r N N N N N N N K',
    // The batch is drained and the swapcache freed before these two answers stand.
    'page-count-refined': 'r N B S S N N N K',
    'anon-exclusive': exclusive,
    'order0-copy': exclusive,
    'table-scan': exclusive,
    'mm-id': exclusive,
    'on-demand-fork': reuseSwapPage,
    'cow-pte-owner': exclusive,
    'cow-pte-accounted': exclusive,
    // Its own pins, the kernel's references and the last mapping of a KSM page are no other user.
    clairvoyant: 'r N r s N r r r r',
  })
})

describe('a store to a read-only entry of a page of a large folio', () => {
  const states: States = {
    'one owner': { mapped: [1, 1, 1, 1] },
    'shared by fork': { mapped: [2, 2, 2, 2], mmIdsShared: true },
    'another page shared': { mapped: [1, 1, 1, 2], mmIdsShared: true },
    'one mapping left': { mapped: [1, 0, 0, 0] },
    'one owner and a reference': { mapped: [1, 1, 1, 1], refs: 1 },
    'one owner, in the swapcache': { mapped: [1, 1, 1, 1], cached: true },
    'one owner, whom nobody tracks': { mapped: [1, 1, 1, 1], mmIdsShared: true },
    'exclusive, shared elsewhere': { mapped: [1, 1, 1, 2], exclusive: true, mmIdsShared: true },
  }
  const reuseSwapPage = 'r M M r r s r M'
  // The folio's references, four of them where each page is mapped once, are more than three.
  const references = 'N N N r N N N x'
  const byOwner = 'l O O L N S O x'
  tabulate('wpReuseLarge', states, {
    'always-copy': 'C C C C C C C C',
    // The mapcount of the very page.
    mapcount: 'r M r r r r r r',
    // The most shared page speaks for all.
    'reuse-swap-page': reuseSwapPage,
    'forced-gup-break': reuseSwapPage,
    'page-count': 'N N N r N N N N',
    'page-count-refined': 'N N N r N N N N',
    'anon-exclusive': references,
    'order0-copy': 'L L L L L L L x',
    // All references must be entries of this one table; of whom does not matter.
    'table-scan': 'l L L l L S l x',
    // With one mapping left the copy frees the folio; a third mm's mappings leave the SHARED bit.
    'mm-id': byOwner,
    'on-demand-fork': reuseSwapPage,
    'cow-pte-owner': references,
    'cow-pte-accounted': byOwner,
    clairvoyant: 'r N r r r s r r',
  })
})

describe('a store to a read-only huge mapping', () => {
  const states: States = {
    'mapped once': { huge: 1 },
    'shared by fork': { huge: 2 },
    'a passing reference': { huge: 1, refs: 1 },
    'in the swapcache': { huge: 1, cached: true },
    'exclusive and pinned': { huge: 1, exclusive: true, pins: 1 },
  }
  const reuseSwapPage = 'r M r s r'
  const exclusive = 'r N N S x'
  tabulate('pmdReuse', states, {
    'always-copy': 'C C C C C',
    mapcount: 'r M r r r',
    'reuse-swap-page': reuseSwapPage,
    'forced-gup-break': reuseSwapPage,
    // The hybrid: until 5.17 only the PTE fault counted references.
    'page-count': reuseSwapPage,
    'page-count-refined': 'r N N S N',
    'anon-exclusive': exclusive,
    'order0-copy': exclusive,
    'table-scan': exclusive,
    'mm-id': exclusive,
    'on-demand-fork': reuseSwapPage,
    'cow-pte-owner': exclusive,
    'cow-pte-accounted': exclusive,
    clairvoyant: 'r N r s r',
  })
})

describe('a swap-in for a store, while the entry still counts', () => {
  const states: States = {
    'past the swapcache': { mapped: [0] },
    'the only entry': { mapped: [0], entries: 1 },
    'one more entry': { mapped: [0], entries: 2 },
    'mapped by another': { mapped: [1], entries: 1 },
    'held by a reference': { mapped: [0], entries: 1, refs: 1 },
    'a KSM page': { mapped: [0], entries: 1, ksm: true },
  }
  const reuseSwapPage = 'r s M M s K'
  const asked: Answers = {
    'always-copy': 'C C C C C C',
    // What other entries name cannot be seen: this is what the swap count is for.
    mapcount: 'r r r M r K',
    'reuse-swap-page': reuseSwapPage,
    // 1 for the entry and 1 for the fault's own reference; any other makes three.
    'no-unmap-gup': 'r s M M N K',
    'early-decow': reuseSwapPage,
    'forced-gup-break': reuseSwapPage,
    'page-count': reuseSwapPage,
    'on-demand-fork': reuseSwapPage,
    clairvoyant: 'r s N N s s',
  }
  test.each(Object.entries(asked))(`%s: ${Object.keys(states).join(', ')}`, (name, answers) => {
    expect(verdicts(named(name), 'swapinReuse', states)).toBe(answers)
  })
})

describe('a swap-in since 5.18, when the entry has been given back', () => {
  const states: States = {
    'never in the swapcache': { mapped: [0], swapExclusive: true },
    'in the swapcache, marked exclusive': { mapped: [0], cached: true, swapExclusive: true },
    'in the swapcache': { mapped: [0], cached: true },
    'taken out of the swapcache': { mapped: [0] },
    'taken out, and mapped by another': { mapped: [1] },
    'taken out, and in the batch': { mapped: [0], batch: true },
    'a KSM page': { mapped: [0], ksm: true, swapExclusive: true },
  }
  const since = policies.filter(({ freesSwapCache }) => freesSwapCache).map(({ name }) => name)

  test('is what seven policies do', () => {
    expect(since).toEqual([
      'page-count-refined',
      'anon-exclusive',
      'order0-copy',
      'table-scan',
      'mm-id',
      'cow-pte-owner',
      'cow-pte-accounted',
    ])
  })

  test.each(since)(`%s: ${Object.keys(states).join(', ')}`, (name) => {
    expect(verdicts(named(name), 'swapinReuse', states)).toBe('r r N r N N K')
  })
})

const EXCLUSIVE = [
  'anon-exclusive',
  'order0-copy',
  'table-scan',
  'mm-id',
  'cow-pte-owner',
  'cow-pte-accounted',
]
const COUNTING = ['page-count', 'page-count-refined']

describe('fork', () => {
  const copies = (state: PageState): string[] =>
    answering(state, (p, k, pfn) => p.forkCopies(k, pfn), true)

  test('copies a pinned page for the child from 5.9 on', () => {
    const state = { pins: 1, exclusive: true, hasPinned: true }
    expect(copies(state)).toEqual([...COUNTING, ...EXCLUSIVE])
  })

  test('shares on what is shared already, pinned or not, where exclusivity is tracked', () => {
    expect(copies({ pins: 1, hasPinned: true })).toEqual(COUNTING)
  })

  test('asks only processes that ever used FOLL_PIN', () => {
    expect(copies({ pins: 1, exclusive: true })).toEqual([])
  })

  test('takes 1,024 references for a pin', () => {
    // The mapping is the 1,024th.
    expect(copies({ refs: 1022, exclusive: true, hasPinned: true })).toEqual([])
    expect(copies({ refs: 1023, exclusive: true, hasPinned: true })).toEqual([
      ...COUNTING,
      ...EXCLUSIVE,
    ])
  })

  test('counts the pins of a large folio exactly', () => {
    const mapped = [1, 1, 1, 1]
    expect(copies({ mapped, refs: 4000, exclusive: true, hasPinned: true })).toEqual([])
    expect(copies({ mapped, pins: 1, exclusive: true, hasPinned: true })).toEqual([
      ...COUNTING,
      ...EXCLUSIVE,
    ])
  })

  test('copies what GUP has marked, in the proposal of 2009', () => {
    expect(copies({ dontcow: true })).toEqual(['early-decow'])
  })

  test("copies the process's own promised pins, and no other's, for clairvoyant", () => {
    expect(copies({ pinnedBy: 0 })).toEqual(['clairvoyant'])
    expect(copies({ pinnedBy: 1 })).toEqual([])
  })
})

describe('a reference without FOLL_WRITE', () => {
  const answers = (state: PageState, follPin: boolean, answer: number): string[] =>
    answering(state, (p, k, pfn) => p.gupRead(k, pfn, follPin), answer)
  const breakers = ['early-decow', 'forced-gup-break', 'on-demand-fork']

  test('breaks COW in 5.8 and its relatives, whatever its kind', () => {
    expect(answers({ mapped: [2] }, false, GUP_BREAK_COW)).toEqual(breakers)
    expect(answers({ mapped: [2] }, true, GUP_BREAK_COW)).toEqual(breakers)
    // 2009: a page that is marked was the process's own when it was marked.
    expect(answers({ dontcow: true }, false, GUP_TAKE)).toContain('early-decow')
  })

  test('unshares for FOLL_PIN, never for FOLL_GET, where pins must be reliable', () => {
    const unsharers = ['always-copy', ...EXCLUSIVE, 'clairvoyant']
    expect(answers({ mapped: [2] }, true, GUP_UNSHARE)).toEqual(unsharers)
    expect(answers({ mapped: [2] }, false, GUP_UNSHARE)).toEqual([])
  })

  test('takes a page of its own as it is', () => {
    expect(answers({ exclusive: true }, true, GUP_UNSHARE)).toEqual(['always-copy'])
  })

  test('unshares page cache and zero page for FOLL_LONGTERM from 6.2 on', () => {
    const unshare = answering({}, (p, k, pfn) => p.gupReadNotAnon(k, pfn, true), GUP_UNSHARE)
    const since6_2 = EXCLUSIVE.filter((name) => name !== 'cow-pte-owner')
    expect(unshare).toEqual(['always-copy', ...since6_2, 'clairvoyant'])
  })
})

describe('reclaim', () => {
  const refuses = (state: PageState, stage: number): string[] =>
    answering(state, (p, k, pfn) => p.reclaimRefuses(k, pfn, stage), true)

  test('keeps a pinned page out of the swapcache from 5.11 on', () => {
    const spared = [...COUNTING, ...EXCLUSIVE, 'clairvoyant']
    expect(refuses({ pinnedBy: 1 }, BEFORE_SWAPCACHE)).toEqual(spared)
    expect(refuses({ refs: 1 }, BEFORE_SWAPCACHE)).toEqual([])
  })

  test('asks again when the entry is cleared where exclusivity is tracked', () => {
    // refs: the isolation of whoever reclaims.
    const state = { pins: 1, refs: 1, cached: true }
    expect(refuses({ ...state, exclusive: true }, BEFORE_UNMAP)).toEqual([
      'no-unmap-gup',
      'clairvoyant',
    ])
    expect(refuses({ ...state, exclusive: true }, AFTER_CLEAR)).toEqual([
      ...EXCLUSIVE,
      'clairvoyant',
    ])
    expect(refuses(state, AFTER_CLEAR)).toEqual(['clairvoyant'])
  })

  test('asks a second time in the corrected proposal of 2009', () => {
    const definition = POLICIES.find(({ name }) => name === 'no-unmap-gup')
    if (definition === undefined) throw new Error('no-unmap-gup is gone')
    const corrected = policyWith(definition, { recheckAfterClear: true })
    const { k, pfn } = pageIn({ refs: 2, cached: true })
    expect(corrected.reclaimRefuses(k, pfn, AFTER_CLEAR)).toBe(true)
  })

  test('expects the swapcache and itself, and no one else, in the proposal of 2009', () => {
    expect(refuses({ refs: 1, cached: true }, BEFORE_UNMAP)).toEqual([])
    expect(refuses({ refs: 2, cached: true }, BEFORE_UNMAP)).toEqual(['no-unmap-gup'])
  })

  test('did not ask in 5.9', () => {
    const definition = POLICIES.find(({ name }) => name === 'page-count')
    if (definition === undefined) throw new Error('page-count is gone')
    const early = policyWith(definition, { reclaimPin: false, clearRefsPin: false })
    const { k, pfn } = pageIn({ pins: 1, hasPinned: true })
    expect(early.reclaimRefuses(k, pfn, BEFORE_SWAPCACHE)).toBe(false)
    expect(early.clearRefsSkips(k, pfn)).toBe(false)
  })
})

describe('write protection', () => {
  test('of clear_refs spares pinned pages from 5.11 on', () => {
    const skips = (state: PageState): string[] =>
      answering(state, (p, k, pfn) => p.clearRefsSkips(k, pfn), true)
    expect(skips({ pins: 1, hasPinned: true })).toEqual([...COUNTING, ...EXCLUSIVE])
    expect(skips({ pins: 1 })).toEqual([])
    expect(skips({ hasPinned: true })).toEqual([])
  })

  test('is taken back by mprotect for dirty exclusive pages in 6.0, for any since 6.2', () => {
    const upgrades = (state: PageState, dirty: boolean): string[] =>
      answering(state, (p, k, pfn) => p.upgradesPte(k, pfn, dirty), true)
    const any = ['order0-copy', 'table-scan', 'mm-id', 'cow-pte-accounted']
    expect(upgrades({ exclusive: true }, true)).toEqual(EXCLUSIVE)
    expect(upgrades({ exclusive: true }, false)).toEqual(any)
    expect(upgrades({}, true)).toEqual([])
    const huge = { huge: 1, exclusive: true }
    expect(answering(huge, (p, k, pfn) => p.upgradesPmd(k, pfn, true), true)).toEqual(any)
  })
})
