/**
 * flag-table: the flags of a command, declared once: for yargs, for its help, for configuration files, and for the
 * refusal of what is given twice.
 */
import type { Argv, CommandModule } from 'yargs'
import { UsageError } from './usage-error.ts'

export interface Flag {
  /** A switch, one text, or a text for every repetition. */
  readonly kind: 'switch' | 'text' | 'texts'
  readonly what: string
  /** How the text is called in the help: `N`, `FILE`. */
  readonly value?: string
  readonly alias?: string
}

export type FlagTable = Readonly<Record<string, Flag>>

/** A command, with the flags that it has, so that a mistyped one can be told what it was meant to be. */
export interface Command extends CommandModule {
  readonly flags: FlagTable
  readonly subcommands?: readonly string[]
  /** Are the words after `--` a command of somebody else's? */
  readonly runsAnother?: boolean
  /** The flags of each subcommand, where they have not all the same. */
  readonly flagsOf?: Readonly<Record<string, FlagTable>>
  /** Words after the command's name to which it says the same every time: the build writes that down. */
  readonly constant?: readonly (readonly string[])[]
}

type ValueOf<F extends Flag> = F['kind'] extends 'switch'
  ? boolean
  : F['kind'] extends 'text'
    ? string
    : readonly string[]

/** What was given; a flag that was not is undefined. */
export type FlagValues<T extends FlagTable> = { readonly [K in keyof T]: ValueOf<T[K]> | undefined }

export function addFlags(yargs: Argv, table: FlagTable): Argv {
  for (const [name, { kind, what, value, alias }] of Object.entries(table)) {
    yargs.option(name, {
      ...(kind === 'switch' ? { boolean: true } : { string: true, requiresArg: true }),
      ...(kind === 'texts' ? { array: true } : {}),
      ...(alias === undefined ? {} : { alias }),
      describe: value === undefined ? what : `${value}: ${what}`,
    })
  }
  return yargs
}

/** Picks the flags of `table` out of what yargs made of the command line. */
export function readFlags<T extends FlagTable>(
  argv: Readonly<Record<string, unknown>>,
  table: T,
): FlagValues<T> {
  const values = Object.entries(table).map(([name, { kind }]) => {
    const value = argv[name]
    // yargs collects what is repeated; a flag that takes one value was given two.
    if (kind !== 'texts' && Array.isArray(value)) {
      throw new UsageError(`invalid --${name}: given twice: ${value.join(', ')}; expected one`)
    }
    return [name, value]
  })
  return Object.fromEntries(values) as FlagValues<T>
}

/** Refuses what was given of `unfit`: flags that would do nothing, `why` says beside what. */
export function refuseFlags<Name extends string>(
  given: { readonly [name in Name]?: unknown },
  unfit: readonly Name[],
  why: string,
): void {
  // A switch that was turned off does nothing anyway.
  const odd = unfit.find((name) => given[name] !== undefined && given[name] !== false)
  if (odd !== undefined) throw new UsageError(`unsupported --${odd} ${why}`)
}
