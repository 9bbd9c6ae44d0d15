/** yargs-words: a command line in any form that yargs understands, and its help; loading yargs takes longer than Node.js. */
import yargs from 'yargs'
import { packageVersion } from '../../load/package.ts'
import type { Command } from './flag-table.ts'
import { readable } from './misread.ts'
import { refusal } from './refusal.ts'

/** Runs the one of `commands` that `words` name, or prints the help that they ask for, wrapped to `width` columns. */
export async function parseWithYargs(
  words: readonly string[],
  commands: readonly Command[],
  width: number,
): Promise<void> {
  const [first = NO_COMMAND, another] = commands
  const command = another === undefined ? first : NO_COMMAND
  const parser = yargs(readable(words, command))
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
    .wrap(width)
    .demandCommand(1, 'missing command')
    .strict()
    .exitProcess(false)
    .fail((message, error) => {
      // yargs passes on what a command threw, and some of its own refusals in the same way.
      if (error !== undefined && error.name !== 'YError') throw error
      throw refusal(message, words, command)
    })
  for (const each of commands) parser.command(each)
  await parser.parseAsync()
}

/** Stands for the command where none was given. */
const NO_COMMAND: Command = { command: 'COMMAND', flags: {}, handler: () => {} }
