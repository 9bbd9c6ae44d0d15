/** write-a-workload.test: docs/write-a-workload.md does what it shows, and leaves nothing out that a workload may use. */
import { expect, test } from 'vitest'
import { CAPABILITIES } from '../params/capabilities.ts'
import { Rng } from '../trace/rng.ts'
import { TraceWriter } from '../trace/trace.ts'
import * as api from '../workload/api.ts'
import { follow, readPage } from './page-commands.ts'

const PAGE = readPage('write-a-workload.md')

test('every command of the page does what the page shows', () => {
  expect(follow(PAGE)).toBeGreaterThanOrEqual(15)
})

/** `name(first, second)`, without types and defaults. */
function signature(name: string, made: unknown): string {
  const [, list = ''] = /\(([^)]*)\)/.exec(String(made)) ?? []
  const names = list.split(',').map((each) => each.replace(/=.*/s, '').trim())
  return `\`${name}(${names.filter((each) => each !== '').join(', ')})\``
}

/** Of each method that is no accessor. */
function methods({ prototype }: { prototype: object }): string[] {
  return Object.entries(Object.getOwnPropertyDescriptors(prototype))
    .filter(([name, { value }]) => typeof value === 'function' && name !== 'constructor')
    .map(([name, { value }]) => signature(name, value))
}

const unnamed = (names: readonly string[]): string[] => names.filter((name) => !PAGE.includes(name))

test('the page names every operation of the writer and every draw, with their operands', () => {
  // Those two are for who reads traces, and makes others of them.
  const others = ['`finish(shared)`', '`copy(op, mm, operands)`']
  const operations = methods(TraceWriter).filter((each) => !others.includes(each))
  expect(operations.length).toBeGreaterThan(35)
  expect(unnamed(operations)).toEqual([])
  expect(unnamed(methods(Rng))).toEqual([])
})

/** The declaration itself, and what others do with it. */
const OTHERS = ['defineWorkload', 'buildTrace', 'completeValues', 'settingProblem', 'streamTrace']

test('the page names every helper, and every constant that an operand takes', () => {
  const helpers = Object.entries(api).filter(
    ([name, value]) => typeof value === 'function' && /^[a-z]/.test(name) && !OTHERS.includes(name),
  )
  expect(unnamed(helpers.map(([name, value]) => signature(name, value)))).toEqual([])
  const operands = Object.keys(api).filter((name) =>
    /^(MAP|PROT|MADV|PIN|UFFD|UFFDIO)_(?!LABELS)/.test(name),
  )
  expect(operands.length).toBeGreaterThan(20)
  expect(unnamed(operands.map((name) => `\`${name}\``))).toEqual([])
})

test('the page says what each capability is for', () => {
  expect(unnamed(CAPABILITIES.map((name) => `\`${name}\``))).toEqual([])
})
