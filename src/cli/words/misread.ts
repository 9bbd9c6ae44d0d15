/** misread: words that yargs would take for something else than they look like, or for nothing at all: refused before. */
import type { Command } from './flag-table.ts'
import { usage } from './refusal.ts'
import { UsageError } from './usage-error.ts'

/** `words` as yargs may have them. Throws UsageError for the first that it would misread. */
export function readable(words: readonly string[], command: Command): readonly string[] {
  const end = words.indexOf('--')
  if (end !== -1 && command.runsAnother) {
    refuseMisread(words.slice(0, end), command)
    return words
  }
  const after = end === -1 ? [] : words.slice(end + 1)
  const odd = after.find((word) => word.startsWith('-'))
  if (odd !== undefined) {
    throw new UsageError(`unsupported argument after --: ${odd}; expected no more flags`)
  }
  const all = end === -1 ? words : [...words.slice(0, end), ...after]
  refuseMisread(all, command)
  return all
}

function refuseMisread(words: readonly string[], command: Command): void {
  for (const [index, word] of words.entries()) {
    if (word === '') {
      const before = words[index - 1] ?? ''
      throw takesValue(command, before.replace(/^--?/, ''))
        ? new UsageError(`missing value: ${before}`)
        : new UsageError(`unknown argument: ""; expected: ${usage(command)}`)
    }
    if (word === '-') {
      throw new UsageError(
        'unsupported argument: -; expected a file (of standard input: /dev/stdin)',
      )
    }
    const [, name = '', value] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? []
    const positive = name.replace(/^no-/, '')
    if (positive !== name && takesValue(command, positive)) {
      throw new UsageError(`unsupported --${name}: --${positive} takes a value`)
    }
    if (value === '') throw new UsageError(`missing value: --${name}`)
    if (value !== undefined && isSwitch(command, name) && !/^(true|false)$/.test(value)) {
      throw new UsageError(`invalid --${name}: ${value}; expected no value`)
    }
  }
}

function takesValue({ flags }: Command, name: string): boolean {
  const [, flag] =
    Object.entries(flags).find(([each, { alias }]) => each === name || alias === name) ?? []
  return flag !== undefined && flag.kind !== 'switch'
}

function isSwitch({ flags }: Command, name: string): boolean {
  return /^(color|help|version)$/.test(name) || flags[name]?.kind === 'switch'
}
