#!/usr/bin/env node
/** main: the command line. Commands are declared here and load what they need when they run. */
import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import { packageVersion } from '../load/package.ts'
import { unknown } from '../params/closest.ts'
import { completions } from './completion.ts'
import { listCommand } from './list.ts'
import { litmusCommand } from './litmus.ts'
import { mergeCommand } from './merge.ts'
import { reportCommand } from './report.ts'
import { runCommand } from './run.ts'
import { endQuietlyWhenClosed, print, say, wantsColor } from './streams.ts'
import { traceCommand } from './trace.ts'
import { UsageError, usageMessage } from './usage-error.ts'

const COMMANDS = {
  run: runCommand,
  report: reportCommand,
  merge: mergeCommand,
  list: listCommand,
  litmus: litmusCommand,
  trace: traceCommand,
}

const GUIDE = `cowbench compares Linux copy-on-write page-reuse policies.

  cowbench list policies                       what can be compared
  cowbench list workloads                      and on what
  cowbench run --quick                         all of it, small, in a minute
  cowbench run --policy page-count,mm-id --workload snapshot --seeds 5 --report
  cowbench litmus --policy mapcount            small tests with a known right answer
  cowbench COMMAND --help                      flags and examples

Commands: ${[...Object.keys(COMMANDS), 'completion'].join(', ')}. Results go to results/NAME/.`

async function main(words: string[]): Promise<void> {
  const command = words.find((word) => !word.startsWith('-'))
  if (words.every((word) => /^--(no-)?color$/.test(word))) {
    print(GUIDE)
    return
  }
  // yargs would check the flags first, and blame them.
  const commands = [...Object.keys(COMMANDS), 'completion']
  if (command !== undefined && !commands.includes(command)) {
    throw new UsageError(unknown('command', command, commands))
  }
  const parser = yargs(words)
    .scriptName('cowbench')
    .locale('en')
    .parserConfiguration({
      'dot-notation': false,
      'greedy-arrays': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'camel-case-expansion': false,
      'strip-aliased': true,
    })
    .usage('$0 COMMAND')
    .option('color', { boolean: true, describe: 'colour, or --no-color [for a terminal]' })
    .completion('completion', 'print a completion script for bash or zsh', completions)
    .version(packageVersion())
    .help()
    .alias('help', 'h')
    .wrap(Math.min(100, process.stdout.columns || 100))
    .demandCommand(1, 1, 'missing command', 'unknown argument')
    .strict()
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new UsageError(refusal(message, flagsOf(command)))
    })
  for (const module of Object.values(COMMANDS)) parser.command(module)
  await parser.parseAsync()
}
