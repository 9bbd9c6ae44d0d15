/** driver-header.test: the driver's C header and the sources that it quotes have the same numbers. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { SHOW } from '../litmus/language.ts'
import * as machine from '../litmus/machine-shape.ts'
import { packageRoot } from '../load/package.ts'
import * as ops from '../trace/ops.ts'
import * as request from './request.ts'

const FILE = join(packageRoot(), 'src', 'live', 'driver', 'driver.h')
const HEADER = readFileSync(FILE, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '')

/** The enumerators, each one more than the one before or a plain number. */
function enumerators(): Map<string, number> {
  const values = new Map<string, number>()
  for (const [, body = ''] of HEADER.matchAll(/enum \{([^}]*)\}/g)) {
    let next = 0
    for (const [, name = '', value] of body.matchAll(/(\w+)(?: = ([^,]+))?/g)) {
      next = value === undefined ? next : Number(value)
      values.set(name, next++)
    }
  }
  return values
}

/** The number that a macro stands for, as `8`, `256UL` or `(24UL << 20)`. */
function macro(name: string): number {
  const [, text = ''] = new RegExp(`^#define ${name}\\s(.*)$`, 'm').exec(HEADER) ?? []
  const [number, shift = 0] = text
    .replace(/[()UL]/g, '')
    .split('<<')
    .map(Number)
  return Number(number) * 2 ** shift
}

/** Whatever a module calls by one of these names, or by a name that begins so. */
function numbersOf(module: object, ...names: readonly string[]): [string, unknown][] {
  return Object.entries(module).filter(
    ([name, value]) => typeof value === 'number' && names.some((begin) => name.startsWith(begin)),
  )
}

test('operations, answers, kinds of pages, pins and questions have one number each', () => {
  const known = new Map<string, unknown>([
    ...numbersOf(ops, 'OP_', 'PIN_'),
    ...numbersOf(machine, 'DONE', 'NOT_PERMITTED', 'REFUSED', 'PAGE_'),
    ...numbersOf(request, 'OP_PROBE', 'PROBE_'),
    ['OP_SHOW', SHOW],
    ['MAP_KIND_ANON', ops.MAP_PRIVATE_ANON],
    ['MAP_KIND_FILE', ops.MAP_PRIVATE_FILE],
    ['MAP_KIND_SHARED', ops.MAP_SHARED],
  ])
  const header = [...enumerators()].filter(([name]) => !name.startsWith('FD_'))
  expect(header.length).toBeGreaterThan(40)
  expect(header).toEqual(header.map(([name]) => [name, known.get(name)]))
  // What the driver is asked it knows by that number.
  for (const [name, value] of numbersOf(request, 'PROBE_')) {
    expect([name, enumerators().get(name)]).toEqual([name, value])
  }
})

test('a test that is accepted has room in the driver', () => {
  for (const [name, value] of numbersOf(request, 'MAGIC', 'MAX_O', 'MAX_PINS', 'MAX_SLOTS')) {
    expect([name, macro(name)]).toEqual([name, value])
  }
  expect(request.MAX_PINNED_PAGES).toBe(macro('PIPE_PAGES') * macro('PIN_PIPES'))
  const { MAX_OPS, MAX_PAGE_RESULTS, OP_RESULT_BYTES, PAGE_RESULT_BYTES } = request
  const bytes = MAX_OPS * OP_RESULT_BYTES + MAX_PAGE_RESULTS * PAGE_RESULT_BYTES
  expect(macro('RESULT_BYTES')).toBeGreaterThan(bytes)
})
