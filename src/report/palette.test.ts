/** palette.test: one colour per policy, and no two that look alike to anyone. */
import { expect, test } from 'vitest'
import { POLICIES } from '../../policies/index.ts'
import { COLOURS, inOrder, looksOf, POLICY_ORDER } from './palette.ts'

type Rgb = readonly [number, number, number]
type Matrix = readonly [Rgb, Rgb, Rgb]

const apply = (m: Matrix, v: Rgb): Rgb => [dot(m[0], v), dot(m[1], v), dot(m[2], v)]
const dot = (a: Rgb, b: Rgb): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2]

/** Machado, Oliveira and Fernandes, 2009, severity 1, for linear RGB. */
const SIGHTS: readonly (readonly [string, Matrix])[] = [
  [
    'normal',
    [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ],
  ],
  [
    'protanopia',
    [
      [0.152286, 1.052583, -0.204868],
      [0.114503, 0.786281, 0.099216],
      [-0.003882, -0.048116, 1.051998],
    ],
  ],
  [
    'deuteranopia',
    [
      [0.367322, 0.860646, -0.227968],
      [0.280085, 0.672501, 0.047413],
      [-0.01182, 0.04294, 0.968881],
    ],
  ],
  [
    'tritanopia',
    [
      [1.255528, -0.076749, -0.178779],
      [-0.078411, 0.930809, 0.147602],
      [0.004733, 0.691367, 0.3039],
    ],
  ],
]

/** Ottosson, 2020. */
const LMS: Matrix = [
  [0.4122214708, 0.5363325363, 0.0514459929],
  [0.2119034982, 0.6806995451, 0.1073969566],
  [0.0883024619, 0.2817188376, 0.6299787005],
]
const LAB: Matrix = [
  [0.2104542553, 0.793617785, -0.0040720468],
  [1.9779984951, -2.428592205, 0.4505937099],
  [0.0259040371, 0.7827717662, -0.808675766],
]

function linear(colour: string): Rgb {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const c = Number.parseInt(colour.slice(at, at + 2), 16) / 255
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
  })
  return [r, g, b]
}

function oklab(colour: string, sight: Matrix): Rgb {
  const clipped = apply(sight, linear(colour)).map((c) => Math.min(1, Math.max(0, c)))
  const [l = 0, m = 0, s = 0] = apply(LMS, [clipped[0] ?? 0, clipped[1] ?? 0, clipped[2] ?? 0])
  return apply(LAB, [Math.cbrt(l), Math.cbrt(m), Math.cbrt(s)])
}

test.each(SIGHTS)('no two colours look alike in %s sight', (_, sight) => {
  const labs = COLOURS.map((colour) => oklab(colour, sight))
  const pairs = labs.flatMap((a, i) =>
    labs.slice(i + 1).map((b, j) => ({
      pair: [COLOURS[i], COLOURS[i + 1 + j]],
      distance: Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]),
    })),
  )
  // 0.02 is a difference that is just noticed side by side; the search got to 0.08.
  expect(pairs.filter(({ distance }) => distance < 0.075)).toEqual([])
})

test('the order of charts is the order of the policies', () => {
  expect(POLICIES.map(({ name }) => name)).toEqual([...POLICY_ORDER])
})

test('a policy looks the same whoever else is in the chart', () => {
  const alone = looksOf(['mm-id']).get('mm-id')
  expect(looksOf(POLICY_ORDER).get('mm-id')).toEqual(alone)
  expect(alone?.colour).toBe('#4b0083')
})

test('policies from elsewhere come last, as they come, in colours that no other has', () => {
  const names = inOrder(['mine', 'clairvoyant', 'his', 'mapcount', 'mine'])
  expect(names).toEqual(['mapcount', 'clairvoyant', 'mine', 'his'])
  const looks = looksOf(names)
  expect(looks.get('mine')?.colour).toBe(COLOURS[16])
  expect(looks.get('his')?.colour).toBe(COLOURS[17])
  expect(new Set([...looks.values()].map(({ colour }) => colour)).size).toBe(4)
})

test('a point and a dash tell apart what colour alone might not', () => {
  const looks = [...looksOf(POLICY_ORDER).values()]
  const kinds = looks.map(({ shape, dash }) => `${shape} ${dash.join()}`)
  // 6 shapes and 4 dashes in turn repeat after 12.
  expect(new Set(kinds).size).toBe(12)
})

const named = (count: number): string[] => Array.from({ length: count }, (_, i) => `mine-${i}`)

test('as many policies from elsewhere as there are colours that nobody has look different', () => {
  // 20 colours, of which mm-id has one.
  const looks = looksOf(inOrder(['mm-id', ...named(19)]))
  expect(new Set([...looks.values()].map(({ colour }) => colour)).size).toBe(20)
  expect(looks.get('mm-id')?.colour).toBe('#4b0083')
  // Spare ones first, then always-copy's.
  expect(looks.get('mine-3')?.colour).toBe(COLOURS[19])
  expect(looks.get('mine-4')?.colour).toBe(COLOURS[0])
})

test('beyond the colours a dash tells policies from elsewhere apart', () => {
  const [every, none] = [looksOf([...POLICY_ORDER, ...named(16)]), looksOf(named(80))]
  for (const looks of [every, none]) {
    const lines = [...looks.values()].map(({ colour, dash }) => `${colour} ${dash.join()}`)
    expect(new Set(lines).size).toBe(looks.size)
  }
  // Four spare colours: the fifth has the first one's.
  expect(every.get('mine-4')?.colour).toBe(every.get('mine-0')?.colour)
})
