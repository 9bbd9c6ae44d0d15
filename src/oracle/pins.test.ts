/** pins.test: what a reference sees, what it promises, and whom it keeps from being the sole user. */
import { expect, test } from 'vitest'
import {
  COPY_MAPPED,
  COPY_NOT_ANON,
  COPY_REFERENCED,
  REUSE,
  SITE_FORK,
  SITE_UNSHARE,
  SITE_WP,
} from '../policy/verdict.ts'
import {
  DEV_COHERENT,
  DEV_INCOHERENT,
  DEV_LEAK,
  DEV_NOLEAK,
  HOLD_GET_RO,
  HOLD_GET_WRITE,
  HOLD_PIN_RO,
  HOLD_PIN_WRITE,
  SAW_LEAK,
  SAW_MISMATCH,
} from '../trace/observed.ts'
import { MAP_PRIVATE_ANON, MAP_PRIVATE_FILE, MAP_SHARED } from '../trace/ops.ts'
import { describe } from './describe.ts'
import { Oracle } from './oracle.ts'

const P = 0
const C = 1
const D = 2

function parent(): Oracle {
  const oracle = new Oracle()
  oracle.spawn(P)
  oracle.mmap(P, 0, 8, MAP_PRIVATE_ANON, 0, 0)
  return oracle
}

/** Is the process the sole user? A copy by the sole user is spurious; the copy is really made. */
function spurious(oracle: Oracle, mm: number, vpn: number): boolean {
  const before = oracle.counts.spurious_copies
  oracle.verdict(SITE_WP, mm, vpn, 1, COPY_MAPPED, 0)
  oracle.store(mm, vpn)
  return oracle.counts.spurious_copies > before
}

test.each([
  { hold: HOLD_GET_RO, name: 'vmsplice', lost: 0, stale: 1 },
  { hold: HOLD_GET_WRITE, name: 'direct I/O', lost: 1, stale: 0 },
  { hold: HOLD_PIN_RO, name: 'r/o FOLL_PIN', lost: 1, stale: 0 },
  { hold: HOLD_PIN_WRITE, name: 'FOLL_PIN', lost: 1, stale: 0 },
])('$name, no fork: a copy loses $lost promised and $stale unpromised reads', (kind) => {
  const oracle = parent()
  const frame = oracle.store(P, 0)
  oracle.pin(1, P, 0, 1, kind.hold)
  oracle.verdict(SITE_WP, P, 0, 1, COPY_REFERENCED, 0)
  oracle.store(P, 0)
  expect(oracle.devread(1, 0, frame)).toBe(DEV_INCOHERENT)
  expect(oracle.counts.lost_coherence).toBe(kind.lost)
  expect(oracle.counts.stale_reads_unpromised).toBe(kind.stale)
})

test.each([
  { hold: HOLD_GET_WRITE, name: 'direct I/O by FOLL_GET', lost: 0, stale: 1 },
  { hold: HOLD_PIN_RO, name: 'r/o FOLL_PIN', lost: 1, stale: 0 },
  { hold: HOLD_PIN_WRITE, name: 'FOLL_PIN', lost: 1, stale: 0 },
])('$name across fork: a copy loses $lost promised and $stale unpromised reads', (kind) => {
  const oracle = parent()
  const frame = oracle.store(P, 0)
  oracle.pin(1, P, 0, 1, kind.hold)
  oracle.fork(P, C)
  oracle.verdict(SITE_WP, P, 0, 1, COPY_MAPPED, 0)
  oracle.store(P, 0)
  expect(oracle.devread(1, 0, frame)).toBe(DEV_INCOHERENT)
  expect(oracle.counts.lost_coherence).toBe(kind.lost)
  expect(oracle.counts.stale_reads_unpromised).toBe(kind.stale)
})

test('a fork by somebody else ends no promise, nor does one before the pin', () => {
  const oracle = parent()
  oracle.fork(P, C)
  oracle.verdict(SITE_WP, P, 0, 1, COPY_MAPPED, 0)
  const frame = oracle.store(P, 0)
  oracle.pin(1, P, 0, 1, HOLD_GET_WRITE)
  oracle.fork(C, D)
  oracle.verdict(SITE_WP, P, 0, 1, COPY_REFERENCED, 0)
  oracle.store(P, 0)
  expect(oracle.devread(1, 0, frame)).toBe(DEV_INCOHERENT)
  expect(oracle.counts.lost_coherence).toBe(1)
})

test("an unpromised device store expects nothing of the owner's page, and is still not for the child", () => {
  const oracle = parent()
  oracle.store(P, 0)
  oracle.pin(1, P, 0, 1, HOLD_GET_WRITE)
  oracle.fork(P, C)
  oracle.event = 5
  oracle.verdict(SITE_WP, P, 0, 1, COPY_MAPPED, 0)
  const mapped = oracle.store(P, 0)
  const pinned = oracle.devwrite(1, 0)
  expect(oracle.load(P, 0, mapped)).toBe(0)
  expect(oracle.load(C, 0, pinned)).toBe(SAW_MISMATCH | SAW_LEAK)
  expect(oracle.breaches[0]?.cause?.event).toBe(5)
})

test('fork copies are needed exactly for pages under a pin that must survive fork', () => {
  const oracle = parent()
  for (let vpn = 0; vpn < 8; vpn++) oracle.store(P, vpn)
  oracle.pin(1, P, 0, 1, HOLD_PIN_WRITE)
  oracle.pin(2, P, 1, 1, HOLD_PIN_RO)
  oracle.pin(3, P, 2, 1, HOLD_GET_WRITE)
  oracle.pin(4, P, 3, 1, HOLD_GET_RO)
  oracle.pin(5, P, 4, 1, HOLD_PIN_WRITE)
  oracle.unpin(5)
  oracle.fork(P, C)
  // Pages 0 and 1 need it. 2 and 3 are promised nothing, 4 no longer, 5 never: a count took them for pinned.
  for (let vpn = 0; vpn < 6; vpn++) oracle.verdict(SITE_FORK, P, vpn, 1, COPY_REFERENCED, C)
  expect(oracle.counts.fork_copies).toBe(6)
  expect(oracle.counts.copies).toBe(6)
  expect(oracle.counts.needed_copies).toBe(2)
  expect(oracle.counts.spurious_copies).toBe(4)
  expect(oracle.counts.missed_reuses).toBe(0)
  // Whoever got a copy, neither side shares it; the pages left alone are shared.
  expect([0, 1, 2, 3, 4, 5, 6, 7].map((vpn) => spurious(oracle, C, vpn))).toEqual([
    true,
    true,
    true,
    true,
    true,
    true,
    false,
    false,
  ])
})

test('the copy made for the child holds what the parent had, and the pin stays with the parent', () => {
  const oracle = parent()
  const before = oracle.store(P, 0)
  oracle.pin(1, P, 0, 1, HOLD_PIN_WRITE)
  oracle.fork(P, C)
  oracle.verdict(SITE_FORK, P, 0, 1, COPY_REFERENCED, C)
  const after = oracle.store(P, 0)
  expect(oracle.load(C, 0, before)).toBe(0)
  expect(oracle.devread(1, 0, after)).toBe(DEV_COHERENT)
  expect(oracle.load(P, 0, oracle.devwrite(1, 0))).toBe(0)
  expect(oracle.breaches).toEqual([])
})

test('fork does not hand a pin on, and exit drops it', () => {
  const oracle = parent()
  oracle.store(P, 0)
  oracle.pin(1, P, 0, 1, HOLD_GET_RO)
  oracle.fork(P, C)
  oracle.munmap(P, 0, 8)
  expect(spurious(oracle, C, 1)).toBe(true)
  // The parent's pipe still holds page 0.
  oracle.fork(C, D)
  oracle.exit(C)
  oracle.verdict(SITE_WP, D, 0, 1, REUSE, 0)
  expect(oracle.counts.unsafe_reuses).toBe(1)
  oracle.store(D, 0)
  oracle.exit(P)
  oracle.verdict(SITE_WP, D, 0, 1, REUSE, 0)
  expect(oracle.counts.unsafe_reuses).toBe(1)
  expect(() => oracle.devread(1, 0, 0)).toThrow('unknown pin: 1')
})

test('exec drops pins too', () => {
  const oracle = parent()
  oracle.store(P, 0)
  oracle.fork(P, C)
  oracle.pin(1, C, 0, 1, HOLD_GET_RO)
  oracle.exec(C)
  expect(spurious(oracle, P, 0)).toBe(true)
})

test("a process's own pin never makes it share its page", () => {
  const oracle = parent()
  oracle.store(P, 0)
  oracle.fork(P, C)
  oracle.exit(C)
  oracle.pin(1, P, 0, 1, HOLD_GET_RO)
  expect(spurious(oracle, P, 0)).toBe(true)
})

test('what was copied away stays held: the child does not become the sole user while the pin lasts', () => {
  const oracle = parent()
  oracle.store(P, 0)
  oracle.pin(1, P, 0, 1, HOLD_PIN_WRITE)
  oracle.fork(P, C)
  oracle.verdict(SITE_WP, P, 0, 1, COPY_MAPPED, 0)
  oracle.store(P, 0)
  expect(oracle.verdict(SITE_WP, C, 0, 1, REUSE, 0)).toBe(true)
  const frame = oracle.store(C, 0)
  expect(oracle.devread(1, 0, frame)).toBe(DEV_LEAK)
  oracle.unpin(1)
  expect(oracle.verdict(SITE_WP, C, 0, 1, REUSE, 0)).toBe(false)
})

test('after dontneed the pinned address promises nothing: noleak, whatever is there now', () => {
  const oracle = parent()
  const frame = oracle.store(P, 0)
  oracle.pin(1, P, 0, 1, HOLD_PIN_WRITE)
  oracle.dontneed(P, 0, 1)
  expect(oracle.devread(1, 0, frame)).toBe(DEV_NOLEAK)
  oracle.store(P, 0)
  expect(oracle.devread(1, 0, frame)).toBe(DEV_NOLEAK)
  const pinned = oracle.devwrite(1, 0)
  expect(oracle.seesExpected(P, 0, pinned)).toBe(false)
  expect(oracle.devread(1, 0, pinned)).toBe(DEV_NOLEAK)
  // A new pin of the same address is a new promise.
  oracle.pin(2, P, 0, 1, HOLD_PIN_WRITE)
  expect(oracle.devread(2, 0, oracle.store(P, 0))).toBe(DEV_COHERENT)
  expect(oracle.breaches).toEqual([])
})

test('a pin follows its page through mremap', () => {
  const oracle = parent()
  oracle.store(P, 1)
  oracle.pin(1, P, 1, 1, HOLD_PIN_WRITE)
  oracle.mremap(P, 0, 8, 1024)
  expect(oracle.devread(1, 0, oracle.store(P, 1025))).toBe(DEV_COHERENT)
  oracle.verdict(SITE_WP, P, 1025, 1, COPY_REFERENCED, 0)
  const copy = oracle.store(P, 1025)
  oracle.devwrite(1, 0)
  expect(oracle.load(P, 1025, copy)).toBe(SAW_MISMATCH)
  expect(oracle.counts.lost_coherence).toBe(1)
})

test('of several pins of one page each goes its own way', () => {
  const oracle = parent()
  const first = oracle.store(P, 0)
  oracle.pin(1, P, 0, 1, HOLD_PIN_WRITE)
  oracle.pin(2, P, 0, 1, HOLD_PIN_WRITE)
  oracle.pin(3, P, 0, 1, HOLD_PIN_WRITE)
  oracle.unpin(2)
  oracle.verdict(SITE_WP, P, 0, 1, COPY_REFERENCED, 0)
  const second = oracle.store(P, 0)
  oracle.pin(4, P, 0, 1, HOLD_PIN_WRITE)
  oracle.unpin(1)
  expect(oracle.devread(3, 0, first)).toBe(DEV_INCOHERENT)
  expect(oracle.devread(4, 0, second)).toBe(DEV_COHERENT)
  oracle.unpin(3)
  oracle.unpin(4)
  oracle.exit(P)
  expect(oracle.idle).toBe(true)
})

test('an UNSHARE gives a r/o pin a page of its own: a copy while shared, the page itself when not', () => {
  const oracle = parent()
  const before = oracle.store(P, 0)
  oracle.store(P, 1)
  oracle.fork(P, C)
  oracle.verdict(SITE_UNSHARE, P, 0, 1, COPY_MAPPED, 0)
  oracle.pin(1, P, 0, 1, HOLD_PIN_RO)
  expect(oracle.devread(1, 0, before)).toBe(DEV_COHERENT)
  // The next store goes in place, to the page that the pin holds.
  expect(oracle.verdict(SITE_WP, P, 0, 1, REUSE, 0)).toBe(false)
  expect(oracle.devread(1, 0, oracle.store(P, 0))).toBe(DEV_COHERENT)
  expect(oracle.load(C, 0, before)).toBe(0)
  oracle.exit(C)
  oracle.verdict(SITE_UNSHARE, P, 1, 1, COPY_MAPPED, 0)
  expect(oracle.counts.unshare_copies).toBe(2)
  expect(oracle.counts.needed_copies).toBe(1)
  expect(oracle.counts.spurious_copies).toBe(1)
  expect(oracle.counts.missed_reuses).toBe(1)
  expect(oracle.counts.copies).toBe(2)
})

test('a pin without UNSHARE goes stale at the first store of its owner, from the zero page on', () => {
  const oracle = parent()
  oracle.pin(1, P, 0, 1, HOLD_PIN_RO)
  expect(oracle.devread(1, 0, 0)).toBe(DEV_COHERENT)
  oracle.store(P, 0)
  expect(oracle.devread(1, 0, 0)).toBe(DEV_INCOHERENT)
  expect(oracle.breaches.map(describe)).toEqual([
    'the read-only DMA buffer held by process 0 does not show what that process has on page 0; no verdict led to it',
  ])
  // The pin is left with the zero page, which is nobody's: the child shares the new page with the parent only.
  oracle.fork(P, C)
  expect(spurious(oracle, P, 0)).toBe(false)
  expect(spurious(oracle, C, 0)).toBe(true)
})

test('a pipe that holds the zero page keeps nobody from the page that a write pin put there later', () => {
  const oracle = parent()
  oracle.pin(1, P, 0, 1, HOLD_GET_RO)
  oracle.pin(2, P, 0, 1, HOLD_PIN_WRITE)
  oracle.unpin(2)
  oracle.fork(P, C)
  expect(spurious(oracle, P, 0)).toBe(false)
  expect(spurious(oracle, C, 0)).toBe(true)
})

test('a write pin of an untouched page takes a frame of zeroes, which fork shares', () => {
  const oracle = parent()
  oracle.pin(1, P, 0, 2, HOLD_GET_WRITE)
  oracle.unpin(1)
  oracle.fork(P, C)
  expect(spurious(oracle, P, 0)).toBe(false)
  oracle.dontneed(C, 1, 1)
  expect(spurious(oracle, P, 1)).toBe(true)
  // Page 2 was never there for anybody.
  expect(spurious(oracle, P, 2)).toBe(true)
})

test('a write fault for a pin makes a copy that no store follows', () => {
  const oracle = parent()
  const before = oracle.store(P, 0)
  oracle.fork(P, C)
  oracle.verdict(SITE_WP, P, 0, 1, COPY_MAPPED, 0)
  oracle.pin(1, P, 0, 1, HOLD_PIN_WRITE)
  expect(oracle.load(P, 0, before)).toBe(0)
  // Each has a frame of its own now.
  expect(spurious(oracle, C, 0)).toBe(true)
  expect(oracle.devread(1, 0, oracle.store(P, 0))).toBe(DEV_COHERENT)
})

test('device stores before and after a fork are told apart', () => {
  const oracle = parent()
  oracle.store(P, 0)
  oracle.pin(1, P, 0, 1, HOLD_PIN_WRITE)
  const early = oracle.devwrite(1, 0)
  oracle.fork(P, C)
  const late = oracle.devwrite(1, 0)
  expect(oracle.load(C, 0, early)).toBe(0)
  expect(oracle.load(C, 0, late)).toBe(SAW_MISMATCH | SAW_LEAK)
})

test('what went astray before a fork is expected by the child, what went astray after it is not', () => {
  const oracle = parent()
  oracle.store(P, 0)
  oracle.pin(1, P, 0, 1, HOLD_PIN_WRITE)
  oracle.verdict(SITE_WP, P, 0, 1, COPY_REFERENCED, 0)
  const mapped = oracle.store(P, 0)
  const early = oracle.devwrite(1, 0)
  const again = oracle.devwrite(1, 0)
  expect(oracle.seesExpected(P, 0, early)).toBe(false)
  expect(oracle.seesExpected(P, 0, again)).toBe(true)
  oracle.fork(P, C)
  const late = oracle.devwrite(1, 0)
  expect(oracle.seesExpected(C, 0, again)).toBe(true)
  expect(oracle.seesExpected(P, 0, late)).toBe(true)
  // Parent and child still share the page that neither should see, and the store ends that.
  expect(oracle.load(C, 0, mapped)).toBe(SAW_MISMATCH)
  expect(spurious(oracle, P, 0)).toBe(false)
  expect(spurious(oracle, C, 0)).toBe(true)
})

test('the cause of a leak to a device is found after both mappings are gone', () => {
  const oracle = parent()
  oracle.store(P, 0)
  oracle.fork(P, C)
  oracle.event = 6
  oracle.verdict(SITE_WP, P, 0, 1, REUSE, 0)
  oracle.store(P, 0)
  // A grandchild shares the frame under the name that the unsafe store gave it, and reuses it too.
  oracle.fork(P, D)
  oracle.event = 8
  oracle.verdict(SITE_WP, D, 0, 1, REUSE, 0)
  const frame = oracle.store(D, 0)
  oracle.pin(1, C, 0, 1, HOLD_GET_RO)
  oracle.munmap(C, 0, 8)
  oracle.exit(P)
  expect(oracle.devread(1, 0, frame)).toBe(DEV_LEAK)
  expect(oracle.breaches[0]?.cause?.event).toBe(8)
})

test('an unsafe reuse is not mistaken for a fork that shared a pin', () => {
  const oracle = parent()
  oracle.store(P, 0)
  oracle.event = 4
  oracle.fork(P, C)
  oracle.pin(1, P, 0, 1, HOLD_PIN_WRITE)
  const found = oracle.devwrite(1, 0)
  oracle.load(C, 0, found)
  // The pin came after the fork: get_user_pages() took a shared page without asking anybody.
  expect(oracle.breaches[0]?.cause).toBe(null)
})

test('pins of shared memory see every store, and everybody sees the device', () => {
  const oracle = new Oracle()
  oracle.spawn(P)
  oracle.mmap(P, 0, 4, MAP_SHARED, 9, 0)
  oracle.fork(P, C)
  oracle.pin(1, P, 0, 1, HOLD_PIN_WRITE)
  expect(oracle.devread(1, 0, oracle.store(C, 0))).toBe(DEV_COHERENT)
  const token = oracle.devwrite(1, 0)
  expect(oracle.load(P, 0, token)).toBe(0)
  expect(oracle.load(C, 0, token)).toBe(0)
  oracle.munmap(P, 0, 4)
  const late = oracle.devwrite(1, 0)
  expect(oracle.load(C, 0, late)).toBe(0)
  expect(oracle.breaches).toEqual([])
})

test('a r/o pin of a private file page stays with the page cache when the owner stores', () => {
  const oracle = new Oracle()
  oracle.spawn(P)
  oracle.mmap(P, 0, 4, MAP_PRIVATE_FILE, 9, 0)
  const cached = oracle.objectPage(9, 0)
  oracle.pin(1, P, 0, 1, HOLD_PIN_RO)
  expect(oracle.devread(1, 0, cached)).toBe(DEV_COHERENT)
  oracle.event = 7
  oracle.verdict(SITE_WP, P, 0, 1, COPY_NOT_ANON, 0)
  oracle.store(P, 0)
  expect(oracle.devread(1, 0, cached)).toBe(DEV_INCOHERENT)
  expect(oracle.breaches[0]?.cause?.event).toBe(7)
})
