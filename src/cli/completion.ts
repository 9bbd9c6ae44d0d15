/** completion: what the shell offers for the word under its cursor. */

export interface CompletionWords {
  /** By command. */
  readonly commands: Readonly<Record<string, CommandWords>>
  /** The values that are known, by flag. */
  readonly values: Readonly<Record<string, readonly string[]>>
}

interface CommandWords {
  readonly flags: readonly string[]
  readonly subcommands: readonly string[]
}

/** `words` is the line so far without the program, its last word the one to complete; none: files, says the shell. */
export function completionsOf(
  words: readonly string[],
  { commands, values }: CompletionWords,
): string[] {
  const current = words.at(-1) ?? ''
  const offer = (names: readonly string[]): string[] => {
    // `mapcount,mm-` is completed after the comma.
    const begun = current.slice(0, current.lastIndexOf(',') + 1)
    return names.map((name) => begun + name).filter((word) => word.startsWith(current))
  }
  if (words.length < 2) return offer([...Object.keys(commands), 'completion'])
  const command = under(words[0] ?? '', commands)
  if (command === undefined) return []
  const names = under(words.at(-2) ?? '', values)
  if (names !== undefined) return offer(names)
  if (current.startsWith('-')) return offer(command.flags)
  return words.length === 2 ? offer(command.subcommands) : []
}

function under<T>(word: string, table: Readonly<Record<string, T>>): T | undefined {
  return Object.hasOwn(table, word) ? table[word] : undefined
}
