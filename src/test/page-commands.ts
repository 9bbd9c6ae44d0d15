/**
 * page-commands: a page of the documentation, followed to the letter in an empty folder.
 *
 * A `ts` block whose first line is `// FILE` is that file. A `console` block holds commands behind `$ ` and what they
 * print: `...` alone stands for any lines, in a line for any part of it.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const ANYTHING = '...'

export function readPage(name: string): string {
  return readFileSync(join(ROOT, 'docs', name), 'utf8')
}

interface Command {
  readonly line: string
  readonly shown: readonly string[]
  readonly code: number
}

/** Does all that the page says, in its order. Returns the number of commands. */
export function follow(page: string): number {
  const home = mkdtempSync(join(tmpdir(), 'cowbench docs '))
  try {
    const folder = join(home, 'empty folder')
    mkdirSync(folder)
    const path = `${programFolder(home)}${delimiter}${process.env['PATH']}`
    let commands = 0
    for (const [, kind, text = ''] of page.matchAll(/^```(console|ts)\n([\s\S]*?)^```/gm)) {
      if (kind === 'ts') {
        const [, file] = /^\/\/ (\S+\.ts)\n/.exec(text) ?? []
        if (file !== undefined) writeFileSync(join(folder, file), text)
        continue
      }
      for (const command of commandsOf(text)) {
        expectShown(command, folder, path)
        commands++
      }
    }
    return commands
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

/** A folder with nothing but `cowbench`. */
function programFolder(home: string): string {
  const folder = join(home, 'bin')
  mkdirSync(folder)
  const main = join(ROOT, 'dist/src/cli/main.js')
  const program = join(folder, 'cowbench')
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`)
  chmodSync(program, 0o755)
  return folder
}

function commandsOf(block: string): Command[] {
  return block
    .split(/^\$ /m)
    .slice(1)
    .map((text) => {
      const [line = '', ...lines] = text.trimEnd().split('\n')
      const code = Number(/^\[exit code (\d+)\]$/.exec(lines.at(-1) ?? '')?.[1] ?? 0)
      return { line, shown: code === 0 ? lines : lines.slice(0, -1), code }
    })
}

function expectShown({ line, shown, code }: Command, cwd: string, path: string): void {
  const { status, stdout, stderr } = spawnSync('sh', ['-c', `${line} 2>&1`], {
    ...{ cwd, encoding: 'utf8', env: { ...process.env, PATH: path } },
  })
  // Once more with what it says, so that a failure tells where the page is wrong.
  expect([line, status, status === code ? '' : stdout + stderr]).toEqual([line, code, ''])
  // What a command says goes to the terminal together; with `> file` nothing is left to compare.
  if (shown.length > 0) expect(`${line}\n${stdout}`).toMatch(matcherOf([line, ...shown]))
}

function matcherOf(shown: readonly string[]): RegExp {
  const lines = shown.map((line) => {
    if (line === ANYTHING) return '(?:.*\n)*'
    const parts = line.split(ANYTHING).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    // Nothing may follow where the rest of a line was left out, not even the space before it.
    return `${parts.join('.*').replace(/ \.\*$/, '.*')}\n`
  })
  return new RegExp(`^${lines.join('')}`)
}
