/** resume.test: what a run may go on with, and what it is told otherwise. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeManifest } from './manifest.ts'
import { expectPartOf, expectSame, type Planned } from './resume.ts'

const mine = { name: 'mine', hash: '0123456789abcdef' }
const plan = { policies: ['mapcount', mine], params: { pages: '64' }, seeds: [1, 2], check: false }
const HELD: Planned = {
  ...{ plan, cells: ['k1', 'k2'] },
  cowbench: { version: '1', commit: '', code: 'a' },
  cost: { name: 'vm', copy: 1 },
}

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'cowbench-resume-'))
  const rest = { state: 'complete', skipped: [], failed: [], traces: [], parts: {} } as const
  writeManifest(dir, { name: 'mine', ...rest, ...HELD })
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** A plan with other cells, and whatever else differs. */
function other(changed: Partial<Planned>): Planned {
  return { ...HELD, cells: ['k1', 'k3'], ...changed }
}

test('the same plan, more of it, and nothing at all can be resumed', () => {
  expectPartOf(HELD, dir)
  expectPartOf({ ...HELD, cells: ['k2', 'k3', 'k1'] }, dir)
  expectPartOf(HELD, join(dir, 'none'))
})

test.each<[string, Partial<Planned>, string]>([
  ['policies', { plan: { ...plan, policies: ['mm-id', mine] } }, 'policies without mapcount'],
  [
    'a file that was changed',
    { plan: { ...plan, policies: ['mapcount', { ...mine, hash: 'fedcba9876543210' }] } },
    'mine (01234567) has changed since, now mine (fedcba98)',
  ],
  [
    'a changed file, and a policy less',
    { plan: { ...plan, policies: [{ ...mine, hash: 'fedcba9876543210' }] } },
    'policies without mapcount; mine (01234567) has changed since, now mine (fedcba98)',
  ],
  [
    'a file that is not there any more',
    { plan: { ...plan, policies: ['mapcount', { ...mine, name: 'yours' }] } },
    'policies without mine (01234567)',
  ],
  ['parameters', { plan: { ...plan, params: {} } }, 'params {"pages":"64"}, now {}'],
  ['a switch', { plan: { ...plan, check: true } }, 'check false, now true'],
  [
    'several things',
    { plan: { ...plan, seeds: [2, 3] }, cost: { name: 'bare-metal' } },
    'seeds without 1; cost vm, now bare-metal',
  ],
  [
    'the program',
    { cowbench: { ...HELD.cowbench, code: 'b' } },
    'made by another version of the program',
  ],
])('another plan is refused with what differs: %s', (_, changed, what) => {
  expect(() => expectPartOf(other(changed), dir)).toThrow(
    `invalid --resume: ${dir} holds another plan (${what}); expected the same or more of it, another --name, or --overwrite`,
  )
})

test('where the same plan is expected, a part of it is another', () => {
  expectSame(HELD, dir)
  expectSame(HELD, join(dir, 'none'))
  const told = (what: string): string =>
    `invalid plan: ${dir} holds another (${what}); expected the same, another --name, or --overwrite`
  const more = { ...HELD, cells: ['k1', 'k2', 'k3'] }
  expect(() => expectSame(more, dir)).toThrow(told('a part of this one'))
  const less = { ...HELD, cells: ['k1'], plan: { ...plan, seeds: [1] } }
  expect(() => expectSame(less, dir)).toThrow(told('seeds without 2'))
})
