/** policies.test: a policy or workload file that is wrong is refused when it is loaded, in one line. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadPolicy } from './policies.ts'
import { loadWorkload } from './workloads.ts'

const POLICY_API = fileURLToPath(new URL('../policy/api.ts', import.meta.url))
const WORKLOAD_API = fileURLToPath(new URL('../workload/api.ts', import.meta.url))

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'cowbench own '))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

let files = 0
function file(text: string): string {
  const path = join(dir, `own-${++files}.ts`)
  writeFileSync(path, text)
  return path
}
const policy = (spec: string): string =>
  file(`import { definePolicy } from ${JSON.stringify(POLICY_API)}
    const about = { summary: '', era: '', kernel: '6.18' }
    export default definePolicy({ name: 'own', ...about, ${spec} })`)

test('one that comes with the program is found by name', async () => {
  expect(await loadPolicy('mapcount')).toMatchObject({ definition: { name: 'mapcount' } })
  expect(await loadWorkload('zygote')).toMatchObject({ definition: { name: 'zygote' } })
})

test('one of your own is loaded from its file, types and all', async () => {
  const path = policy(`hooks: () => ({ wpReuse: (k: unknown, pfn: number): number => pfn })`)
  const loaded = await loadPolicy(path)
  expect(loaded.definition.name).toBe('own')
  expect(loaded.file).toEqual({ path, hash: expect.stringMatching(/^[0-9a-f]{16}$/) })
  expect(loaded.definition.create({}).wpReuse(undefined as never, 9)).toBe(9)
})

test.each([
  ['wpReuse', `'banana'`, 'invalid answer of wpReuse: banana; expected a verdict'],
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
    expect(() => definition.create({})[hook](undefined as never, 0, false)).toThrow(line)
  },
)

test('a file that was changed is loaded again, with another hash', async () => {
  const path = policy('hooks: () => ({ wpReuse: () => 1 })')
  const before = await loadPolicy(path)
  writeFileSync(path, policyText(path).replace('=> 1', '=> 2'))
  const after = await loadPolicy(path)
  expect(after.definition.create({}).wpReuse(undefined as never, 0)).toBe(2)
  expect(after.file?.hash).not.toBe(before.file?.hash)
})

test.each<[string, () => string, RegExp]>([
  [
    'no such file',
    () => './nowhere.ts',
    /^missing policy file: \.\/nowhere\.ts cannot be read \(ENOENT\)$/,
  ],
  ['a syntax error', () => file('export default {'), /^invalid policy file: .*: /],
  [
    'no default export',
    () => file('export const a = 1'),
    /: its default export was not made by definePolicy$/,
  ],
  [
    'something else',
    () => file('export default 1'),
    /: its default export was not made by definePolicy$/,
  ],
  [
    'a hook that is no function',
    () => policy('hooks: () => ({ wpReuse: 3 as never })'),
    /: its hook wpReuse is number; expected function$/,
  ],
  [
    'an answer where a hook belongs',
    () => policy('hooks: () => ({ wpReuse: () => 0, swapinWritable: (() => true) as never })'),
    /: its hook swapinWritable is function; expected boolean$/,
  ],
  [
    'tables of no kind',
    () => policy(`hooks: () => ({ wpReuse: () => 0, tables: 'own' as never })`),
    /: its hook tables is own; expected copy, lazy, owner, accounted$/,
  ],
  [
    'hooks that throw',
    () => policy(`hooks: () => { throw new Error('no hooks') }`),
    /: its hooks cannot be made: no hooks$/,
  ],
  [
    'a name that is taken',
    () =>
      file(
        policyText(policy('hooks: () => ({ wpReuse: () => 0 })')).replace("'own'", "'mapcount'"),
      ),
    /: its name is taken: mapcount comes with the program$/,
  ],
])('a policy file is refused for %s', async (_, path, line) => {
  const error = await loadPolicy(path()).catch((reason: Error) => reason)
  expect(error).toBeInstanceOf(Error)
  expect((error as Error).message).toMatch(line)
  expect((error as Error).message).not.toContain('\n')
})

test('a workload file is loaded or refused in the same way', async () => {
  const path = file(`import { defineWorkload } from ${JSON.stringify(WORKLOAD_API)}
    export default defineWorkload({ name: 'mine', summary: '', params: {}, generate: () => {} })`)
  expect((await loadWorkload(path)).definition.name).toBe('mine')
  await expect(loadWorkload(file('export default {}'))).rejects.toThrow(
    /was not made by defineWorkload$/,
  )
  await expect(loadWorkload('zigote')).rejects.toThrow(
    /^unknown workload: zigote; did you mean zygote\? /,
  )
})

function policyText(path: string): string {
  return readFileSync(path, 'utf8')
}
