/** planted: policies that are wrong on purpose, each of which the oracle must convict of the right breach and verdict. */
import { describe, expect, test } from 'vitest'
import pageCountRefined from '../../policies/page-count-refined.ts'
import { DEFAULT_PROFILE } from '../metrics/cost.ts'
import {
  COPY,
  COPY_MAPPED,
  definePolicy,
  mapAndSwapCount,
  type PolicyDefinition,
  type PolicyHooks,
  pageMapcount,
  REUSE,
  swapCount,
} from '../policy/api.ts'
import { type SimulateResult, simulate } from '../run.ts'
import { MAP_PRIVATE_ANON, PIN_DMAPIN, PIN_VMSPLICE, PROT_READ, PROT_WRITE } from '../trace/ops.ts'
import { type Trace, TraceWriter } from '../trace/trace.ts'

const RW = PROT_READ | PROT_WRITE
const ORACLES = ['eager', 'epoch'] as const

function planted(hooks: Partial<PolicyHooks> & Pick<PolicyHooks, 'wpReuse'>): PolicyDefinition {
  return definePolicy({
    name: 'planted',
    summary: 'wrong on purpose',
    era: '-',
    kernel: '5.8',
    hooks: () => hooks,
  }) as PolicyDefinition
}

function run(policy: PolicyDefinition, trace: Trace, oracle: 'eager' | 'epoch'): SimulateResult {
  const cost = DEFAULT_PROFILE
  return simulate({ policy, params: {}, cost, trace, oracle, check: true })
}

/** Events 0 to 3: a process stores to two pages and all references are where they belong. */
function twoPages(t: TraceWriter): number {
  const parent = t.spawn()
  t.mmap(parent, 0, 2, MAP_PRIVATE_ANON, RW)
  t.store(parent, 0)
  t.store(parent, 1)
  return parent
}

function exitAll(t: TraceWriter, ...processes: readonly number[]): Trace {
  for (const process of processes) t.exit(process)
  return t.finish()
}

describe.each(ORACLES)('with the %s oracle', (oracle) => {
  describe('a policy that always reuses', () => {
    const always = planted({ wpReuse: () => REUSE })
    const t = new TraceWriter()
    const parent = twoPages(t)
    const child = t.fork(parent) // 4
    t.store(child, 1) // 5: the page that nobody looks at
    t.store(child, 0) // 6
    t.store(child, 0) // 7: no fault, no verdict
    t.load(parent, 0) // 8
    const trace = exitAll(t, child, parent)

    test('lets the parent see what its child stored, by the verdict of the first store', () => {
      const { values, breaches } = run(always, trace, oracle)
      expect(breaches).toEqual([
        'process 0 loads from page 0 what process 1 stored after fork; caused by event 6: do_wp_page on page 0 answered reuse',
      ])
      // Both stores of the child were reuses of a shared page; one load saw it.
      expect(values).toMatchObject({ leaks: 1, violations: 1, unsafe_reuses: 2, reuses: 2 })
    })

    test('is cleared of it where references are counted', () => {
      const { values, breaches } = run(pageCountRefined, trace, oracle)
      expect(breaches).toEqual([])
      expect(values).toMatchObject({ violations: 0, unsafe_reuses: 0, needed_copies: 2 })
    })
  })

  describe('a policy that looks at mapcount alone', () => {
    const mapcount = planted({
      wpReuse: (k, pfn) => (pageMapcount(k, pfn) === 1 ? REUSE : COPY_MAPPED),
    })
    const t = new TraceWriter()
    const parent = twoPages(t)
    const child = t.fork(parent) // 4
    const pipe = t.pin(child, 0, 1, PIN_VMSPLICE) // 5
    t.munmap(child, 0, 2) // 6: now the parent is the only one to map the page
    t.store(parent, 1) // 7: that page is the parent's own
    t.store(parent, 0) // 8
    t.devread(child, pipe, 0) // 9
    t.unpin(child, pipe)
    const trace = exitAll(t, child, parent)

    test('shows the pipe of a child that unmapped what the parent stores', () => {
      const { values, breaches } = run(mapcount, trace, oracle)
      expect(breaches).toEqual([
        'the pipe held by process 1 shows what process 0 stored after fork; caused by event 8: do_wp_page on page 0 answered reuse',
      ])
      // Page 1 was reused as rightly as page 0 was reused wrongly.
      expect(values).toMatchObject({ leaks: 1, violations: 1, reuses: 2, unsafe_reuses: 1 })
    })

    test('is cleared of it where references are counted', () => {
      const { values } = run(pageCountRefined, trace, oracle)
      expect(values).toMatchObject({ violations: 0, reuses: 1, needed_copies: 1 })
    })
  })

  describe('a policy that copies under a pin', () => {
    const copies = planted({ wpReuse: () => COPY })

    function pinned(use: (t: TraceWriter, owner: number, pin: number) => void): Trace {
      const t = new TraceWriter()
      const owner = twoPages(t)
      const pin = t.pin(owner, 0, 1, PIN_DMAPIN) // 4
      t.mprotect(owner, 0, 2, PROT_READ) // 5
      t.mprotect(owner, 0, 2, RW) // 6
      t.store(owner, 0) // 7: a copy, away from the pin
      use(t, owner, pin) // 8
      t.unpin(owner, pin)
      return exitAll(t, owner)
    }

    test('keeps what the owner stores from its device', () => {
      const trace = pinned((t, owner, pin) => t.devread(owner, pin, 0))
      const { values, breaches } = run(copies, trace, oracle)
      expect(breaches).toEqual([
        'the DMA buffer held by process 0 does not show what that process has on page 0; caused by event 7: do_wp_page on page 0 answered copy',
      ])
      expect(values).toMatchObject({ lost_coherence: 1, violations: 1, spurious_copies: 1 })
    })

    test('keeps what the device stores from its owner', () => {
      const trace = pinned((t, owner, pin) => {
        t.devwrite(owner, pin, 0)
        t.load(owner, 0)
      })
      const { values, breaches } = run(copies, trace, oracle)
      expect(breaches).toEqual([
        'process 0 does not see on page 0 what a device stored through a promised pin; caused by event 7: do_wp_page on page 0 answered copy',
      ])
      expect(values).toMatchObject({ lost_coherence: 1, violations: 1 })
    })

    test('harms nobody once the pin is gone', () => {
      const trace = pinned((t, owner, pin) => {
        t.unpin(owner, pin)
        t.load(owner, 0)
      })
      const { values } = run(copies, trace, oracle)
      // The copy is spurious all the same: nobody else could see the page.
      expect(values).toMatchObject({ violations: 0, spurious_copies: 1 })
    })
  })

  describe('a policy that shares a pinned page at fork', () => {
    const shares = planted({
      wpReuse: (k, pfn) => (mapAndSwapCount(k, pfn) === 1 ? REUSE : COPY_MAPPED),
    })
    const t = new TraceWriter()
    const parent = twoPages(t)
    const pin = t.pin(parent, 0, 1, PIN_DMAPIN) // 4
    const child = t.fork(parent) // 5
    t.store(parent, 0) // 6: needed, since the child maps the page, and wrong, since fork was
    t.devread(parent, pin, 0) // 7
    t.unpin(parent, pin)
    const trace = exitAll(t, child, parent)

    test('is convicted of the store that left the pin behind', () => {
      const { values, breaches } = run(shares, trace, oracle)
      expect(breaches).toEqual([
        'the DMA buffer held by process 0 does not show what that process has on page 0; caused by event 6: do_wp_page on page 0 answered copy: mapped elsewhere',
      ])
      expect(values).toMatchObject({ lost_coherence: 1, needed_copies: 1, fork_copies: 0 })
    })

    test('is cleared of it where fork copies pinned pages', () => {
      const { values } = run(pageCountRefined, trace, oracle)
      expect(values).toMatchObject({ violations: 0, fork_copies: 1 })
    })
  })

  describe('a policy that forgets the swap count', () => {
    const forgets = planted({
      wpReuse: (k, pfn) => (mapAndSwapCount(k, pfn) === 1 ? REUSE : COPY_MAPPED),
      swapinReuse: (k, pfn) => (pageMapcount(k, pfn) === 0 ? REUSE : COPY_MAPPED),
    })
    const remembers = planted({
      wpReuse: (k, pfn) => (mapAndSwapCount(k, pfn) === 1 ? REUSE : COPY_MAPPED),
      // The caller's own entry still counts: 1 is nobody else, 0 a page that never was in the swapcache.
      swapinReuse: (k, pfn) =>
        pageMapcount(k, pfn) === 0 && swapCount(k, pfn) <= 1 ? REUSE : COPY_MAPPED,
    })
    const t = new TraceWriter()
    const parent = twoPages(t)
    const child = t.fork(parent) // 4
    t.swapout(parent, 0, 2) // 5: out of both page tables
    t.store(parent, 0) // 6: back into one of them, and written in place
    t.load(child, 0) // 7: the swapcache still has it under the child's entry
    const trace = exitAll(t, child, parent)

    test('hands the parent a page that the child finds in the swapcache', () => {
      const { values, breaches } = run(forgets, trace, oracle)
      expect(breaches).toEqual([
        'process 1 loads from page 0 what process 0 stored after fork; caused by event 6: do_swap_page on page 0 answered reuse',
      ])
      expect(values).toMatchObject({ leaks: 1, unsafe_reuses: 1, copies: 0 })
    })

    test('is cleared of it by the count alone', () => {
      const { values } = run(remembers, trace, oracle)
      expect(values).toMatchObject({ violations: 0, unsafe_reuses: 0, needed_copies: 1 })
    })
  })
})
