/** write-a-policy.test: docs/write-a-policy.md, followed to the letter in an empty folder. */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { wholeMmBits, wholePageBits } from '../policy/own-bits.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PAGE = readFileSync(join(ROOT, 'docs/write-a-policy.md'), 'utf8')
const ANYTHING = '...'

let home: string
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'cowbench docs '))
  mkdirSync(join(home, 'bin'))
  mkdirSync(join(home, 'empty folder'))
  const main = join(ROOT, 'dist/src/cli/main.js')
  const program = join(home, 'bin', 'cowbench')
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`)
  chmodSync(program, 0o755)
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

interface Command {
  readonly line: string
  readonly shown: readonly string[]
  readonly code: number
}

/** Each `$ command` of the console blocks, with the lines that follow it. */
function commandsOf(page: string): Command[] {
  const blocks = [...page.matchAll(/^```console\n([\s\S]*?)^```/gm)].map(([, text = '']) => text)
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((text) => {
        const [line = '', ...lines] = text.trimEnd().split('\n')
        const code = Number(/^\[exit code (\d+)\]$/.exec(lines.at(-1) ?? '')?.[1] ?? 0)
        return { line, shown: code === 0 ? lines : lines.slice(0, -1), code }
      }),
  )
}

/** `...` alone: any lines; at the end of a line: any rest of it. */
function matcherOf(shown: readonly string[]): RegExp {
  const lines = shown.map((line) => {
    if (line === ANYTHING) return '(?:.*\n)*'
    const cut = line.endsWith(` ${ANYTHING}`)
    const text = cut ? line.slice(0, -ANYTHING.length - 1) : line
    return `${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}${cut ? '.*' : ''}\n`
  })
  return new RegExp(`^${lines.join('')}`)
}

test('every command of the page does what the page shows', () => {
  const commands = commandsOf(PAGE)
  expect(commands.length).toBeGreaterThanOrEqual(10)
  const { PATH } = process.env
  for (const { line, shown, code } of commands) {
    const { status, stdout, stderr } = spawnSync('sh', ['-c', `${line} 2>&1`], {
      ...{ cwd: join(home, 'empty folder'), encoding: 'utf8' },
      env: { ...process.env, PATH: `${join(home, 'bin')}${delimiter}${PATH}` },
    })
    // Once more with what it says, so that a failure tells where the page is wrong.
    expect([line, status, status === code ? '' : stdout + stderr]).toEqual([line, code, ''])
    // What a command says goes to the terminal together; with `> file` nothing is left to compare.
    if (shown.length > 0) expect(`${line}\n${stdout}`).toMatch(prefixed(line, matcherOf(shown)))
  }
})

function prefixed(line: string, matcher: RegExp): RegExp {
  const text = `${line}\n`.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${text}${matcher.source.slice(1)}`)
}

test('the page names every moment of bits of one’s own', () => {
  const moments = [wholePageBits({ width: 1 }), wholeMmBits({ width: 1 })].flatMap((bits) =>
    Object.keys(bits ?? {}),
  )
  expect(moments.length).toBeGreaterThan(10)
  expect(moments.filter((moment) => !PAGE.includes(`\`${moment}`))).toEqual([])
})
