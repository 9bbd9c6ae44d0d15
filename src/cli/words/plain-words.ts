/**
 * plain-words: a command line as most people write it, read without yargs, whose loading takes longer than Node.js.
 *
 * Whatever is not plain is left to yargs, which also words the refusals: there is one judge of what is wrong.
 */
import { parseArgs } from 'node:util'
import type { ArgumentsCamelCase } from 'yargs'
import type { Command } from './flag-table.ts'

/** What Node.js and yargs may read differently: quotes, several short flags in one, a bare dash, `--`, `true`. */
const NOT_PLAIN = /['"]|^-[^-].|^-{1,2}$|^(true|false)$|=$|^$/

/** What the handler of `command` is to be given, as yargs would give it; undefined if `words` are not plain. */
export function readPlainly(
  words: readonly string[],
  command: Command,
): ArgumentsCamelCase | undefined {
  const [name = '', ...places] = String(command.command).split(' ')
  if (words[0] !== name || words.some((word) => NOT_PLAIN.test(word))) return undefined
  // One that has commands of its own does nothing by itself.
  if (command.flagsOf !== undefined) return undefined
  const parsed = parsedBy(command, words.slice(1))
  if (parsed === undefined) return undefined
  const argv: ArgumentsCamelCase = { _: [name], $0: 'cowbench' }
  for (const [flag, { kind }] of Object.entries(command.flags)) {
    const given = parsed.values[flag]
    if (given === undefined) continue
    if (kind !== 'texts' && given.length > 1) return undefined
    argv[flag] = kind === 'texts' ? given : given[0]
  }
  return placed(parsed.positionals, places, argv)
}

function parsedBy({ flags }: Command, args: string[]) {
  const options = Object.entries(flags).map(([flag, { kind, alias }]) => [
    flag,
    {
      type: kind === 'switch' ? ('boolean' as const) : ('string' as const),
      multiple: true as const,
      ...(alias === undefined ? {} : { short: alias }),
    },
  ])
  try {
    return parseArgs({
      ...{ args, allowPositionals: true },
      options: Object.fromEntries(options) as Record<string, { type: 'string'; multiple: true }>,
    })
  } catch {
    return undefined
  }
}

/** Puts the words that are no flags in their `places`: `<one>`, `[one]`, `<all..>` or `[all..]`. */
function placed(
  words: readonly string[],
  places: readonly string[],
  argv: ArgumentsCamelCase,
): ArgumentsCamelCase | undefined {
  let taken = 0
  for (const place of places) {
    const [, bracket, name = '', rest] = /^([<[])(.+?)(\.\.)?[>\]]$/.exec(place) ?? []
    if (bracket === '<' && taken === words.length) return undefined
    if (rest !== undefined) {
      argv[name] = words.slice(taken)
      taken = words.length
    } else if (taken < words.length) argv[name] = words[taken++]
  }
  return taken === words.length ? argv : undefined
}
