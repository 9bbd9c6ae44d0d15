/** The failures of the past, found from scratch: no seed, no list of them, only small worlds and what may happen there. */
import { availableParallelism } from 'node:os'
import { describe, expect, test } from 'vitest'
import { meets } from '../litmus/expect.ts'
import { parseLitmus } from '../litmus/parse.ts'
import { replay } from './counterexample.ts'
import { EVERY_MODEL, MODELS, type Model } from './models.ts'
import { type ModelResult, type SearchOptions, search } from './search.ts'
import { settingsOf } from './thread.ts'

function searchFor(
  policy: string,
  model: string,
  options: Partial<SearchOptions> & { depth: number },
) {
  return search({
    ...{ name: policy, subject: { policy, params: {}, swapDisk: false } },
    models: MODELS.filter(({ name }) => name === model),
    depthOf: () => options.depth,
    ...{
      goal: 'violation',
      every: true,
      memory: 2 ** 30,
      jobs: Math.min(2, availableParallelism()),
    },
    ...options,
  })
}

async function findingsIn(policy: string, model: string, depth: number) {
  const [result] = await searchFor(policy, model, { depth })
  return (result as ModelResult).counterexamples
}

/** What is looked for: words of the sentence, what happens in between, and how many operations it takes. */
const KNOWN = [
  // I-01: fill, fork, vmsplice, unmap or store, store, look into the pipe.
  ['I-01', 'mapcount', 'fork-pin', 'leak: the pipe held by', 'fork', 6],
  ['I-01', 'reuse-swap-page', 'fork-pin', 'leak: the pipe held by', 'fork', 6],
  // I-07: pin (which fills the page), fork, store, look into the buffer.
  ['I-07', 'reuse-swap-page', 'fork-pin', 'lost_coherence: the DMA buffer', 'fork', 4],
  // I-09 to I-14: pin, take the write bit away, store, look.
  ['I-09', 'page-count', 'protect', 'lost_coherence: the O_DIRECT buffer', 'clearrefs', 4],
  ['I-09', 'page-count-refined', 'protect', 'lost_coherence: the O_DIRECT buffer', 'clearrefs', 4],
  ['I-10', 'page-count-refined', 'swap', 'lost_coherence: the O_DIRECT buffer', 'swapout', 4],
  [
    'I-10',
    'page-count-refined',
    'writeback',
    'lost_coherence: the O_DIRECT buffer',
    'writeback',
    4,
  ],
  ['I-11', 'page-count', 'writeback', 'lost_coherence: the O_DIRECT buffer', 'writeback', 5],
  ['I-11', 'page-count', 'swap', 'lost_coherence: the O_DIRECT buffer', 'swapout', 5],
  ['I-13', 'page-count', 'protect', 'lost_coherence: the DMA buffer', 'mprotect A buf[0] rw', 5],
  ['I-13', 'page-count-refined', 'protect', 'lost_coherence: the DMA buffer', 'buf[0] rw', 5],
  ['I-14', 'page-count', 'protect', 'lost_coherence: the DMA buffer', 'uffdwp', 4],
  ['I-14', 'page-count-refined', 'protect', 'lost_coherence: the DMA buffer', 'uffdwp', 4],
  // I-18, I-19: read-only pins: of the zero page: pin, store, look.
  ['I-19', 'page-count', 'fork-pin', 'lost_coherence: the read-only DMA buffer', 'ropin', 3],
  // I-31: (fill,) fork, pin for writing below the shared table, the device stores, the relative loads.
  ['I-31', 'on-demand-fork', 'tables', 'shows what a device of A stored', 'pin', 4],
  ['I-31', 'cow-pte-owner', 'tables', 'shows what a device of A stored', 'pin', 5],
  // Piggin, 2009: between reclaim's test and its unmap. I-12: the same, between the test for pins and the unmap.
  ['race', 'no-unmap-gup', 'race', 'lost_coherence: the O_DIRECT buffer', 'begin T1 swapout', 11],
  ['I-12', 'page-count', 'race', 'lost_coherence: the DMA buffer', 'begin T1 swapout', 12],
  ['I-12', 'page-count-refined', 'race', 'lost_coherence: the DMA buffer', 'begin T1 swapout', 11],
] as const

describe('a failure of the past is found from scratch, by its shortest story', () => {
  test.each(KNOWN)('%s in %s', async (_id, policy, model, words, happens, operations) => {
    const findings = await findingsIn(policy, model, operations - 1)
    const found = findings.find(
      ({ sentence, cow }) => sentence.includes(words) && cow.includes(happens),
    )
    expect(found?.operations).toBe(operations)
    // One action less, and it is not there.
    const shorter = operations > 2 ? await findingsIn(policy, model, operations - 2) : []
    expect(
      shorter.some(({ sentence, cow }) => sentence.includes(words) && cow.includes(happens)),
    ).toBe(false)
    // The file says what it will show, and shows it.
    const test = parseLitmus(found?.cow ?? '', 'found.cow')
    const settings = await settingsOf({ policy, params: {}, swapDisk: false })
    for (const { operation, outcome, flags } of replay(settings, test).results) {
      for (const expectation of operation.expectations) {
        expect(meets(expectation, outcome, flags)).toBe(true)
      }
    }
  })
})

// I-10: reuse_swap_page() at swap-in counts mappings and swap entries, and writeback, at whose end alone it may give the
// swapcache up, does not begin on a page that a device holds.
test.each(['swap', 'writeback'])(
  'what O_DIRECT holds is stored to in place after swap-out in page-count (%s)',
  async (model) => {
    const findings = await findingsIn('page-count', model, 4)
    const lost = findings.filter(({ sentence }) =>
      sentence.includes('lost_coherence: the O_DIRECT'),
    )
    // What is lost is lost by a load first (I-11).
    expect(lost.map(({ cow }) => cow.includes('read A buf[0]'))).toEqual([true])
  },
)

/**
 * States of each model to depth 4 (union: 3; races: 5), in the order of MODELS: all that one more action leads to is
 * looked at, and not kept.
 */
const NOTHING = {
  'anon-exclusive': [724, 2010, 844, 3832, 1040, 2109, 8737, 4779, 419, 371, 3809],
  'mm-id': [554, 1522, 630, 2143, 1033, 1562, 4701, 3792, 273, 344, 2577],
  clairvoyant: [552, 1514, 656, 2144, 1028, 1552, 4814, 3833, 273, 344, 2588],
} as const

test.each(Object.entries(NOTHING))('nothing is found in %s', async (policy, states) => {
  const results = await search({
    ...{ name: policy, subject: { policy, params: {}, swapDisk: false }, models: MODELS },
    depthOf: ({ deeper }: Model) => 5 + Math.sign(deeper),
    ...{ goal: 'violation', every: true, memory: 2 ** 30, jobs: 2 },
  })
  expect(results.flatMap(({ counterexamples }) => counterexamples)).toEqual([])
  expect(results.map((result) => result.states)).toEqual(states)
})

test('no policy keeps what MADV_FREE and reclaim lose on 6.18', async () => {
  const [result] = await search({
    ...{ name: 'clairvoyant', subject: { policy: 'clairvoyant', params: {}, swapDisk: false } },
    models: EVERY_MODEL.filter(({ name }) => name === 'lazyfree'),
    ...{ depthOf: () => 6, goal: 'violation', every: true, memory: 2 ** 30, jobs: 1 },
  })
  expect(result?.counterexamples.map(({ operations, sentence }) => [operations, sentence])).toEqual(
    [
      [6, expect.stringMatching(/^lost_coherence: A's load .* no verdict led to it$/)],
      [7, expect.stringMatching(/^lost_write: [AB]'s load .* no verdict led to it$/)],
    ],
  )
})

test('what a smaller model showed is not told again: one finding of each kind over all models', async () => {
  const inAll = (models: readonly string[]) =>
    search({
      ...{ name: 'mapcount', subject: { policy: 'mapcount', params: {}, swapDisk: false } },
      ...{ models: MODELS.filter(({ name }) => models.includes(name)), depthOf: () => 5 },
      ...{ goal: 'violation', every: true, memory: 2 ** 30, jobs: 2 },
    })
  const cows = (result?: ModelResult) => (result?.counterexamples ?? []).map(({ cow }) => cow)
  const [small, large] = await inAll(['fork-pin', 'family'])
  const [alone] = await inAll(['family'])
  // family does what fork-pin does, with a process and a pin more, and swap-out.
  expect([small, large, alone].map((result) => [cows(result).length, result?.known])).toEqual([
    ...[
      [6, 0],
      [3, 5],
      [8, 0],
    ],
  ])
  expect(cows(alone)).toEqual(expect.arrayContaining(cows(large)))
  // A huge page is asked about in questions of its own.
  const [, thp] = await inAll(['fork-pin', 'thp'])
  expect(thp?.known).toBe(0)
  expect(cows(thp).join()).toContain('do_huge_pmd_wp_page on page 0 answered reuse')
})

test('a search that runs out of memory says how far it came', async () => {
  const [result] = await searchFor('mm-id', 'union', { depth: 6, memory: 2 ** 24 })
  expect(result?.stopped).toBe('memory')
  expect(result?.depth).toBeGreaterThanOrEqual(3)
  expect(result?.bytes).toBeLessThan(2 ** 26)
})

test('the shortest copy that nobody needed is found', async () => {
  const results = await searchFor('page-count', 'swap', {
    depth: 5,
    goal: 'missed-reuse',
    every: false,
  })
  // Liang Zhang's report, I-21: fill, out, in by a load, store.
  const [found] = results[0]?.counterexamples ?? []
  expect(found?.operations).toBe(4)
  expect(found?.sentence).toMatch(
    /^missed_reuse: `write A buf\[0\]` copies what nobody but A could/,
  )
})

test.each([
  ['mm-id', MODELS, 'union'],
  // The last is a race of forks then, in which nothing is swapped out.
  ['no-unmap-gup', MODELS.filter(({ thp }) => !thp), 'ksm'],
  ['mm-id', MODELS.filter(({ name }) => /race|protect|writeback/.test(name)), 'protect'],
] as const)(
  'random sequences of %s are drawn in the widest model',
  async (name, models, widest) => {
    const told: string[] = []
    const results = await search({
      ...{ name, subject: { policy: name, params: {}, swapDisk: false }, models },
      ...{ depthOf: () => 1, goal: 'violation', every: false, memory: 2 ** 30, jobs: 2 },
      ...{ random: { seconds: 0.2, seed: 1 }, drawing: (model) => told.push(model.name) },
    })
    expect(results.filter(({ random }) => random).map(({ model }) => model.name)).toEqual([widest])
    expect(told).toEqual([widest])
  },
)
