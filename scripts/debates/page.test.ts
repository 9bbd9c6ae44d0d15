/** page.test: every number and picture of docs/debates.md is what its commands give. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { shows } from '../picture.ts'
import { renewed } from './page.ts'

const DOCS = fileURLToPath(new URL('../../docs', import.meta.url))

test('docs/debates.md says what its commands print; else read it again after npm run debates', () => {
  const made = mkdtempSync(join(tmpdir(), 'cowbench-debates-'))
  const page = readFileSync(join(DOCS, 'debates.md'), 'utf8')
  const { text, pictures } = renewed(page, made)
  rmSync(made, { recursive: true, force: true })
  expect(page).toBe(text)

  expect(readdirSync(join(DOCS, 'debates'))).toEqual(pictures.map(({ file }) => file).sort())
  for (const { file, spec } of pictures) {
    const svg = readFileSync(join(DOCS, 'debates', file), 'utf8')
    expect(shows(svg, spec), `${file} is drawn from other rows`).toBe(true)
  }
}, 600_000)

test('a large number in the words of docs/debates.md stands in a table of its debate too', () => {
  const [, ...debates] = readFileSync(join(DOCS, 'debates.md'), 'utf8').split(/^## /m)
  expect(debates).toHaveLength(6)
  for (const debate of debates) {
    const [tables, words] = debate.split('**What follows.**')
    for (const number of words?.match(/[0-9]+,[0-9]{3}/g) ?? [])
      expect(tables?.includes(` ${number} `), `${number} in ${debate.split('\n')[0]}`).toBe(true)
  }
})

test('a command that fails is an error, not a page without it', () => {
  const page = '```sh\nnpx cowbench run --policy nobody\n```\n\n<!-- output -->\n\n<!-- end -->\n'
  expect(() => renewed(page, tmpdir())).toThrow(/exit code 2\n.*unknown policy: nobody/)
})
