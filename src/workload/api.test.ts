import { describe, expect, test } from 'vitest'
import {
  AddressSpace,
  buildTrace,
  choice,
  completeValues,
  defineWorkload,
  exchange,
  flag,
  int,
  Mappings,
  OP_DEVREAD,
  OP_DEVWRITE,
  OP_LABELS,
  PAGE_DONTFORK,
  PAGE_READ,
  PAGE_UFFD_WP,
  PAGE_WRITE,
  PIN_IOURING,
  PIN_ROPIN,
  pinBuffer,
  storeAll,
  type Trace,
} from './api.ts'

const sample = defineWorkload({
  name: 'sample',
  summary: 'stores to random pages',
  params: {
    pages: int(8, 1, 64, 'heap size, in pages'),
    kind: choice('a', ['a', 'b'], 'which'),
    swap: flag(false, 'swap some'),
  },
  needs: (p) => [p.swap && 'swap', p.kind === 'b' && 'ksm'],
  generate(t, rng, p) {
    const mm = t.spawn()
    for (let i = 0; i < p.pages; i++) t.store(mm, rng.below(p.pages))
    t.exit(mm)
  },
})

/** One word per segment, as in `store 3`: operation and operands. */
function listing({ segments, args }: Trace): string[] {
  const lines = []
  for (let s = 0; s < segments.length; s += 4) {
    const operands = args.subarray(segments[s + 2], segments[s + 3]).join(' ')
    lines.push(`${OP_LABELS[segments[s] as number]} ${operands}`.trim())
  }
  return lines
}

describe('a declaration', () => {
  const generate = (): void => {}

  test('is refused with a name or a parameter that the command line could not take', () => {
    expect(() => defineWorkload({ name: 'My Load', summary: '', params: {}, generate })).toThrow(
      'invalid workload name: My Load; expected lower case letters, digits and hyphens',
    )
    const params = { 'a-b': int(1, 0, 2, '') }
    expect(() => defineWorkload({ name: 'x', summary: '', params, generate })).toThrow(
      'invalid parameter name: a-b; expected letters and digits',
    )
  })

  test('is refused with a default that its own range excludes', () => {
    const params = { pages: int(0, 1, 8, '') }
    expect(() => defineWorkload({ name: 'x', summary: '', params, generate })).toThrow(
      'invalid pages: 0; expected a whole number from 1 to 8',
    )
  })

  test.each([
    [{ params: undefined }, 'missing key: params; expected: object'],
    [{ name: undefined }, 'missing key: name; expected: string'],
    [{ summary: undefined }, 'missing key: summary; expected: string'],
    [{ summary: 3 }, 'invalid summary: number; expected: string'],
    [{ params: { n: 3 } }, 'invalid parameter: n; expected: int(), choice() or flag()'],
    [{ needs: 'thp' }, 'invalid needs: string; expected: function'],
    [{ needs: ['thp'] }, 'invalid needs: array; expected: function'],
    [{ events: 3 }, 'invalid events: number; expected: function'],
    [{ generate: undefined }, 'missing key: generate; expected: function'],
    [{ quick: true }, 'unknown key: quick; available: name, summary, params, generate, api, '],
  ])('is refused where a part of it is missing or something else: %j', (part, line) => {
    const whole = { name: 'x', summary: '', params: {}, generate, ...part }
    expect(() => defineWorkload(whole as never)).toThrow(new RangeError(line).message)
  })

  test.each([
    [() => ['tph'], 'unknown capability that workload x needs: tph; did you mean thp? available: '],
    [() => [undefined], 'unknown capability that workload x needs: undefined; available: collapse'],
    [() => 'thp', 'invalid needs of workload x: thp; expected an array'],
    [
      () => {
        throw new Error('not yet')
      },
      'invalid needs of workload x: they throw: not yet',
    ],
  ])('is refused for needs that nobody can have: %s', (needs, line) => {
    const odd = defineWorkload({ name: 'x', summary: '', params: {}, generate, needs } as never)
    expect(() => odd.needs({})).toThrow(line)
  })

  test('is part of the quick run and needs nothing, unless it says so', () => {
    const plain = defineWorkload({ name: 'x', summary: '', params: {}, generate })
    expect([plain.inQuickRun, plain.needs({}), plain.events({})]).toEqual([true, [], 0])
    expect(sample.needs(completeValues(sample, { swap: true, kind: 'b' }))).toEqual(['swap', 'ksm'])
    expect(sample.needs(completeValues(sample, {}))).toEqual([])
  })
})

describe('values', () => {
  test('that are not given take their defaults', () => {
    expect(completeValues(sample, { pages: 9 })).toEqual({ pages: 9, kind: 'a', swap: false })
  })

  test('of unknown parameters are refused with the names that exist', () => {
    expect(() => completeValues(sample, { page: 9 })).toThrow(
      'unknown parameter: page; did you mean pages? available: pages, kind, swap',
    )
    expect(() => completeValues(sample, { toString: 1 })).toThrow('unknown parameter: toString')
  })

  test('out of range, or of another type that would print alike, are refused', () => {
    expect(() => completeValues(sample, { pages: 65 })).toThrow(
      'invalid pages: 65; expected a whole number from 1 to 64',
    )
    expect(() => completeValues(sample, { kind: 'c' })).toThrow('invalid kind: c; expected a or b')
    expect(() => completeValues(sample, { pages: '9' })).toThrow(
      'invalid pages: 9; expected a number',
    )
    expect(() => completeValues(sample, { swap: 'yes' })).toThrow(
      'invalid swap: yes; expected a boolean',
    )
  })
})

describe('a trace', () => {
  test('depends on workload, values and seed alone', () => {
    const trace = buildTrace(sample, {}, 1)
    expect(buildTrace(sample, { pages: 8 }, 1)).toEqual(trace)
    expect(buildTrace(sample, {}, 2)).not.toEqual(trace)
    expect(trace.events).toBe(10)
  })

  test.each([
    ['a promise', async () => {}],
    ['a promise', () => Promise.reject(new Error('nobody hears this'))],
    ['a generator', function* () {}],
    ['a generator', async function* () {}],
    ['7', () => 7],
  ])('is all that is written until generate returns: %s is refused', (what, generate) => {
    const odd = defineWorkload({ name: 'odd', summary: '', params: {}, generate } as never)
    expect(() => buildTrace(odd, {}, 1)).toThrow(
      `invalid generate of workload odd: it returned ${what}; expected undefined: it may be neither async nor a generator`,
    )
  })

  test('lies in shared memory where that is asked for, and holds the same there', () => {
    const shared = buildTrace(sample, {}, 1, true)
    expect(shared.args.buffer).toBeInstanceOf(SharedArrayBuffer)
    expect([...shared.args]).toEqual([...buildTrace(sample, {}, 1).args])
  })
})

test('a parameter that was never declared cannot be read, where it would be undefined', () => {
  const read = (name: string, of: 'needs' | 'events' | 'generate'): (() => unknown) => {
    const hook = (...given: never[]): never[] => {
      void given.at(-1)![name]
      return []
    }
    const parts = { name: 'x', summary: '', params: { pages: int(8, 1, 64, 'pages') } }
    const odd = defineWorkload({ ...parts, generate: () => {}, [of]: hook } as never)
    if (of === 'generate') return () => buildTrace(odd, {}, 1)
    return () => odd[of](completeValues(odd, {}))
  }
  for (const of of ['needs', 'events', 'generate'] as const) {
    expect(read('page', of)).toThrow(
      'unknown parameter: page; did you mean pages? available: pages',
    )
  }
  expect(read('pages', 'needs')).not.toThrow()
  // Text, JSON and the like of all values are as of any object.
  const seen: unknown[] = []
  const sound = defineWorkload({
    ...{ name: 'x', summary: '', params: { pages: int(8, 1, 64, 'pages') } },
    generate: (_t, _rng, p) => {
      seen.push(`${p}`, JSON.stringify(p), { ...p }, Object.keys(p), 'page' in p)
    },
  })
  buildTrace(sound, {}, 1)
  expect(seen).toEqual(['[object Object]', '{"pages":8}', { pages: 8 }, ['pages'], false])
})

describe('what a generator may use', () => {
  const written = (write: Parameters<typeof defineWorkload>[0]['generate']): string[] => {
    const w = defineWorkload({ name: 'x', summary: '', params: {}, generate: write })
    return listing(buildTrace(w, {}, 1))
  }

  test('areas begin on 2 MiB boundaries and do not overlap', () => {
    const space = new AddressSpace()
    expect([space.area(1), space.area(512), space.area(513), space.area(1)]).toEqual([
      0, 512, 1024, 2048,
    ])
  })

  test('a device reads and writes what its kind of pin allows', () => {
    expect(written((t) => exchange(t, 0, pinBuffer(t, 0, 7, 1, PIN_IOURING)))).toEqual([
      `pin 7 1 ${PIN_IOURING} 0`,
      'store 7',
      'devread 0 0',
      'devwrite 0 0',
      'load 7',
    ])
    const readOnly = written((t) => exchange(t, 0, pinBuffer(t, 0, 7, 2, PIN_ROPIN)))
    expect(readOnly.filter((line) => line.startsWith(OP_LABELS[OP_DEVREAD] as string))).toEqual([
      'devread 0 0',
      'devread 0 1',
    ])
    expect(readOnly.some((line) => line.startsWith(OP_LABELS[OP_DEVWRITE] as string))).toBe(false)
  })

  test('storeAll is one run of stores', () => {
    expect(written((t) => storeAll(t, 0, 3, 4))).toEqual(['store 3 4 5 6'])
  })

  test('mappings find runs within an area, and give the child what fork gives it', () => {
    const mappings = new Mappings(new Uint8Array(1024))
    mappings.set({ vpn: 500, pages: 20 }, PAGE_READ | PAGE_WRITE)
    // 500 to 511 are the last twelve pages of the first 2 MiB.
    expect(mappings.run(500, PAGE_WRITE, 0, 64)).toEqual({ vpn: 500, pages: 12 })
    expect(mappings.run(512, PAGE_WRITE, 0, 64)).toEqual({ vpn: 512, pages: 8 })
    expect(mappings.run(499, PAGE_READ, 0, 64).pages).toBe(0)

    mappings.change({ vpn: 502, pages: 2 }, PAGE_DONTFORK, 0)
    mappings.change({ vpn: 506, pages: 1 }, PAGE_UFFD_WP, PAGE_WRITE)
    expect(mappings.run(500, PAGE_READ, PAGE_DONTFORK, 64)).toEqual({ vpn: 500, pages: 2 })
    expect(mappings.run(504, PAGE_WRITE, 0, 64)).toEqual({ vpn: 504, pages: 2 })

    const child = mappings.forked()
    expect(child.mapped(0)).toEqual([
      { vpn: 500, pages: 2 },
      { vpn: 504, pages: 8 },
    ])
    expect([child.has(506, PAGE_UFFD_WP), mappings.has(506, PAGE_UFFD_WP)]).toEqual([false, true])

    child.move({ vpn: 504, pages: 8 }, 600)
    expect([child.has(504, PAGE_READ), child.run(600, PAGE_READ, 0, 64).pages]).toEqual([false, 8])
  })
})
