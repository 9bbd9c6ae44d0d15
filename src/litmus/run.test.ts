/** run.test: the words, on a machine whose every answer the test dictates; what waits for steps, on one that has them. */

import { expect, test } from 'vitest'
import { POLICIES } from '../../policies/index.ts'
import { DEFAULT_PROFILE } from '../metrics/cost.ts'
import type { PolicyDefinition } from '../policy/api.ts'
import { litmusMachine } from '../run.ts'
import * as observe from '../sim/observe.ts'
import {
  DEV_COHERENT,
  DEV_INCOHERENT,
  DEV_LEAK,
  DEV_NOLEAK,
  SAW_LEAK,
  SAW_MISMATCH,
} from '../trace/observed.ts'
import {
  OP_DEVREAD,
  OP_DEVWRITE,
  OP_DRAIN,
  OP_LOAD,
  OP_MADVISE,
  OP_MMAP,
  OP_PIN,
  OP_POKE,
  OP_STEP,
  OP_STORE,
  OP_UNPIN,
} from '../trace/ops.ts'
import {
  DONE,
  type LitmusMachine,
  NOT_PERMITTED,
  PAGE_HUGE,
  PAGE_HUGE_ZERO,
  PAGE_KSM,
  PAGE_NONE,
  PAGE_SMALL,
  PAGE_SWAP,
  PAGE_ZERO,
  REFUSED,
} from './machine-shape.ts'
import { parseLitmus } from './parse.ts'
import { runLitmus } from './run.ts'

interface Page {
  kind: number
  frame: number
}

type Effect = (machine: Fake, vpn: number, operands: readonly number[]) => number | undefined

/** Maps nothing until an effect says so; remembers what it was asked to do. */
class Fake implements LitmusMachine {
  readonly pages = new Map<number, Page>()
  readonly log: number[][] = []
  readonly effects: Readonly<Record<number, Effect>>
  faults = 0
  lastSaw = 0
  lastDev = DEV_COHERENT

  constructor(effects: Readonly<Record<number, Effect>> = {}) {
    this.effects = effects
  }

  apply(op: number, mm: number, ...operands: number[]): number {
    this.log.push([op, mm, ...operands])
    return this.effects[op]?.(this, operands[0] ?? -1, operands) ?? DONE
  }

  frameOf(_mm: number, vpn: number): number {
    return this.pages.get(vpn)?.frame ?? -1
  }

  pageKind(_mm: number, vpn: number): number {
    return this.pages.get(vpn)?.kind ?? PAGE_NONE
  }
}

const NOTHING: Page = { kind: PAGE_NONE, frame: -1 }
const SWAPPED: Page = { kind: PAGE_SWAP, frame: -1 }

/** Outcomes of the operations after `spawn A` and `mmap A buf 8`. */
function outcomes(lines: string, machine: LitmusMachine, drained = false): string[] {
  const parsed = parseLitmus(`spawn A\nmmap A buf 8\n${lines}`, 't.cow')
  return runLitmus(parsed, () => machine, { policy: 'fake', drained })
    .slice(2)
    .map(({ outcome, flags }) => [outcome, ...flags].join(' '))
}

/** A machine on which page 0 is `before`, and `op` makes it `after`. */
function change(op: number, before: Page, after: Page, faults: number): Fake {
  const machine = new Fake({
    [op]: (m, vpn) => {
      m.pages.set(vpn, after)
      m.faults += faults
      return DONE
    },
  })
  machine.pages.set(0, before)
  return machine
}

const small = (frame: number): Page => ({ kind: PAGE_SMALL, frame })
const huge = (frame: number): Page => ({ kind: PAGE_HUGE, frame })
const ksm = (frame: number): Page => ({ kind: PAGE_KSM, frame })
const zero: Page = { kind: PAGE_ZERO, frame: 1 }
const hugeZero: Page = { kind: PAGE_HUGE_ZERO, frame: 2 }

test.each([
  ['nofault', small(7), small(7), 0],
  ['reuse', small(7), small(7), 1],
  // A userfault that is answered, and then the store's own fault.
  ['reuse', small(7), small(7), 2],
  ['copy', small(7), small(8), 1],
  ['thp_nofault', huge(512), huge(512), 0],
  ['thp_reuse', huge(512), huge(512), 1],
  ['thp_copy_order0', huge(512), small(8), 1],
  ['thp_copy_huge', huge(512), huge(1024), 1],
  ['copy', small(7), huge(1024), 1],
  ['zeropage_to_anon', zero, small(8), 1],
  ['zeropage_to_anon', hugeZero, small(8), 1],
  ['zeropage_to_thp', hugeZero, huge(1024), 1],
  ['ksm_copy', ksm(7), small(8), 1],
  ['reuse', ksm(7), ksm(7), 1],
  ['swapin_w', SWAPPED, small(8), 1],
  ['zerofill', NOTHING, small(8), 1],
  ['thp_fill', NOTHING, huge(1024), 1],
])('a store shows %s', (word, before, after, faults) => {
  const machine = change(OP_STORE, before, after, faults)
  expect(outcomes('write A buf[0]', machine)).toEqual([`0=${word}`])
})

test.each([
  ['nofault', small(7), small(7)],
  ['nofault', huge(512), huge(512)],
  ['nofault', zero, zero],
  ['swapin', SWAPPED, small(8)],
  ['zeropage', NOTHING, zero],
  ['hugezeropage', NOTHING, hugeZero],
  ['pagecache', NOTHING, small(8)],
])('a load shows %s', (word, before, after) => {
  expect(outcomes('read A buf[0]', change(OP_LOAD, before, after, 1))).toEqual([`0=${word}`])
})

test.each([
  ['inplace', small(7), small(7)],
  ['copy', small(7), small(8)],
  ['copy', zero, small(8)],
  ['fill', NOTHING, small(8)],
])('a forced store shows %s, a bare word', (word, before, after) => {
  expect(outcomes('poke A buf[0]', change(OP_POKE, before, after, 1))).toEqual([word])
})

test('an access that is not permitted is segv, a forced store that is refused an error', () => {
  const refuse = () => NOT_PERMITTED
  const machine = new Fake({ [OP_STORE]: refuse, [OP_LOAD]: refuse, [OP_POKE]: refuse })
  machine.lastSaw = SAW_LEAK
  expect(outcomes('write A buf[1]\nread A buf[1..2]\npoke A buf[1]', machine)).toEqual([
    '1=segv',
    '1..2=segv',
    'error',
  ])
})

test('runs of pages with the same word are joined, others are not', () => {
  // Page 2 is there already, the others are not.
  const machine = new Fake({
    [OP_STORE]: (m, vpn) => {
      m.faults++
      m.pages.set(vpn, small(100 + vpn))
      return DONE
    },
  })
  machine.pages.set(2, small(7))
  machine.pages.set(5, small(105))
  const [outcome] = outcomes('write A buf[0..6]', machine)
  expect(outcome).toBe('0..1=zerofill,2=copy,3..4=zerofill,5=reuse,6=zerofill')
})

test('what any page of a load saw is said once, sorted, for the whole operation', () => {
  const saws = [0, SAW_MISMATCH | SAW_LEAK, 0, SAW_MISMATCH]
  const machine = new Fake({
    [OP_LOAD]: (m, vpn) => {
      m.lastSaw = saws[vpn] ?? 0
      return DONE
    },
  })
  for (let vpn = 0; vpn < 8; vpn++) machine.pages.set(vpn, small(vpn))
  expect(outcomes('read A buf[0..2]\nread A buf[3]\nread A buf[0]', machine)).toEqual([
    '0..2=nofault leak mismatch',
    '3=nofault mismatch',
    '0=nofault',
  ])
})

test('a pin is moved if the first page was there and its frame changed', () => {
  const pin = 'pin A buf[0..1] P1 iouring'
  expect(outcomes(pin, change(OP_PIN, small(7), small(8), 1))).toEqual(['moved'])
  expect(outcomes(pin, change(OP_PIN, small(7), small(7), 1))).toEqual(['ok'])
  expect(outcomes(pin, change(OP_PIN, NOTHING, small(8), 1))).toEqual(['ok'])
  expect(outcomes(pin, change(OP_PIN, SWAPPED, small(8), 1))).toEqual(['ok'])
})

test('a refused pin took nothing: its device accesses are errors and reach no machine', () => {
  const machine = new Fake({ [OP_PIN]: () => REFUSED })
  const lines = 'pin A buf[0] P1 iouring\ndevread P1[0]\ndevwrite P1[0]\nunpin P1'
  expect(outcomes(lines, machine)).toEqual(['error', 'error', 'error', 'ok'])
  const asked = machine.log.map(([op]) => op)
  expect(asked).toContain(OP_PIN)
  for (const op of [OP_DEVREAD, OP_DEVWRITE, OP_UNPIN]) expect(asked).not.toContain(op)
})

test('what a pin in its steps is asked for waits, and is done when the pin is there', () => {
  const policy = POLICIES.find(({ name }) => name === 'mm-id') as PolicyDefinition
  const cost = DEFAULT_PROFILE
  const machine = litmusMachine({ policy, params: {}, cost })
  const lines = [
    ...['write A buf[0]', 'begin T pin A buf[0] P1 dmapin'],
    ...['devread P1', 'devwrite P1', 'unpin P1'],
    // The reference is taken, and may still be given back.
    ...['step T grab', 'devread P1', 'devwrite P1', 'unpin P1', 'step T end'],
    ...['devread P1', 'devwrite P1', 'unpin P1', 'unpin P1', 'devread P1'],
  ]
  expect(outcomes(lines.join('\n'), machine)).toEqual([
    ...['0=zerofill', 'ok'],
    ...['waits', 'waits', 'waits'],
    ...['grab', 'waits', 'waits', 'waits', 'ok'],
    ...['coherent', 'ok', 'ok', 'error', 'error'],
  ])
  expect(machine.machine.k.pins.size).toBe(0)
})

test('a pin that is refused at the end of its steps took nothing', () => {
  const machine = new Fake({ [OP_STEP]: () => REFUSED })
  const lines = 'begin T pin A buf[0] P1 dmapin\nstep T end\ndevread P1\ndevwrite P1\nunpin P1'
  expect(outcomes(lines, machine)).toEqual(['ok', 'error', 'error', 'error', 'ok'])
  const asked = machine.log.map(([op]) => op)
  for (const op of [OP_DEVREAD, OP_DEVWRITE, OP_UNPIN]) expect(asked).not.toContain(op)
})

test('a device read is one word for one page, and runs for several', () => {
  const answers = [DEV_COHERENT, DEV_LEAK, DEV_LEAK, DEV_INCOHERENT, DEV_NOLEAK]
  const machine = new Fake({
    [OP_DEVREAD]: (m, _pin, [, index]) => {
      m.lastDev = answers[index ?? 0] ?? DEV_COHERENT
      return DONE
    },
  })
  const lines = 'pin A buf[2..6] P1 vmsplice\ndevread P1[0]\ndevread P1[4]\ndevread P1[0..3]'
  expect(outcomes(lines, machine)).toEqual([
    'ok',
    'coherent',
    'noleak',
    '0=coherent,1..2=leak,3=incoherent',
  ])
})

test('presence counts the zero page as present, and swap apart', () => {
  const machine = new Fake()
  machine.pages.set(0, zero)
  machine.pages.set(1, SWAPPED)
  machine.pages.set(2, huge(514))
  expect(outcomes('show A buf[0..3]\nswapout A buf[1]', machine)).toEqual([
    'n4:present2:swapped1',
    'n1:present0:swapped1',
  ])
})

test('a collapse that is refused is an error, and everything else is ok', () => {
  const machine = new Fake({ [OP_MADVISE]: () => REFUSED })
  expect(outcomes('madvise A buf collapse\nmprotect A buf ro\nfork A B', machine)).toEqual([
    'error',
    'ok',
    'ok',
  ])
})

test('the machine gets every operand in the order of the trace', () => {
  const machine = new Fake()
  outcomes('mmap A file 3 file\nmremap A buf[4..7] buf2\nclearrefs A 4\nuffdwp A buf2 on', machine)
  expect(machine.log).toEqual([
    [2, 0, 0], // spawn
    [OP_MMAP, 0, 0, 8, 0, 3, 0, 0, 0],
    [OP_MMAP, 0, 512, 3, 1, 3, 0, 1, 0],
    [9, 0, 4, 4, 1024], // mremap to the third 2 MiB range
    [18, 0, 4], // clear_refs
    [17, 0, 1024, 4, 1], // uffd-wp
  ])
})

test('drained: the batches are drained before every operation', () => {
  const machine = new Fake()
  outcomes('write A buf[0..1]\ndrain', machine, true)
  const asked = machine.log.map(([op]) => op)
  expect(asked.filter((op) => op === OP_DRAIN)).toHaveLength(5)
  expect(asked.slice(-5)).toEqual([OP_DRAIN, OP_STORE, OP_STORE, OP_DRAIN, OP_DRAIN])
})

test('one line of JSON per operation, pages told apart, flags only where there are any', () => {
  const machine = new Fake({
    [OP_LOAD]: (m, vpn) => {
      m.lastSaw = vpn === 1 ? SAW_MISMATCH : 0
      return DONE
    },
  })
  machine.pages.set(0, small(7))
  machine.pages.set(1, small(8))
  const parsed = parseLitmus('spawn A\nmmap A buf 8\nread A buf[0..1]\nshow A buf[0]', 'x/t.cow')
  const results = runLitmus(parsed, () => machine, { policy: 'fake' })
  expect(results.slice(2).map((result) => JSON.stringify(result))).toEqual([
    '{"test":"t","policy":"fake","n":3,"op":"read A buf[0..1]","outcome":"0..1=nofault","flags":["mismatch"],"pages":[{"page":0,"outcome":"nofault"},{"page":1,"outcome":"nofault"}]}',
    '{"test":"t","policy":"fake","n":4,"op":"show A buf[0]","outcome":"n1:present1:swapped0","pages":[]}',
  ])
})

test('the kinds of page are numbered as the mechanism numbers them', () => {
  expect(observe).toMatchObject({
    PAGE_NONE,
    PAGE_SWAP,
    PAGE_ZERO,
    PAGE_HUGE_ZERO,
    PAGE_KSM,
    PAGE_HUGE,
    PAGE_SMALL,
  })
})
