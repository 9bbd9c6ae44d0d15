/** refusal: what yargs refuses, in our words, with the closest valid name. */
import { unknown } from '../../params/closest.ts'
import type { Command } from './flag-table.ts'
import { UsageError } from './usage-error.ts'

/** Flags of every command. */
export const COMMON_FLAGS = ['color', 'no-color', 'help', 'version']

/** `message` is what yargs says about `words`, the command line. */
export function refusal(message: string, words: readonly string[], command: Command): UsageError {
  const unfit = /^Unknown arguments?: ([^,]+)/.exec(message)?.[1]
  if (unfit !== undefined) {
    // Of `-json` yargs makes four flags.
    const flag = words.find(
      (word) =>
        (word.replace(/^--?(no-)?|=.*$/g, '') === unfit && word !== unfit) ||
        (/^-[^-]./.test(word) && word.includes(unfit)),
    )
    if (flag === undefined) {
      const { subcommands } = command
      if (subcommands?.some((name) => words.includes(name)) === false) {
        return new UsageError(unknown(`${String(command.command)} command`, unfit, subcommands))
      }
      return new UsageError(`unknown argument: ${unfit}; expected: ${usage(command)}`)
    }
    const subcommand = words.find((word) => command.subcommands?.includes(word))
    const table = command.flagsOf?.[subcommand ?? ''] ?? command.flags
    const flags = [...Object.keys(table), ...COMMON_FLAGS].map((name) => `--${name}`)
    return new UsageError(unknown('flag', flag.replace(/=.*/, ''), flags))
  }
  const bare = /^Not enough arguments following: (.+)$/.exec(message)?.[1]
  if (bare !== undefined) {
    return new UsageError(`missing value: ${bare.length === 1 ? '-' : '--'}${bare}`)
  }
  if (message === 'missing command') {
    return new UsageError(`${message}: expected: ${usage(command)}`)
  }
  if (message.startsWith('Not enough non-option arguments')) {
    return new UsageError(`missing argument: expected: ${usage(command)}`)
  }
  return new UsageError(message)
}

/** How the command is called. */
export function usage({ command, subcommands }: Command): string {
  const named = String(command).includes(' ') ? undefined : subcommands?.join('|')
  return `cowbench ${named === undefined ? command : `${command} ${named} <file>`} (see --help)`
}
