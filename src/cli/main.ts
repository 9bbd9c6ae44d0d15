#!/usr/bin/env node
/** main: the command line. Commands are declared here, and load what they need when they run. */
import { packageVersion } from '../load/package.ts'
import { unknown } from '../params/closest.ts'
import { calibrateCommand } from './calibrate.ts'
import { compareCommand } from './compare.ts'
import { completionsOf } from './completion.ts'
import type { Command } from './flag-table.ts'
import { listCommand } from './list.ts'
import { litmusCommand } from './litmus.ts'
import { liveCommand } from './live.ts'
import { mergeCommand } from './merge.ts'
import { recordCommand } from './record.ts'
import { refusal } from './refusal.ts'
import { reportCommand } from './report.ts'
import { runCommand } from './run.ts'
import { endQuietlyWhenClosed, print, say, wantsColor } from './streams.ts'
import { traceCommand } from './trace.ts'
import { UsageError, usageMessage } from './usage-error.ts'

const COMMANDS: Readonly<Record<string, Command>> = {
  run: runCommand,
  report: reportCommand,
  compare: compareCommand,
  merge: mergeCommand,
  list: listCommand,
  litmus: litmusCommand,
  trace: traceCommand,
  live: liveCommand,
  record: recordCommand,
  calibrate: calibrateCommand,
}
const NAMES = [...Object.keys(COMMANDS), 'completion']

const GUIDE = `cowbench compares Linux copy-on-write page-reuse policies.

  cowbench list policies              what can be compared
  cowbench list workloads             and on what
  cowbench run --quick                all of it, small, within a minute
  cowbench run --policy page-count,mm-id --workload snapshot --seeds 5 --report
  cowbench litmus --policy mapcount   small tests that say what they expect
  cowbench COMMAND --help             flags and examples

Commands: ${NAMES.join(', ')}. Results go to results/NAME/.`

/** How the completion script that yargs writes asks: this flag, the program, and the words so far. */
const COMPLETING = '--get-yargs-completions'

async function main(words: string[]): Promise<void> {
  if (words.every((word) => /^--(no-)?color$/.test(word))) {
    print(GUIDE)
    return
  }
  if (words[0] === '--version') {
    print(packageVersion())
    return
  }
  if (words[0] === COMPLETING) {
    for (const word of await completionsOf(words.slice(2), COMMANDS)) print(word)
    return
  }
  const name = words.find((word) => !word.startsWith('-'))
  // yargs would look at the flags first, and blame them.
  if (name !== undefined && !NAMES.includes(name)) {
    throw new UsageError(unknown('command', name, NAMES))
  }
  // Half of the time that a short command takes is spent on loading yargs.
  const { default: yargs } = await import('yargs')
  const parser = yargs(words)
    .scriptName('cowbench')
    .locale('en')
    .parserConfiguration({
      'dot-notation': false,
      'greedy-arrays': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'camel-case-expansion': false,
    })
    .usage('$0 COMMAND')
    .option('color', { boolean: true, describe: 'colour, or --no-color [for a terminal]' })
    .completion('completion', 'print a completion script for bash or zsh')
    .version(packageVersion())
    .alias('help', 'h')
    .wrap(Math.min(100, process.stdout.columns || 100))
    .demandCommand(1, 'missing command')
    .strict()
    .exitProcess(false)
    .fail((message, error) => {
      // yargs passes on what a command threw, and some of its own refusals in the same way.
      if (error !== undefined && error.name !== 'YError') throw error
      throw refusal(message, words, COMMANDS[name ?? ''] ?? NO_COMMAND)
    })
  for (const command of Object.values(COMMANDS)) parser.command(command)
  await parser.parseAsync()
}

/** Stands for the command where none was given. */
const NO_COMMAND: Command = { command: 'COMMAND', flags: {}, handler: () => {} }

/** One line for a mistake of the user's; for one of ours, all that helps to find it. */
function fail(error: unknown): void {
  const color = process.argv.includes('--no-color')
    ? false
    : process.argv.includes('--color') || undefined
  const name = wantsColor(color, process.stderr) ? '\u001b[31mcowbench:\u001b[39m' : 'cowbench:'
  const mistake = usageMessage(error)
  say(`${name} ${mistake ?? (error instanceof Error ? error.stack : String(error))}`)
  process.exitCode = mistake === undefined ? 1 : 2
}

endQuietlyWhenClosed()
try {
  await main(process.argv.slice(2))
} catch (error) {
  fail(error)
}
