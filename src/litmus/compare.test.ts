/** compare.test: the rules of workloads/litmus/truth/README.md, each with a hand-made record and a machine made to fit. */
import { expect, test } from 'vitest'
import { SAW_LEAK } from '../trace/observed.ts'
import { OP_DRAIN, OP_LOAD, OP_MMAP, OP_STORE } from '../trace/ops.ts'
import { type CompareOptions, compareWithTruth, formatDisagreement } from './compare.ts'
import { DONE, type LitmusMachine, PAGE_NONE, PAGE_SMALL } from './machine-shape.ts'
import { parseLitmus } from './parse.ts'
import { parseTruth } from './truth.ts'

const TEST = parseLitmus('spawn A\nmmap A buf 4\nwrite A buf\nwrite A buf', 't.cow')
const FILL = '0..3=zerofill'

/** Its second store of a page is a copy where `copies` says so, else a reuse; `copies` may depend on a drain. */
class Copier implements LitmusMachine {
  readonly frames = new Map<number, number>()
  readonly copies: (vpn: number, drained: boolean) => boolean
  readonly leaks: boolean
  faults = 0
  lastSaw = 0
  lastDev = 0
  #drained = false

  constructor(copies: (vpn: number, drained: boolean) => boolean, leaks = false) {
    this.copies = copies
    this.leaks = leaks
  }

  apply(op: number, _mm: number, vpn = -1): number {
    if (op === OP_DRAIN) this.#drained = true
    if (op === OP_STORE) {
      this.faults++
      const moves = !this.frames.has(vpn) || this.copies(vpn, this.#drained)
      if (moves) this.frames.set(vpn, (this.frames.get(vpn) ?? 10 * vpn) + 1)
    }
    if (op === OP_LOAD) this.lastSaw = this.leaks ? SAW_LEAK : 0
    return DONE
  }

  frameOf(_mm: number, vpn: number): number {
    return this.frames.get(vpn) ?? -1
  }

  pageKind(_mm: number, vpn: number): number {
    return this.frames.has(vpn) ? PAGE_SMALL : PAGE_NONE
  }
}

/** A record of TEST whose last operation is `last`, and what else the file says. */
function truthOf(last: Record<string, unknown>, file: Record<string, unknown> = {}, name = 't') {
  const operations = [
    { n: 1, op: 'spawn A', outcome: 'ok' },
    { n: 2, op: 'mmap A buf 4', outcome: 'ok' },
    { n: 3, op: 'write A buf', outcome: FILL },
    { n: 4, op: 'write A buf', ...last },
  ]
  const tests = { [name]: operations }
  return parseTruth(JSON.stringify({ kernel: '0.1', policy: 'p', tests, ...file }), '0.1.json')
}

function compare(
  last: Record<string, unknown>,
  copies: (vpn: number, drained: boolean) => boolean,
  file: Record<string, unknown> = {},
  options: Partial<CompareOptions> = {},
) {
  return compareWithTruth(truthOf(last, file), {
    tests: new Map([['t', TEST]]),
    machines: () => () => new Copier(copies),
    ...options,
  })
}

const never = () => false
const always = () => true

test('an outcome that is equal agrees, in both states; set-up is not counted', () => {
  // Two stores, in the natural and in the drained state.
  expect(compare({ outcome: '0..3=reuse' }, never)).toMatchObject({
    kernel: '0.1',
    agreements: 4,
    disagreements: [],
    skips: [],
  })
})

test('an outcome that differs is one disagreement in each state, printed in one line', () => {
  const { agreements, disagreements } = compare({ outcome: '0..3=reuse' }, (vpn) => vpn === 1)
  expect(agreements).toBe(2)
  expect(disagreements.map(formatDisagreement)).toEqual([
    't (natural) 4 write A buf: kernel 0..3=reuse, model 0=reuse,1=copy,2..3=reuse',
    't (drained) 4 write A buf: kernel 0..3=reuse, model 0=reuse,1=copy,2..3=reuse',
  ])
})

test('drained: what the record says of the drained state counts there, and only there', () => {
  const copiesFromBatch = (_vpn: number, drained: boolean) => !drained
  const last = { outcome: '0..3=copy', drained: '0..3=reuse' }
  expect(compare(last, copiesFromBatch).disagreements).toEqual([])
  expect(compare(last, always).disagreements).toMatchObject([{ state: 'drained', n: 4 }])
  expect(compare(last, never).disagreements).toMatchObject([{ state: 'natural', n: 4 }])
})

test('unstable: in the natural state every page may show anything that it was seen to show', () => {
  const last = {
    outcome: '0..1=copy,2..3=reuse',
    unstable: ['0..1=copy,2..3=reuse', '0=copy,1..3=reuse'],
    drained: '0..3=reuse',
  }
  const states = ['natural'] as const
  const disagreements = (copies: (vpn: number) => boolean) =>
    compare(last, copies, {}, { states }).disagreements
  // Page 0 copied and page 1 reused were each seen, in different runs; so was everything reused, when drained.
  expect(disagreements((vpn) => vpn === 0)).toEqual([])
  expect(disagreements((vpn) => vpn === 1)).toEqual([])
  expect(disagreements(never)).toEqual([])
  // Page 2 was never seen copied.
  expect(disagreements((vpn) => vpn === 2)).toMatchObject([
    { expected: '0..1=copy,2..3=reuse or 0=copy,1..3=reuse' },
  ])
})

test('unstable in the natural state only: the drained state has one outcome', () => {
  const last = {
    outcome: '0..3=copy',
    unstable: ['0..3=copy', '0..3=reuse'],
    drained: '0..3=reuse',
  }
  expect(compare(last, always, {}, { states: ['drained'] }).disagreements).toHaveLength(1)
  expect(compare(last, never, {}, { states: ['drained'] }).disagreements).toHaveLength(0)
})

test('drained_unstable: outcomes that are possible in the drained state too', () => {
  const last = { outcome: '0..3=reuse', drained_unstable: ['0..3=copy', '0..3=reuse'] }
  expect(compare(last, (_, drained) => drained).disagreements).toEqual([])
  // As a whole, not page by page.
  expect(compare(last, (vpn, drained) => drained && vpn === 0).disagreements).toHaveLength(1)
})

test('an outcome that speaks for the whole operation is compared whole, unstable or not', () => {
  const text = 'spawn A\nmmap A buf 4\nwrite A buf[0..1]\nshow A buf'
  const tests = new Map([['t', parseLitmus(text, 't.cow')]])
  const compareShow = (last: Record<string, unknown>) => {
    const operations = [
      { n: 1, op: 'spawn A', outcome: 'ok' },
      { n: 2, op: 'mmap A buf 4', outcome: 'ok' },
      { n: 3, op: 'write A buf[0..1]', outcome: '0..1=zerofill' },
      { n: 4, op: 'show A buf', ...last },
    ]
    const record = { kernel: '0.1', policy: 'p', tests: { t: operations } }
    return compareWithTruth(parseTruth(JSON.stringify(record), '0.1.json'), {
      tests,
      machines: () => () => new Copier(never),
      states: ['natural'],
    }).disagreements
  }
  expect(compareShow({ outcome: 'n4:present2:swapped0' })).toEqual([])
  expect(compareShow({ outcome: 'n4:present0:swapped4' })).toHaveLength(1)
  const unstable = ['n4:present0:swapped4', 'n4:present2:swapped0']
  expect(compareShow({ outcome: 'n4:present0:swapped4', unstable })).toEqual([])
})

test('flags are compared, in whatever order the record has them', () => {
  const text = 'spawn A\nmmap A buf 4\nread A buf[0]'
  const compareRead = (flags: string[] | undefined, drained?: string[]) => {
    const operations = [
      { n: 1, op: 'spawn A', outcome: 'ok' },
      { n: 2, op: 'mmap A buf 4', outcome: 'ok' },
      { n: 3, op: 'read A buf[0]', outcome: '0=pagecache', flags, flags_drained: drained },
    ]
    const record = { kernel: '0.1', policy: 'p', tests: { t: operations } }
    return compareWithTruth(parseTruth(JSON.stringify(record), '0.1.json'), {
      tests: new Map([['t', parseLitmus(text, 't.cow')]]),
      machines: () => () => new Copier(never, true),
    }).disagreements.map(({ state, expected, got }) => [state, expected, got])
  }
  expect(compareRead(['leak'])).toEqual([])
  expect(compareRead(['leak'], [])).toEqual([['drained', '0=pagecache', '0=pagecache leak']])
  expect(compareRead(['mismatch', 'leak'])).toMatchObject([
    ['natural', '0=pagecache leak mismatch', '0=pagecache leak'],
    ['drained', '0=pagecache leak mismatch', '0=pagecache leak'],
  ])
  expect(compareRead(undefined)).toHaveLength(2)
})

test('an artefact is skipped, with its reason', () => {
  const { agreements, disagreements, skips } = compare(
    { outcome: '0..3=copy', artefact: true },
    never,
  )
  expect({ agreements, disagreements }).toEqual({ agreements: 2, disagreements: [] })
  expect(skips).toEqual([
    { test: 't', state: 'natural', operations: 1, reason: 'artefact of the recorded tree' },
    { test: 't', state: 'drained', operations: 1, reason: 'artefact of the recorded tree' },
  ])
})

test('natural_only: nothing is compared in the drained state', () => {
  const copiesWhenDrained = (_vpn: number, drained: boolean) => drained
  const { agreements, disagreements, skips } = compare(
    { outcome: '0..3=reuse' },
    copiesWhenDrained,
    {
      natural_only: true,
    },
  )
  expect({ agreements, disagreements }).toEqual({ agreements: 2, disagreements: [] })
  expect(skips).toEqual([
    { test: 't', state: 'drained', operations: 4, reason: 'recorded in the natural state only' },
  ])
})

test('a test that we do not have is skipped, a test that differs disagrees', () => {
  const record = truthOf({ outcome: '0..3=reuse' })
  const machines = () => () => new Copier(never)
  const states = ['natural'] as const
  const missing = compareWithTruth(record, { tests: new Map(), machines, states })
  expect(missing.skips).toEqual([
    { test: 't', state: 'natural', operations: 4, reason: 'no test of that name' },
  ])
  const other = parseLitmus('spawn A\nmmap A buf 4\nwrite A buf\nwrite A buf[0]', 't.cow')
  const differs = compareWithTruth(record, { tests: new Map([['t', other]]), machines, states })
  expect(differs.disagreements).toMatchObject([{ n: 4, got: 'another operation: write A buf[0]' }])
  const shorter = parseLitmus('spawn A\nmmap A buf 4', 't.cow')
  const shortened = compareWithTruth(record, { tests: new Map([['t', shorter]]), machines, states })
  expect(shortened.disagreements).toMatchObject([{ expected: '4 operations', got: '2 operations' }])
})

test('X@diskswap is X.cow on a machine with a swap disk', () => {
  const asked: boolean[] = []
  const { agreements } = compareWithTruth(truthOf({ outcome: '0..3=reuse' }, {}, 't@diskswap'), {
    tests: new Map([['t', TEST]]),
    machines: ({ swapDisk }) => {
      asked.push(swapDisk)
      return () => new Copier(never)
    },
  })
  expect({ agreements, asked }).toEqual({ agreements: 4, asked: [true, true] })
})

test('a blind record tells a fault from none, and one without allocation from a copy', () => {
  const blind = (last: Record<string, unknown>, copies: () => boolean) => {
    const record = truthOf(last)
    const fill = record.tests.get('t')?.[2]
    if (fill) Object.assign(fill, { outcome: '0=fault_a2+,1..3=fault_a1', drained: '' })
    return compareWithTruth(record, {
      tests: new Map([['t', TEST]]),
      machines: () => () => new Copier(copies),
      states: ['natural'],
    })
  }
  expect(blind({ outcome: '0..3=fault_a1' }, always).disagreements).toEqual([])
  // A page table may be what was allocated.
  expect(blind({ outcome: '0..3=fault_a1' }, never).disagreements).toEqual([])
  expect(blind({ outcome: '0..3=fault_a0' }, never).disagreements).toEqual([])
  expect(blind({ outcome: '0..3=fault_a0' }, always).disagreements).toHaveLength(1)
  expect(blind({ outcome: '0=fault_a0,1..3=nofault' }, never).disagreements).toHaveLength(1)
})

test('a record with padded mappings is compared with padded mappings, each page read once', () => {
  const mapped: number[] = []
  let loads = 0
  class Mapper extends Copier {
    override apply(op: number, mm: number, vpn = -1, pages = 0): number {
      if (op === OP_MMAP) mapped.push(pages)
      if (op === OP_LOAD) loads++
      return super.apply(op, mm, vpn)
    }
  }
  const record = truthOf({ outcome: '0..3=reuse' }, { what: 'a tree, mappings padded to 2 MiB' })
  const { disagreements } = compareWithTruth(record, {
    tests: new Map([['t', TEST]]),
    machines: () => () => new Mapper(never),
    states: ['natural'],
  })
  expect({ disagreements, mapped, loads }).toEqual({ disagreements: [], mapped: [512], loads: 512 })
})

test.each([
  ['{', 'invalid truth file: k.json: not JSON'],
  ['[]', 'invalid truth file: k.json: expected an object'],
  ['{"kernel":"k","policy":"p"}', 'invalid truth file: k.json: missing tests'],
  ['{"policy":"p","tests":{}}', 'invalid truth file: k.json: missing kernel'],
  ['{"kernel":"k","tests":{}}', 'invalid truth file: k.json: missing policy'],
  ['{"kernel":"k","policy":"p","tests":{"t":7}}', 'invalid truth file: k.json: test t is no list'],
  [
    '{"kernel":"k","policy":"p","tests":{"t":[{"n":1,"op":"spawn A"}]}}',
    'invalid truth file: k.json: operation 1 of test t',
  ],
])('%s is no truth file', (text, says) => {
  expect(() => parseTruth(text, 'k.json')).toThrow(says)
})

test('a reviewed exception is not compared, and says why; one that excuses nothing is blamed', () => {
  const reviewed = (got: string, kernel = '0.1') => {
    const one = {
      kernel,
      test: 't',
      state: 'natural',
      n: 4,
      got,
      why: 'the recorder slept',
    } as const
    return compare({ outcome: '0..3=reuse' }, always, {}, { exceptions: [one] })
  }
  const { disagreements, skips } = reviewed('0..3=copy')
  expect(disagreements.map(formatDisagreement)).toEqual([
    't (drained) 4 write A buf: kernel 0..3=reuse, model 0..3=copy',
  ])
  expect(skips).toEqual([
    {
      test: 't',
      state: 'natural',
      operations: 1,
      reason: 'reviewed exception: the recorder slept',
    },
  ])
  expect(reviewed('0..3=segv').disagreements.map(formatDisagreement)).toEqual([
    't (natural) 4 write A buf: kernel 0..3=reuse, model 0..3=copy',
    't (drained) 4 write A buf: kernel 0..3=reuse, model 0..3=copy',
    't (natural) 4 reviewed exception: kernel 0..3=segv, model no such outcome',
  ])
  // Another kernel's exception.
  expect(reviewed('0..3=copy', '0.2').disagreements).toHaveLength(2)
})
