/** explain.test: what `explain` tells of tests whose outcome is known, line by line. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { POLICIES } from '../../policies/index.ts'
import { readTest, readTests } from '../litmus/library.ts'
import { parseLitmus } from '../litmus/parse.ts'
import type { LitmusTest } from '../litmus/program.ts'
import { packageRoot } from '../load/package.ts'
import { DEFAULT_PROFILE } from '../metrics/cost.ts'
import type { PolicyDefinition } from '../policy/api.ts'
import { policyWith } from '../run.ts'
import { type Execution, explain, firstDivergence, type Wanted } from './explain.ts'
import { operationsOf } from './happenings.ts'
import { namesOf } from './names.ts'
import { QUESTIONS } from './questions.ts'
import { textOf } from './text.ts'
import { Witness } from './witness.ts'

const LITMUS = join(packageRoot(), 'workloads', 'litmus')
const LEAK = readTest(join(LITMUS, '20_cve_2020_29374_child_vmsplice.cow'))
const ALL: Wanted = { only: 'all', limit: 1e9 }

function execution(litmus: LitmusTest, name: string): Execution {
  const policy = POLICIES.find((known) => known.name === name) as PolicyDefinition
  const cost = DEFAULT_PROFILE
  return {
    names: namesOf(litmus),
    start() {
      const witness = new Witness({ policy, params: {}, cost })
      return { witness, happenings: operationsOf(litmus, witness.engine, name, false) }
    },
  }
}

function told(litmus: LitmusTest, name: string, wanted: Partial<Wanted> = {}): string[] {
  const each = execution(litmus, name)
  return explain(each, { ...ALL, ...wanted }).told.map((event) => textOf(event, each.names))
}

/** A's store, after the child has unmapped the page. */
const write = LEAK.operations.find(({ text }) => text === 'write A buf[0]')?.n ?? 0

test('an unsafe reuse is told with what the policy saw, answered and did', () => {
  // The child has unmapped the page and holds it in a pipe: one mapping, one FOLL_GET.
  expect(told(LEAK, 'mapcount', { event: write }).join().split('\n')).toEqual([
    `   ${write}  write A buf[0] -> 0=reuse`,
    "      page       A's buf[0]",
    '      before     frame 1024: anonymous',
    '                 page_count 2 = 1 mapping + 1 FOLL_GET',
    '                 mapped by A buf[0] ro dirty soft-dirty',
    '                 held by P1 of B (FOLL_GET)',
    '      asked      do_wp_page(): may the store go to this page?',
    '      answer     reuse (wpReuse)',
    '      oracle     UNSAFE REUSE: somebody else can see the page, and what is stored to it, at',
    '                 do_wp_page',
    '      after      frame 1024: anonymous',
    '                 page_count 2 = 1 mapping + 1 FOLL_GET',
    '                 mapped by A buf[0] rw dirty soft-dirty',
    '                 held by P1 of B (FOLL_GET)',
  ])
})

test('the leak is told when it is observed, and points back at the verdict', () => {
  const lines = told(LEAK, 'mapcount', { only: 'interesting' })
  expect(lines.length).toBe(2)
  expect(lines[1]?.replace(/\s+/g, ' ')).toContain(
    `observed the pipe held by B shows what A stored after fork; caused by operation ${write}: do_wp_page on buf[0] answered reuse`,
  )
  expect(told(LEAK, 'mm-id', { only: 'interesting' })).toEqual([])
})

test('a cause is found behind operations on several pages', () => {
  // The store to two pages is two events, so that the next operations begin with the event that has their number.
  const litmus = parseLitmus(
    `spawn A
    mmap A buf 2
    write A buf[0..1]
    pin A buf[0] P1 odirect
    fork A B
    write A buf[0]
    devwrite P1[0]
    read B buf[0]`,
    'odirect.cow',
  )
  const observed = told(litmus, 'page-count', { only: 'interesting' }).join(' ')
  expect(observed.replace(/\s+/g, ' ')).toContain('caused by operation 6: do_wp_page on buf[0]')
})

test('two policies part at the verdict, not at the leak', () => {
  const [a, b] = [execution(LEAK, 'mapcount'), execution(LEAK, 'mm-id')]
  const { first, events } = firstDivergence(a, b)
  expect(events).toBe(write - 1)
  expect(first?.map(({ n, outcome }) => [n, outcome])).toEqual([
    [write, '0=reuse'],
    [write, '0=copy'],
  ])
  expect(firstDivergence(a, execution(LEAK, 'mapcount'))).toEqual({
    events: LEAK.operations.length,
  })
})

test('the events of one page are told, and of one process where that is wanted', () => {
  const litmus = readTest(join(LITMUS, '04_fork_child_then_parent_write.cow'))
  const { names } = execution(litmus, 'mm-id')
  const writes = (page: string): string[] =>
    told(litmus, 'mm-id', { page: names.find(page) })
      .map((text) => text.split('\n')[0]?.trim() ?? '')
      .filter((line) => line.includes('write'))
  const all = litmus.operations.filter(({ verb }) => verb === 'write')
  expect(writes('buf[0]').length).toBe(all.length)
  expect(writes('B:buf[0]').length).toBe(all.filter(({ mm }) => mm === 1).length)
  expect(() => names.find('bfu[0]')).toThrow(/^unknown page: bfu\[0\]; available: buf\[0\]/)
})

/** A's store is held, and copies or not; its child has gone, or looks on. */
function storeInSteps(child: string): LitmusTest {
  const lines = ['spawn A', 'mmap A buf 1', 'write A buf', 'fork A B', child]
  return parseLitmus([...lines, 'begin S write A buf', 'step S test', 'step S end'].join('\n'), 's')
}

test('of a store in steps the copy is judged when the policy has answered', () => {
  const needed = storeInSteps('read B buf')
  expect(told(needed, 'page-count', { event: 7 }).join().split('\n')).toEqual([
    '   7  step S test -> test',
    "      page       A's buf[0]",
    '      before     frame 1024: anonymous',
    '                 page_count 2 = 2 mappings',
    '                 mapped by A buf[0] ro dirty soft-dirty; B buf[0] ro dirty soft-dirty',
    '      asked      do_wp_page(): may the store go to this page?',
    '      answer     copy: referenced elsewhere (wpReuse)',
    '      oracle     needed copy: somebody else can see the page, at do_wp_page',
    '      after      frame 1024: anonymous',
    // do_wp_page() holds the page while it copies.
    '                 page_count 3 = 2 mappings + 1 FOLL_GET',
    '                 mapped by A buf[0] ro dirty soft-dirty; B buf[0] ro dirty soft-dirty',
  ])
  expect(told(needed, 'page-count', { only: 'interesting' })).toEqual([])

  const missed = storeInSteps('exit B')
  const [step] = told(missed, 'always-copy', { only: 'interesting' })
  expect(step).toMatch(/^ {3}7 {2}step S test -> test\n/)
  expect(step).toMatch(/oracle +missed reuse: nobody else could see the page, at do_wp_page\n/)
  const { first } = firstDivergence(execution(missed, 'always-copy'), execution(missed, 'mm-id'))
  expect(first?.map(({ n }) => n)).toEqual([7, 7])
})

test('a pin that the lockless way is refused is told with the question', () => {
  const begun = ['spawn A', 'mmap A buf 1', 'write A buf', 'begin G pin A buf P1 dmapin']
  const pin = parseLitmus([...begun, 'step G read', 'step G end'].join('\n'), 'p')
  const asked = (policy: string): string[] =>
    told(pin, policy, { event: 5 })
      .join()
      .split('\n')
      .filter((line) => /^ +(asked|answer) /.test(line))
  const question = '      asked      get_user_pages_fast(): is the page left to the slow way?'
  // GUP has not touched the page yet.
  expect(asked('early-decow')).toEqual([question, '      answer     yes (gupFastRefuses)'])
  expect(asked('mm-id')).toEqual([question, '      answer     no (gupFastRefuses)'])
})

test('every hook of a policy has a question', () => {
  const mmId = POLICIES.find(({ name }) => name === 'mm-id') as PolicyDefinition
  const hooks = Object.entries(policyWith(mmId, {})).filter(
    ([, hook]) => typeof hook === 'function',
  )
  expect(Object.keys(QUESTIONS).sort()).toEqual(hooks.map(([name]) => name).sort())
})

test('no line is longer than 100 columns, in any test under policies of three kinds', () => {
  for (const litmus of readTests(LITMUS).values()) {
    for (const policy of ['reuse-swap-page', 'mm-id', 'cow-pte-accounted']) {
      const lines = told(litmus, policy).join('\n').split('\n')
      const long = lines.filter((line) => line.length > 100)
      expect([litmus.name, policy, long]).toEqual([litmus.name, policy, []])
    }
  }
})

test('a policy that throws is told up to where it throws, with the question', () => {
  const policy = POLICIES.find(({ name }) => name === 'mm-id') as PolicyDefinition
  const throwing: PolicyDefinition = {
    ...policy,
    create: (values) => ({
      ...policy.create(values),
      wpReuse: () => {
        throw new Error('not today')
      },
    }),
  }
  const { start, names } = execution(LEAK, 'mm-id')
  const cost = DEFAULT_PROFILE
  const each: Execution = {
    names,
    start: () => {
      const witness = new Witness({ policy: throwing, params: {}, cost })
      return { ...start(), witness, happenings: operationsOf(LEAK, witness.engine, '', false) }
    },
  }
  const { told: events } = explain(each, ALL)
  expect(events.at(-1)).toMatchObject({ n: write, error: 'not today' })
  expect(textOf(events.at(-1)!, names)).toMatch(
    /answer +not today \(wpReuse\)\n(.*\n)* +stopped +not today$/,
  )
})
