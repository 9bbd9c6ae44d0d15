/**
 * userfault.random.test: random operations on private and shared memory under userfaultfd and khugepaged. Every count adds
 * up after every event, the oracle says the same whether it sees every access or not, and no rule of the kernel's loses an
 * event that was not asked to be lost.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { POLICIES } from '../../policies/index.ts'
import { DEFAULT_PROFILE } from '../metrics/cost.ts'
import { simulate } from '../run.ts'
import {
  MADV_COLLAPSE,
  MADV_DONTNEED,
  MADV_HUGEPAGE,
  MADV_NOHUGEPAGE,
  MAP_PRIVATE_ANON,
  MAP_SHARED,
  PIN_DMAPIN,
  PIN_VMSPLICE,
  PROT_READ,
  PROT_WRITE,
} from '../trace/ops.ts'
import { SET_MAX_PTES_NONE, SET_MAX_PTES_SHARED, SET_MISSING_ANSWER } from '../trace/settings.ts'
import { type Trace, TraceWriter } from '../trace/trace.ts'

type Draw = readonly [step: number, mm: number, place: number, extent: number]

const RW = PROT_READ | PROT_WRITE
const PAGES = 512
/** Private memory, and two mappings of one object. */
const AREAS = [0, PAGES, 2 * PAGES] as const
const cost = DEFAULT_PROFILE
/** Fixed, so that a failure can be run again; fast-check prints the counterexample. */
const SEARCH = { seed: 20_210_922, numRuns: 60 }

/** A sequence of `draws`; `requests` lets processes ask for collapses of shared memory. */
function traceOf(draws: readonly Draw[], requests: boolean): Trace {
  const t = new TraceWriter()
  const living = [t.spawn()]
  const pins: { mm: number; id: number }[] = []
  AREAS.forEach((area, i) => {
    t.mmap(0, area, PAGES, i === 0 ? MAP_PRIVATE_ANON : MAP_SHARED, RW, 9, 7)
  })
  t.madvise(0, 0, PAGES, MADV_NOHUGEPAGE)
  for (let i = 0; i < PAGES; i++) if (i % 5 !== 0) t.store(0, (i % 2) * PAGES + i)
  t.madvise(0, 0, PAGES, MADV_HUGEPAGE)

  for (const [step, who, place, extent] of draws) {
    const mm = living[who % living.length] ?? 0
    const area = AREAS[place % AREAS.length] ?? 0
    const first = (place >> 2) % PAGES
    const vpn = area + first
    const pages = extent % 3 === 0 ? PAGES - first : 1 + (extent % Math.min(16, PAGES - first))
    switch (step) {
      case 0:
        t.store(mm, vpn)
        break
      case 1:
        t.load(mm, vpn)
        break
      case 2:
        for (let i = 0; i < pages; i++) t.store(mm, vpn + i)
        break
      case 3:
        for (let i = 0; i < pages; i++) t.load(mm, vpn + i)
        break
      case 4:
        t.uffdRegister(mm, extent % 2 === 0 ? area : vpn, extent % 2 === 0 ? PAGES : pages, who % 8)
        break
      case 5:
        t.uffdWp(mm, vpn, pages, place % 2 === 0)
        break
      case 6:
        t.uffdResolve(mm, vpn, pages, extent % 3)
        break
      case 7:
        t.khugepaged(mm, area, PAGES)
        break
      case 8:
        t.madvise(mm, vpn, pages, MADV_DONTNEED)
        break
      case 9:
        if (area === 0 || requests) t.madvise(mm, area, PAGES, MADV_COLLAPSE)
        break
      case 10:
        t.mprotect(mm, vpn, pages, extent % 2 === 0 ? PROT_READ : RW)
        t.mprotect(mm, vpn, pages, RW)
        break
      case 11:
        if (living.length < 3) living.push(t.fork(mm))
        else t.exit(living.pop() ?? 0)
        break
      case 12:
        t.swapout(mm, vpn, pages)
        break
      case 13: {
        const held = pins.pop()
        if (held !== undefined) {
          if (living.includes(held.mm)) t.unpin(held.mm, held.id)
        } else pins.push({ mm, id: t.pin(mm, vpn, 1, extent % 2 ? PIN_DMAPIN : PIN_VMSPLICE) })
        break
      }
      case 14:
        t.poke(mm, vpn)
        break
      default:
        t.set(SET_MAX_PTES_NONE, (place * 37) % 512)
        t.set(SET_MAX_PTES_SHARED, (extent * 37) % 512)
        t.set(SET_MISSING_ANSWER, who % 2)
    }
  }
  for (const mm of living) t.exit(mm)
  return t.finish()
}

const draws = fc.array(
  fc.tuple(fc.nat({ max: 15 }), fc.nat({ max: 99 }), fc.nat({ max: 9999 }), fc.nat({ max: 9999 })),
  { minLength: 1, maxLength: 40, size: 'max' },
)

/** mapcount, page-count before and after, PageAnonExclusive, owner tracking: one policy for each era that differs. */
const NAMES = ['mapcount', 'page-count', 'page-count-refined', 'anon-exclusive', 'mm-id']
const CHOSEN = POLICIES.filter(({ name }) => NAMES.includes(name))

test.each(CHOSEN.map((policy) => [policy.name, policy] as const))(
  '%s: both ways of judging agree, and nothing is left at the end',
  (_name, policy) => {
    const settings = { policy, params: {}, cost, check: false } as const
    fc.assert(
      fc.property(draws, fc.boolean(), (list, requests) => {
        const trace = traceOf(list, requests)
        const epoch = simulate({ ...settings, trace, oracle: 'epoch' })
        const eager = simulate({ ...settings, trace, oracle: 'eager' })
        expect(eager.values).toEqual(epoch.values)
        expect([epoch.framesLeft, epoch.tablesLeft]).toEqual([0, 0])
      }),
      SEARCH,
    )
  },
)

const mmId = CHOSEN.filter(({ name }) => name === 'mm-id')

test.each(mmId)('$name: every count adds up after every event', (policy) => {
  fc.assert(
    fc.property(draws, fc.boolean(), (list, requests) => {
      const trace = traceOf(list, requests)
      simulate({ policy, params: {}, cost, trace, oracle: 'epoch', check: true })
    }),
    { ...SEARCH, numRuns: 8 },
  )
})

test.each(mmId)('$name: no event is lost but by a MADV_COLLAPSE of shared memory', (policy) => {
  fc.assert(
    fc.property(draws, fc.boolean(), (list, requests) => {
      const trace = traceOf(list, requests)
      const settings = { policy, params: {}, cost, oracle: 'epoch', check: false } as const
      const { values, breaches } = simulate({ ...settings, trace })
      expect(values.violations, breaches[0]).toBe(values.requested_lost_events)
      if (!requests) expect(values.requested_lost_events).toBe(0)
    }),
    { ...SEARCH, numRuns: 300 },
  )
})
