/**
 * answers: writes down what the program says to the same words every time: help, lists, completion. `npm run build`
 * runs it, so that a new command has nothing to add.
 *
 * Usage: node dist/scripts/answers.js [FILE]
 */
import { writeFileSync } from 'node:fs'
import { allCommands } from '../src/cli/commands.ts'
import { HELP_WIDTH, obey } from '../src/cli/program.ts'
import { ANSWERS, type Answers, SHELLS, type Shell } from '../src/cli/words/answers.ts'
import { completionWords } from '../src/cli/words/completion-words.ts'

const texts: Record<string, string> = {}
for (const words of await constantLines()) texts[JSON.stringify(words)] = await said(words)
const answers: Answers = {
  ...{ texts, scripts: await scripts(), completion: await completionWords(), width: HELP_WIDTH },
}
writeFileSync(process.argv[2] ?? ANSWERS, JSON.stringify(answers))

/** Every command line whose answer depends on nothing but the program. */
async function constantLines(): Promise<string[][]> {
  const lines: string[][] = [[], ['--help'], ['--version']]
  for (const [name, { subcommands = [], constant = [] }] of await allCommands()) {
    lines.push([name, '--help'], ...subcommands.map((sub) => [name, sub, '--help']))
    lines.push(...constant.map((words) => [name, ...words]))
  }
  return lines
}

async function scripts(): Promise<Record<Shell, string>> {
  delete process.env['ZSH_NAME']
  const written: [Shell, string][] = []
  for (const shell of SHELLS) {
    process.env['SHELL'] = shell
    written.push([shell, await said(['completion'])])
  }
  return Object.fromEntries(written) as Record<Shell, string>
}

async function said(words: readonly string[]): Promise<string> {
  const { write } = process.stdout
  let text = ''
  process.stdout.write = (chunk: string | Uint8Array): boolean => {
    text += chunk
    return true
  }
  try {
    await obey(words, HELP_WIDTH)
  } finally {
    process.stdout.write = write
  }
  return text
}
