/**
 * exchange.test: pins, devices and owners in turn, which the engine takes in one loop, end as they do step by step.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { POLICIES } from '../../policies/index.ts'
import { PINS } from '../test/random-trace.ts'
import { RW } from '../test/scene.ts'
import { heap, state, stepByStep, whole, written } from '../test/whole-or-steps.ts'
import { MADV_DONTNEED, PROT_READ } from '../trace/ops.ts'
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
