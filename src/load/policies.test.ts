/** policies.test: a policy or workload file that is wrong is refused when it is loaded, in one line. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as plugIn from '../plug-in.ts'
import * as predicates from '../policy/predicates.ts'
import { pageIn } from '../test/page-state.ts'
import { PolicyFailure } from './checked-policy.ts'
import { loadPolicy } from './policies.ts'
import { loadWorkload } from './workloads.ts'

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'cowbench own '))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

let files = 0
function file(text: string, extension = 'ts'): string {
  const path = join(dir, `own-${++files}.${extension}`)
  writeFileSync(path, text)
  return path
}
const ABOUT = `name: 'own', summary: '', era: '', kernel: '6.18'`
const policy = (spec: string, about = ABOUT): string =>
  file(`import { definePolicy } from 'cowbench'
    export default definePolicy({ ${about}, ${spec} })`)

test('one that comes with the program is found by name', async () => {
  expect(await loadPolicy('mapcount')).toMatchObject({ definition: { name: 'mapcount' } })
  expect(await loadWorkload('zygote')).toMatchObject({ definition: { name: 'zygote' } })
})

test('one of your own is loaded from its file, types and all', async () => {
  const path = policy(`hooks: () => ({ wpReuse: (k: unknown, pfn: number): number => pfn })`)
  const loaded = await loadPolicy(path)
  expect(loaded.definition.name).toBe('own')
  expect(loaded.file).toEqual({ path, hash: expect.stringMatching(/^[0-9a-f]{16}$/) })
  const { k } = pageIn({})
  expect(loaded.definition.create({}).wpReuse(k, 9)).toBe(9)
})

test.each(['js', 'mjs', 'ts', 'mts'])(
  'a .%s file is a module, whatever lies around it',
  async (extension) => {
    const text = `import { definePolicy, COPY } from 'cowbench'
    export default definePolicy({ ${ABOUT}, hooks: () => ({ wpReuse: () => COPY }) })`
    expect((await loadPolicy(file(text, extension))).definition.name).toBe('own')
  },
)

test('a predicate answers a file as it answers a policy that comes with the program', async () => {
  const path = file(`import { definePolicy, pageCount, hooksOf, mapAndSwapCount } from 'cowbench'
    export default definePolicy({ ${ABOUT}, hooks: () => ({
      ...hooksOf('page-count'),
      swapinReuse: (k, pfn) => pageCount(k, pfn) + mapAndSwapCount(k, pfn),
    }) })`)
  const policy = (await loadPolicy(path)).definition.create({})
  // Two mappings and one reference: 3 + 2 = 5 is no verdict in use; page-count copies what has 3 references.
  const { k, pfn } = pageIn({ mapped: [2], refs: 1 })
  expect(() => policy.swapinReuse(k, pfn)).toThrow('invalid answer of swapinReuse: 5')
  expect(policy.wpReuse(k, pfn)).toBe(11) // COPY_REFERENCED
})

test('every predicate can be asked from a file', () => {
  const asked: Readonly<Record<string, unknown>> = { ...plugIn }
  for (const [name, predicate] of Object.entries(predicates)) {
    expect([name, typeof asked[name]]).toEqual([name, 'function'])
    expect([name, asked[name] === predicate]).toEqual([name, false])
  }
})

test('a predicate of a page is not answered without one', async () => {
  const path = file(`import { definePolicy, pageCount, hooksOf, COPY, REUSE } from 'cowbench'
    export default definePolicy({ ${ABOUT}, hooks: () => ({
      ...hooksOf('page-count'),
      wpReuse: (k) => pageCount(k) > 1 ? COPY : REUSE,
    }) })`)
  const policy = (await loadPolicy(path)).definition.create({})
  const { k, pfn } = pageIn({})
  const line = 'invalid pfn of pageCount: undefined; expected the one that the hook is given'
  expect(() => policy.wpReuse(k, pfn)).toThrow(line)
})

test.each([
  ['k.frames.word[pfn] = 0', /Cannot read properties of undefined/],
  ['k.mm.hasPinned = true', /Cannot set properties of undefined/],
  ['k.note = pfn', /object is not extensible/],
  ['k.constructor.prototype.note = p', /not extensible|read only/],
  ['p.most = 3', /Cannot assign to read only property/],
])('a policy that tries to change something is stopped there: %s', async (attempt, line) => {
  const path = policy(`params: { most: int(1, 0, 9, '') }, hooks: (p) => ({
    wpReuse: (k, pfn) => { ${attempt}; return 0 } })`)
  writeFileSync(
    path,
    readFileSync(path, 'utf8').replace('{ definePolicy }', '{ definePolicy, int }'),
  )
  const { definition } = await loadPolicy(path)
  const { k, pfn } = pageIn({})
  expect(() => definition.create({ most: 1 } as never).wpReuse(k, pfn)).toThrow(line)
})

test('a parameter that a policy did not declare cannot be read, where it would be undefined', async () => {
  const own = (hooks: string): string =>
    file(`import { definePolicy, int } from 'cowbench'
      export default definePolicy({ ${ABOUT}, params: { most: int(1, 0, 9, '') }, ${hooks} })`)
  const line = 'unknown parameter: mots; did you mean most? available: most'
  const asked = own('hooks: (p) => ({ wpReuse: () => p.mots })')
  const { definition } = await loadPolicy(asked)
  const { k, pfn } = pageIn({})
  expect(() => definition.create({ most: 1 } as never).wpReuse(k, pfn)).toThrow(
    new PolicyFailure('own', `wpReuse threw: ${line}`),
  )
  const early = own('hooks: ({ mots }) => ({ wpReuse: () => mots })')
  await expect(loadPolicy(early)).rejects.toThrow(`invalid policy file: ${early}: ${line}`)
})

test.each([
  ['wpReuse', `'banana'`, 'invalid answer of wpReuse: banana; expected a verdict'],
  ['wpReuse', 'undefined', 'invalid answer of wpReuse: undefined; expected a verdict'],
  ['wpReuse', 'NaN', 'invalid answer of wpReuse: NaN; expected a verdict'],
  ['wpReuse', '-1', 'invalid answer of wpReuse: -1; expected a verdict'],
  ['swapinReuse', '7', 'invalid answer of swapinReuse: 7; expected a verdict'], // 4 to 7 mean nothing
  ['forkCopies', '1', 'invalid answer of forkCopies: 1; expected true or false'],
  [
    'gupRead',
    '3',
    'invalid answer of gupRead: 3; expected one of GUP_TAKE, GUP_UNSHARE, GUP_BREAK_COW',
  ],
] as const)(
  'an answer that makes no sense is refused when it is given: %s %s',
  async (hook, answer, line) => {
    const path = policy(`hooks: () => ({ wpReuse: () => 0, ${hook}: () => ${answer} as never })`)
    const { definition } = await loadPolicy(path)
    const { k } = pageIn({})
    expect(() => definition.create({})[hook](k, 0, false)).toThrow(line)
  },
)

test('bits that do not fit are refused when they are given', async () => {
  const path = policy(`hooks: () => ({ wpReuse: () => 0, pageBits: { width: 2, fresh: () => 4 } })`)
  const { pageBits } = (await loadPolicy(path)).definition.create({})
  expect(() => pageBits?.fresh(pageIn({}).k, 0)).toThrow(
    'invalid answer of pageBits.fresh: 4; expected a whole number from 0 to 3 (width 2)',
  )
})

test('a file that was changed is loaded again, with another hash', async () => {
  const path = policy('hooks: () => ({ wpReuse: () => 1 })')
  const before = await loadPolicy(path)
  writeFileSync(path, readFileSync(path, 'utf8').replace('=> 1', '=> 2'))
  const after = await loadPolicy(path)
  expect(after.definition.create({}).wpReuse(pageIn({}).k, 0)).toBe(2)
  expect(after.file?.hash).not.toBe(before.file?.hash)
})

const HOOKS = 'hooks: () => ({ wpReuse: () => 0 })'

test.each<[string, () => string, RegExp]>([
  [
    'no such file',
    () => './nowhere.ts',
    /^missing policy file: \.\/nowhere\.ts cannot be read \(ENOENT\)$/,
  ],
  ['a syntax error', () => file('export default {'), /^invalid policy file: .*: /],
  [
    'no export',
    () => file('const a = 1'),
    /: missing default export; expected: export default definePolicy\(\{ \.\.\. \}\)$/,
  ],
  ['no default export', () => file('export const a = 1'), /: missing default export; expected: /],
  [
    'an empty object',
    () => file('export default {}'),
    /: invalid default export: some other object/,
  ],
  ['a number', () => file('export default 1'), /: invalid default export: a number; expected: /],
  [
    'a function',
    () => file('export default (k, pfn) => 0'),
    /: invalid default export: a function; expected: export default definePolicy\(\{ \.\.\. \}\)$/,
  ],
  [
    'bare hooks',
    () => file('export default { wpReuse: () => 0 }'),
    /: invalid default export: some other object; expected: /,
  ],
  ['a file that throws', () => file(`throw new Error('no such luck')`), /: no such luck$/],
  [
    'a missing hook',
    () => policy('hooks: () => ({ forkCopies: () => true })'),
    /: missing hook: wpReuse$/,
  ],
  [
    'a misspelt hook',
    () => policy('hooks: () => ({ wpReus: () => 0 })'),
    /: unknown hook: wpReus; did you mean wpReuse\? available: drainsLruBatch, /,
  ],
  [
    'a misspelt hook of its bits',
    () => policy('hooks: () => ({ wpReuse: () => 0, pageBits: { width: 1, freshh: () => 1 } })'),
    /: unknown hook of pageBits: freshh; did you mean fresh\? /,
  ],
  [
    'bits without a width',
    () => policy('hooks: () => ({ wpReuse: () => 0, mmBits: {} })'),
    /: invalid width of mmBits: undefined; expected 1 to 30 bits$/,
  ],
  [
    'hooks that are none',
    () => policy('hooks: () => 3'),
    /: invalid hooks: number; expected an obj/,
  ],
  [
    'a misspelt key',
    () => policy(`${HOOKS}, parms: {}`),
    /: unknown key: parms; did you mean params\? available: name, /,
  ],
  [
    'a key of the wrong type',
    () => policy(`${HOOKS}, lacks: 'thp'`),
    /: invalid lacks: string; expected: array$/,
  ],
  [
    'a missing key',
    () => policy(HOOKS, `name: 'own'`),
    /: missing key: summary; expected: string$/,
  ],
  [
    'a parameter that is none',
    () => policy(`${HOOKS}, params: { most: 3 }`),
    /: invalid parameter: most; expected: int\(\), choice\(\) or flag\(\)$/,
  ],
  [
    'another version of the contract',
    () => policy(`api: 2, ${HOOKS}`),
    /: unsupported policy api: 2; expected: 1$/,
  ],
  [
    'a hook that is no function',
    () => policy('hooks: () => ({ wpReuse: 3 })'),
    /: invalid hook: wpReuse is number; expected: function$/,
  ],
  [
    'an answer where a hook belongs',
    () => policy('hooks: () => ({ wpReuse: () => 0, swapinWritable: () => true })'),
    /: invalid hook: swapinWritable is function; expected: boolean$/,
  ],
  [
    'tables of no kind',
    () => policy(`hooks: () => ({ wpReuse: () => 0, tables: 'own' })`),
    /: invalid hook: tables is own; expected: copy, lazy, owner, accounted$/,
  ],
  [
    'hooks that come later',
    () => policy('hooks: async () => ({ wpReuse: () => 0 })'),
    /: invalid hooks: a promise; hooks may not be async$/,
  ],
  [
    'a capability that nobody needs',
    () => policy(`${HOOKS}, lacks: ['ksm', 'tph']`),
    /: unknown capability that policy own lacks: tph; did you mean thp\? available: collapse, ksm, soft-dirty, swap, thp, uffd-minor, uffd-wp, uffd-wp-shmem$/,
  ],
  [
    'a kernel that there is no era for',
    () => policy(HOOKS, ABOUT.replace('6.18', '6.17')),
    /own-\d+\.ts:.* unknown kernel of policy own: 6\.17; did you mean 6\.1\? available: 5\.6, 5\.7, 5\.8, /,
  ],
  ['hooks that throw', () => policy(`hooks: () => { throw new Error('no hooks') }`), /: no hooks$/],
  [
    'a name that is taken',
    () => policy(HOOKS, ABOUT.replace('own', 'mapcount')),
    /: invalid policy name: mapcount comes with the program; expected another$/,
  ],
  [
    'a name that is no file name',
    () => policy(HOOKS, ABOUT.replace('own', 'My rule')),
    /: invalid policy name: My rule; expected lower case letters, digits and hyphens$/,
  ],
])('a policy file is refused for %s', async (_, path, line) => {
  const error = await loadPolicy(path()).catch((reason: Error) => reason)
  expect(error).toBeInstanceOf(Error)
  expect((error as Error).message).toMatch(line)
  expect((error as Error).message).not.toContain('\n')
})

const workload = (spec: string): string =>
  file(`import { defineWorkload } from 'cowbench'
    export default defineWorkload({ name: 'mine', summary: '', params: {}, ${spec} })`)

test('a workload file is loaded or refused in the same way', async () => {
  expect((await loadWorkload(workload('generate: () => {}'))).definition.name).toBe('mine')
  for (const [path, line] of [
    [
      file('export const a = 1'),
      /: missing default export; expected: export default defineWorkload/,
    ],
    [workload('generat: () => {}'), /: unknown key: generat; did you mean generate\?/],
    [workload('summry: 1, generate: () => {}'), /: unknown key: summry; did you mean summary\?/],
    [workload('api: 3, generate: () => {}'), /: unsupported workload api: 3; expected: 1$/],
    [
      workload(`generate: () => {}, needs: () => ['tph']`),
      /: unknown capability that workload mine needs: tph; did you mean thp\?/,
    ],
    [
      workload(`generate: () => {}, needs: () => { throw new Error('no\\nneeds') }`),
      /: invalid needs of workload mine: they throw: no$/,
    ],
    ['zigote', /^unknown workload: zigote; did you mean zygote\? /],
  ] as const) {
    await expect(loadWorkload(path)).rejects.toThrow(line)
  }
})
