/** commands: every command by its name, in the order of the help; each is loaded when it is wanted. */
import type { Command } from './words/flag-table.ts'

export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./run.ts')).runCommand,
  report: async () => (await import('./report.ts')).reportCommand,
  compare: async () => (await import('./compare.ts')).compareCommand,
  submit: async () => (await import('./submit.ts')).submitCommand,
  merge: async () => (await import('./merge.ts')).mergeCommand,
  list: async () => (await import('./list.ts')).listCommand,
  litmus: async () => (await import('./litmus.ts')).litmusCommand,
  explain: async () => (await import('./explain.ts')).explainCommand,
  init: async () => (await import('./init.ts')).initCommand,
  check: async () => (await import('./check.ts')).checkCommand,
  trace: async () => (await import('./trace.ts')).traceCommand,
  live: async () => (await import('./live.ts')).liveCommand,
  record: async () => (await import('./record.ts')).recordCommand,
  calibrate: async () => (await import('./calibrate.ts')).calibrateCommand,
  bench: async () => (await import('./bench.ts')).benchCommand,
}

export async function allCommands(): Promise<Map<string, Command>> {
  const loaded = Object.entries(COMMANDS).map(async ([name, load]) => [name, await load()] as const)
  return new Map(await Promise.all(loaded))
}
