/** program: does what the words of a command line say; refuses in one line what means nothing. */
import { packageVersion } from '../load/package.ts'
import { unknown } from '../params/closest.ts'
import { allCommands, COMMANDS } from './commands.ts'
import { completionsOf } from './completion.ts'
import { Guard } from './own-files/guard.ts'
import { endWithStreams, print, say, wantsColor } from './shell/streams.ts'
import { COMPLETING, SHELLS, shellIn } from './words/answers.ts'
import { readPlainly } from './words/plain-words.ts'
import { UsageError, usageMessage } from './words/usage-error.ts'

const NAMES = [...Object.keys(COMMANDS), 'completion']

const GUIDE = `cowbench compares Linux copy-on-write page-reuse policies.

  cowbench list policies              what can be compared
  cowbench list workloads             and on what
  cowbench run --quick                all of it, small, within a minute
  cowbench run --policy page-count,mm-id --workload snapshot --seeds 5 --report
  cowbench litmus --policy mapcount   small tests that say what they expect
  cowbench check mapcount             the shortest story in which a policy fails
  cowbench COMMAND --help             flags and examples

Commands: ${NAMES.join(', ')}. Results go to results/NAME/.`

/** Help is wrapped to the terminal, and to this where there is none or a wider one. */
export const HELP_WIDTH = 100

export async function runProgram(words: readonly string[]): Promise<void> {
  const guard = new Guard(fail)
  endWithStreams((error) => {
    if (error !== undefined) fail(error)
    guard.end()
    process.exit()
  })
  try {
    await obey(words, Math.min(HELP_WIDTH, process.stdout.columns || HELP_WIDTH))
  } catch (error) {
    guard.tell(error)
  }
  guard.end()
}

/** Does what `words` say, and throws what is wrong with them. */
export async function obey(words: readonly string[], width: number): Promise<void> {
  if (words.every((word) => /^--(no-)?color$/.test(word))) {
    print(GUIDE)
    return
  }
  if (words[0] === 'help') {
    await obey([...words.slice(1), '--help'], width)
    return
  }
  const shell = shellIn(words)
  if (shell !== undefined) {
    if (!SHELLS.some((known) => known === shell))
      throw new UsageError(unknown('shell', shell, SHELLS))
    // yargs asks these which script to print.
    process.env['SHELL'] = shell
    process.env['ZSH_NAME'] = ''
    const { parseWithYargs } = await import('./words/yargs-words.ts')
    await parseWithYargs(['completion'], [...(await allCommands()).values()], width)
    return
  }
  if (/^(--version|-v|-V)$/.test(words[0] ?? '')) {
    print(packageVersion())
    return
  }
  if (words[0] === COMPLETING) {
    const { completionWords } = await import('./words/completion-words.ts')
    for (const word of completionsOf(words.slice(2), await completionWords())) print(word)
    return
  }
  const name = commandIn(words)
  const [, , another] = words
  if (name === 'completion' && another?.startsWith('-') === false) {
    throw new UsageError(
      `unknown argument: ${another}; expected: cowbench completion ${SHELLS.join('|')}`,
    )
  }
  const command = await COMMANDS[name ?? '']?.()
  const argv = command && readPlainly(words, command)
  if (argv !== undefined) {
    await command?.handler(argv)
    return
  }
  const { parseWithYargs } = await import('./words/yargs-words.ts')
  await parseWithYargs(words, command ? [command] : [...(await allCommands()).values()], width)
}

/** The command that `words` name, before any flag but those of all commands; yargs would look at the others first. */
function commandIn(words: readonly string[]): string | undefined {
  const name = words.find((word) => !COMMON.test(word))
  if (name === undefined || NAMES.includes(name)) return name
  if (!name.startsWith('-')) throw new UsageError(unknown('command', name || '""', NAMES))
  const later = words.find((word) => NAMES.includes(word)) ?? 'COMMAND'
  throw new UsageError(`missing command before ${name}; expected: cowbench ${later} ${name}`)
}

/** Flags that may stand before the command. */
const COMMON = /^(--(no-)?color(=.*)?|--help|-h|--version)$/

/** Says one line for a mistake of the user's; for one of ours, all that helps to find it. */
export function fail(error: unknown): void {
  const color = process.argv.includes('--no-color')
    ? false
    : process.argv.includes('--color') || undefined
  const name = wantsColor(color, process.stderr) ? '\u001b[31mcowbench:\u001b[39m' : 'cowbench:'
  const mistake = usageMessage(error)
  say(`${name} ${mistake ?? (error instanceof Error ? error.stack : String(error))}`)
  process.exitCode = mistake === undefined ? 1 : 2
}
