/** against-policy.test: what is said of a recording's reuses, the model's and the kernel's. */
import { expect, test } from 'vitest'
import type { Agreement } from '../../against-recording.ts'
import { compareReuses, formatAgreement } from './against-policy.ts'

const AGREEMENT: Agreement = {
  faults: { recorded: 50_000, shared: 49_999 },
  presence: { recorded: 50_000, shared: 50_000 },
  added: 15,
  decisions: { recorded: 40_000, shared: 40_000 },
  answers: { reuse: 13_000, 'copy: referenced elsewhere': 27_000 },
  outcomes: { recorded: 0, shared: 0 },
  differences: {},
  duringExit: { kernelCopies: 0, kernelReuses: 0 },
  extraFaults: { 'file page that fault-around had mapped': 15 },
  extraDecisions: {},
  reuses: 13_000,
}

test("the kernel's reuses are pgreuse less perf's own, and idle time is told, not taken off", () => {
  // 14,000 - 150 - 13,000 = 850 of 40,000; 25 a second for 2.1 s.
  expect(compareReuses(AGREEMENT, { pgreuse: 14_000, others: 'a client' }, 2.1)).toEqual({
    ...{ pgreuse: 14_000, others: 'a client', perf: 150, idle: 53 },
    ...{ kernelOnly: 850, percentOfDecisions: 2.1 },
  })
  // A model that reuses more than the kernel, on a trace that does not know its length.
  expect(compareReuses(AGREEMENT, { pgreuse: 13_000 }, undefined)).toEqual({
    ...{ pgreuse: 13_000, perf: 150 },
    ...{ kernelOnly: -150, percentOfDecisions: -0.4 },
  })
})

test('the agreement reads as text, and less than all is less than 100 %', () => {
  const reuses = compareReuses(AGREEMENT, { pgreuse: 14_000, others: 'a client' }, 2.1)
  expect(formatAgreement('mm-id', AGREEMENT, reuses)).toBe(
    `mm-id against the recording:
faults recorded: 50,000; the model faults too: 49,999 (99.9 %)
pages there, or not, as recorded: 50,000 (100 %), by means of 15 added accesses
decisions recorded: 40,000; the model decides too: 40,000 (100 %)
  copy: referenced elsewhere: 27,000
  reuse: 13,000
outcomes recorded: 0 (kmem:mm_page_alloc was not recorded)
faults of the model only: 15
  file page that fault-around had mapped: 15
decisions of the model only: 0
reuses: model 13,000, kernel 13,850 (pgreuse 14,000 less perf's own 150)
  kernel only: 850, 2.1 % of the decisions; an idle machine adds about 53
  counted in it, how much is unknown: a client`,
  )
})

test("reuses of others that were counted are taken off, and nothing is assumed of perf's", () => {
  const reuses = compareReuses(AGREEMENT, { pgreuse: 14_000, byOthers: 990 }, 2.1)
  expect(reuses).toEqual({
    ...{ pgreuse: 14_000, byOthers: 990, kernelOnly: 10, percentOfDecisions: 0 },
  })
  expect(formatAgreement('mm-id', AGREEMENT, reuses)).toContain(
    `reuses: model 13,000, kernel 13,010 (pgreuse 14,000 less 990 by others)
  kernel only: 10, 0 % of the decisions`,
  )
})

test('outcomes that were recorded are compared; a count that nobody read is unknown', () => {
  const known = {
    ...AGREEMENT,
    outcomes: { recorded: 40_000, shared: 39_998 },
    differences: { 'kernel copy, model reuse': 2 },
  }
  const text = formatAgreement('mm-id', known, undefined)
  expect(text).toContain(
    `outcomes recorded: 40,000; the model's are the same: 39,998 (99.9 %)
  kernel copy, model reuse: 2
`,
  )
  expect(text).toContain('reuses: model 13,000, kernel unknown (--pgreuse N, if it was read)')
})
