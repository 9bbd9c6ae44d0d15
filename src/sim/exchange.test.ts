/**
 * exchange.test: pins, devices and owners in turn, which the engine takes in one loop, end as they do step by step.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { POLICIES } from '../../policies/index.ts'
import { PINS } from '../test/random-trace.ts'
import { RW } from '../test/scene.ts'
import { heap, state, stepByStep, whole, written } from '../test/whole-or-steps.ts'
import { MADV_DONTNEED, MAP_PRIVATE_ANON, PIN_DMAPIN, PIN_ROPIN, PROT_READ } from '../trace/ops.ts'
import type { Trace } from '../trace/trace.ts'

const SEED = 20_261_120
const PAGES = 40

const request = fc.record({
  who: fc.nat(9),
  vpn: fc.nat(PAGES - 8),
  pages: fc.integer({ min: 1, max: 8 }),
  kind: fc.constantFrom(...PINS),
  forkBefore: fc.boolean(),
  during: fc.constantFrom('nothing', 'fork', 'swapout', 'mprotect', 'exit', 'dontneed', 'mremap'),
  turns: fc.array(fc.record({ what: fc.nat(6), page: fc.nat(7) }), { maxLength: 12 }),
  unpins: fc.boolean(),
})

/** Requests of a few relatives, with some of their pins left in place. */
function exchanged(
  requests: readonly (typeof request extends fc.Arbitrary<infer T> ? T : never)[],
): Trace {
  return written((t) => {
    let alive = [heap(t, PAGES)]
    for (const { who, vpn, pages, kind, forkBefore, during, turns, unpins } of requests) {
      const mm = alive[who % alive.length] as number
      if (forkBefore && alive.length < 4) alive.push(t.fork(mm))
      const pin = t.pin(mm, vpn, pages, kind)
      if (during === 'fork' && alive.length < 4) alive.push(t.fork(mm))
      if (during === 'swapout') t.swapout(mm, vpn, pages)
      if (during === 'dontneed') t.madvise(mm, vpn, 1, MADV_DONTNEED)
      if (during === 'mremap') t.mremap(mm, vpn, 1, PAGES + vpn)
      if (during === 'mprotect') {
        t.mprotect(mm, vpn, pages, PROT_READ)
        t.mprotect(mm, vpn, pages, RW)
      }
      for (const { what, page } of turns) {
        const at = page % pages
        if (what === 0) t.devread(mm, pin, at)
        else if (what === 1) t.devwrite(mm, pin, at)
        else if (what === 2) t.load(mm, vpn + at)
        else if (what === 3) t.load(alive[page % alive.length] as number, vpn + at)
        else t.store(mm, during === 'mremap' && what === 6 ? PAGES + vpn : vpn + at)
      }
      if (during === 'exit' && alive.length > 1) {
        t.exit(mm)
        alive = alive.filter((other) => other !== mm)
      } else if (unpins) t.unpin(mm, pin)
    }
  })
}

test.each(POLICIES.map(({ name }) => name))('requests at random under %s', (policy) => {
  fc.assert(
    fc.property(fc.array(request, { minLength: 1, maxLength: 12 }), (requests) => {
      const trace = exchanged(requests)
      expect(state(whole(policy, trace))).toEqual(state(stepByStep(policy, trace)))
    }),
    { seed: SEED, numRuns: 60 },
  )
})

/** Of both runs of the trace under the policy. */
function both(policy: string, trace: Trace): object[] {
  return [state(whole(policy, trace)), state(stepByStep(policy, trace))]
}

test.each(['page-count', 'anon-exclusive', 'mm-id'])(
  'a pin meets pages of several kinds under %s',
  (policy) => {
    const [whole, steps] = both(
      policy,
      written((t) => {
        const mm = heap(t, 8)
        // Pages 0 to 3 are read-only and nobody else has them; page 2 has come back from swap, into the batch.
        t.exit(t.fork(mm))
        t.swapout(mm, 2, 1)
        t.load(mm, 2)
        t.pin(mm, 0, 4, PIN_DMAPIN)
        // Page 6 is shared.
        t.exit(t.fork(mm))
        t.store(mm, 4)
        t.fork(mm)
        t.store(mm, 5)
        t.pin(mm, 4, 4, PIN_ROPIN)
        t.pin(mm, 4, 4, PIN_DMAPIN)
      }),
    )
    expect(whole).toEqual(steps)
  },
)

test('what the owner does beside its pin in the next page table', () => {
  const [whole, steps] = both(
    'mm-id',
    written((t) => {
      const mm = t.spawn()
      t.mmap(mm, 0, 1024, MAP_PRIVATE_ANON, RW)
      // The second table comes before the first, behind which another process may store to whatever it has.
      for (const first of [512, 0]) for (let i = 0; i < 512; i++) t.store(mm, first + i)
      heap(t, 512)
      t.exit(t.fork(mm))
      const pin = t.pin(mm, 508, 4, PIN_DMAPIN)
      for (const vpn of [508, 511, 512, 515, 507, 3]) {
        t.load(mm, vpn)
        t.store(mm, vpn)
        t.devread(mm, pin, 3)
        t.devwrite(mm, pin, 3)
        t.load(mm, vpn)
      }
      // One that lies in two tables.
      const across = t.pin(mm, 510, 4, PIN_DMAPIN)
      for (let i = 0; i < 4; i++) {
        t.store(mm, 510 + i)
        t.devread(mm, across, i)
        t.devwrite(mm, across, i)
        t.load(mm, 510 + i)
      }
    }),
  )
  expect(whole).toEqual(steps)
})
