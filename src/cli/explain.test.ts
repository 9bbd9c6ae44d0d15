/** explain.test: the examples of the help and of the README show something. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const file = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))

function cowbench(...words: string[]): string {
  const main = file('dist/src/cli/main.js')
  const { status, stdout } = spawnSync(process.execPath, [main, ...words], { encoding: 'utf8' })
  expect([words.join(' '), status]).toEqual([words.join(' '), 0])
  return stdout
}

test('what is called interesting in an example is there to be told', () => {
  // As it is written: the help wraps it.
  const texts = ['src/cli/explain.ts', 'README.md'].map((name) => readFileSync(file(name), 'utf8'))
  const examples = texts.flatMap((text) => [
    ...text.matchAll(/(?:cowbench|\$0) (explain --workload (?:[\w-]+ )+--only interesting)/g),
  ])
  expect(examples.length).toBe(2)
  for (const [, words = ''] of examples) {
    expect(cowbench(...words.split(' '))).toContain('\n      oracle     missed reuse: ')
  }
})
