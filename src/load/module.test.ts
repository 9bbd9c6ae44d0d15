/** module.test: a file of one's own is known by all that it is made of, and what it imports is there. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pageIn } from '../test/page-state.ts'
import { loadPolicy } from './policies.ts'

let home: string
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'cowbench module '))
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

let folders = 0
/** Writes files into a folder of their own; the path of the first. */
function written(files: Readonly<Record<string, string>>): string {
  const folder = join(home, String(++folders))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return join(folder, Object.keys(files)[0] ?? '')
}

const rule = (head: string, answer: string): string => `import { definePolicy } from 'cowbench'
${head}
export default definePolicy({ name: 'own', summary: '', era: '', kernel: '6.18',
  hooks: () => ({ wpReuse: () => ${answer} }) })`

const answerOf = async (path: string): Promise<number> =>
  (await loadPolicy(path)).definition.create({}).wpReuse(pageIn({}).k, 0)
const hashOf = async (path: string): Promise<string | undefined> =>
  (await loadPolicy(path)).file?.hash

/** A rule whose answer is two imports away; `last` is in the last file. */
const inParts = (last: string): Record<string, string> => ({
  'own.ts': rule(`import { answer } from './parts/first.ts'\nimport './parts/first.ts'`, 'answer'),
  'parts/first.ts': `export { answer } from '../second.ts'\nexport type { Odd } from './types.ts'`,
  'parts/types.ts': 'export type Odd = 1',
  'second.ts': `${last}\nimport './own.ts' // and round again`,
})

test('a file that imports others is another file when one of them was changed', async () => {
  const path = written(inParts('export const answer = 1'))
  const before = await hashOf(path)
  expect(await answerOf(path)).toBe(1)
  writeFileSync(join(dirname(path), 'second.ts'), 'export const answer = 2')
  expect(await answerOf(path)).toBe(2)
  expect(await hashOf(path)).not.toBe(before)
})

test('what is imported as a type is no part of it', async () => {
  const path = written(inParts('export const answer = 1'))
  const before = await hashOf(path)
  writeFileSync(join(dirname(path), 'parts/types.ts'), 'export type Odd = 3')
  expect(await hashOf(path)).toBe(before)
})

test('files and their hash are the same in another folder', async () => {
  const files = inParts('export const answer = 1')
  expect(await hashOf(written(files))).toBe(await hashOf(written(files)))
})

test.each([
  ['import()', `const { answer } = await import('./part.mjs')`, 'export const answer = 1'],
  ['JSON', `import part from './part.mjs.json'\nconst { answer } = part`, '{ "answer": 1 }'],
])('%s counts as well', async (_, head, text) => {
  const part = head.includes('json') ? 'part.mjs.json' : 'part.mjs'
  const hashes = [text, `${text} `].map((each) =>
    hashOf(written({ 'own.ts': rule(head, 'answer'), [part]: each })),
  )
  const [one, other] = await Promise.all(hashes)
  expect(one).not.toBe(other)
})

test('a file alone is known by its text', async () => {
  const path = written({ 'own.ts': rule('', '1') })
  const { createHash } = await import('node:crypto')
  const text = createHash('sha256').update(readFileSync(path)).digest('hex')
  expect(await hashOf(path)).toBe(text.slice(0, 16))
})

test('a file that is changed while it is loaded is refused', async () => {
  const path = written({
    'own.ts': rule(
      `import { appendFileSync } from 'node:fs'\nimport { fileURLToPath } from 'node:url'
       appendFileSync(fileURLToPath(import.meta.url), ' ')`,
      '1',
    ),
  })
  await expect(loadPolicy(path)).rejects.toThrow(
    `invalid policy file: ${path}: it was changed while it was loaded`,
  )
})

test.each([
  ['ts', `import { COPYY } from 'cowbench'`, 'COPYY', ':2:10', 'COPYY; did you mean COPY?'],
  ['mjs', `import { COPYY } from 'cowbench'`, '1', ':2:10', 'COPYY; did you mean COPY?'],
  [
    'ts',
    `import {\n  COPY as A,\n  REUSEE as B } from 'cowbench'`,
    'A + B',
    ':4:3',
    /^REUSEE; did/,
  ],
  ['ts', `export { COPYY } from 'cowbench'`, '1', ':2:10', 'COPYY; did you mean COPY?'],
  ['ts', `import cow from 'cowbench'`, 'cow.COPY', ':2:8', /^default; /],
  ['ts', `import { q } from 'cowbench'`, 'q', ':2:10', 'q; cowbench exports no such value'],
])(
  'a name that cowbench does not export is refused in a .%s file: %s',
  async (extension, head, answer, place, line) => {
    const path = written({ [`own.${extension}`]: rule(head, answer) })
    const start = `invalid policy file: ${path}${place}: unknown import: `
    const { message } = (await loadPolicy(path).catch((error: Error) => error)) as Error
    expect(message.slice(0, start.length)).toBe(start)
    if (typeof line === 'string') expect(message.slice(start.length)).toBe(line)
    else expect(message.slice(start.length)).toMatch(line)
  },
)

test('it is refused in a file that is imported too', async () => {
  const path = written({
    'own.ts': rule(`import { answer } from './part.ts'`, 'answer'),
    'part.ts': `import { COPYY } from 'cowbench'\nexport const answer = COPYY`,
  })
  await expect(loadPolicy(path)).rejects.toThrow(
    `invalid policy file: ${path}: unknown import: COPYY; did you mean COPY? at ${dirname(path)}/part.ts:1:10`,
  )
})

test('a type may be imported like a value', async () => {
  const path = written({
    'own.ts': rule(`import { Kernel, type Verdict } from 'cowbench'`, '1 as Verdict').replace(
      'wpReuse: ()',
      'wpReuse: (k: Kernel)',
    ),
  })
  expect(await answerOf(path)).toBe(1)
})
