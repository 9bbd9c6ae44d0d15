/** completion: what the shell offers for the word under its cursor. */
import type { Command } from './flag-table.ts'
import { COMMON_FLAGS } from './refusal.ts'

/** The words whose names are known, after a flag or a command. */
const NAMES: Readonly<Record<string, () => Promise<readonly string[]>>> = {
  '--policy': policies,
  '--against': policies,
  '--workload': async () =>
    (await import('../../workloads/index.ts')).WORKLOADS.map(({ name }) => name),
  '--kernel': async () => (await import('../sim/kernels.ts')).KERNELS.map(({ name }) => name),
  '--metric': async () => (await import('../metrics/schema.ts')).METRICS.map(({ id }) => id),
  '--cost': async () => Object.keys((await import('../metrics/cost.ts')).COST_PROFILES),
  '--oracle': async () => ['epoch', 'eager'],
  '--swap': async () => ['zram', 'disk'],
  '--format': async () => (await import('../report/table.ts')).TABLE_FORMATS,
}

async function policies(): Promise<readonly string[]> {
  return (await import('../../policies/index.ts')).POLICIES.map(({ name }) => name)
}

/** `words` is the line so far without the program, its last word the one to complete; none: files, says the shell. */
export async function completionsOf(
  words: readonly string[],
  commands: Readonly<Record<string, Command>>,
): Promise<string[]> {
  const current = words.at(-1) ?? ''
  const offer = (names: readonly string[]): string[] => {
    // `mapcount,mm-` is completed after the comma.
    const begun = current.slice(0, current.lastIndexOf(',') + 1)
    return names.map((name) => begun + name).filter((word) => word.startsWith(current))
  }
  if (words.length < 2) return offer([...Object.keys(commands), 'completion'])
  const command = commands[words[0] ?? '']
  if (command === undefined) return []
  const names = await NAMES[words.at(-2) ?? '']?.()
  if (names !== undefined) return offer(names)
  if (current.startsWith('-')) {
    return offer([...Object.keys(command.flags), ...COMMON_FLAGS].map((flag) => `--${flag}`))
  }
  return words.length === 2 ? offer(command.subcommands ?? []) : []
}
