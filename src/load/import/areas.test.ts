import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MAP_PRIVATE_FILE } from '../../trace/ops.ts'
import { type Area, Areas, newArea } from './areas.ts'

const PAGES = 40

/** A file mapping whose page n of the file lies at page n + `shift`, so that a cut piece shows where it came from. */
function area(start: number, end: number, object: number, shift: number): Area {
  return newArea({ start, end, kind: MAP_PRIVATE_FILE, prot: 1, object, pgoff: start + shift })
}

/** What lies at each page: the object and the page of it. */
function pagesOf(areas: Areas): string[] {
  return Array.from({ length: PAGES }, (_, page) => {
    const found = areas.find(page)
    return found ? `${found.object}:${found.pgoff + (page - found.start)}:${found.prot}` : '-'
  })
}

const range = fc
  .tuple(fc.nat(PAGES - 1), fc.integer({ min: 1, max: 12 }))
  .map(([start, pages]) => [start, Math.min(PAGES, start + pages)] as const)

const step = fc.oneof(
  fc.record({
    op: fc.constant('map' as const),
    range,
    object: fc.integer({ min: 1, max: 2 }),
    shift: fc.nat(1),
  }),
  fc.record({ op: fc.constant('unmap' as const), range }),
  fc.record({ op: fc.constant('protect' as const), range, prot: fc.nat(2) }),
)

test('areas hold at each page what a plain array of pages holds', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const areas = new Areas()
      const expected = new Array<string>(PAGES).fill('-')
      for (const one of steps) {
        const [start, end] = one.range
        if (one.op === 'protect') {
          for (const known of areas.within(start, end)) known.prot = one.prot
          areas.join(start, end)
        } else areas.remove(start, end)
        if (one.op === 'map') areas.insert(area(start, end, one.object, one.shift))
        for (let page = start; page < end; page++) {
          if (one.op === 'unmap') expected[page] = '-'
          else if (one.op === 'map') expected[page] = `${one.object}:${page + one.shift}:1`
          else expected[page] = expected[page]!.replace(/:\d$/, `:${one.prot}`)
        }
        expect(pagesOf(areas)).toEqual(expected)
        expectSorted(areas, expected)
      }
    }),
  )
})

/** Sorted, apart, without empty ones, and the gaps are exactly the pages between. */
function expectSorted(areas: Areas, expected: readonly string[]): void {
  const list = areas.overlapping(0, PAGES)
  for (const [i, { start, end }] of list.entries()) {
    expect(start).toBeLessThan(end)
    if (i > 0) expect(list[i - 1]!.end).toBeLessThanOrEqual(start)
  }
  const free = areas.gaps(0, PAGES).flatMap(([from, to]) => pages(from, to))
  expect(free).toEqual(pages(0, PAGES).filter((page) => expected[page] === '-'))
}

function pages(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}

test('what is cut and stays alike is one area again', () => {
  const areas = new Areas()
  areas.insert(area(0, 10, 1, 0))
  for (const known of areas.within(3, 5)) known.prot = 2
  areas.join(3, 5)
  expect(areas.overlapping(0, 10)).toHaveLength(3)
  for (const known of areas.within(3, 5)) known.prot = 1
  areas.join(3, 5)
  expect(areas.overlapping(0, 10)).toEqual([area(0, 10, 1, 0)])
})

test('the area above a page is the next one that begins there', () => {
  const areas = new Areas()
  areas.insert(area(10, 12, 1, 0))
  areas.insert(area(20, 22, 1, 0))
  expect(areas.above(5)?.start).toBe(10)
  expect(areas.above(10)?.start).toBe(20)
  expect(areas.above(12)?.start).toBe(20)
  expect(areas.above(21)).toBeUndefined()
})
