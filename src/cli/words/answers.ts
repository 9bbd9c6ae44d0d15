/**
 * answers: what the program says to the same words every time, from the text that the build made (scripts/answers.ts).
 *
 * Nothing but Node.js itself is loaded, and of that only what it has loaded anyway: even process.stdout is dear.
 */
import { readFileSync, writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import type { CompletionWords } from '../completion.ts'

export interface Answers {
  /** What is printed, by the words as JSON. */
  readonly texts: Readonly<Record<string, string>>
  /** The completion script of each shell. */
  readonly scripts: Readonly<Record<Shell, string>>
  readonly completion: CompletionWords
  /** How wide the texts are. */
  readonly width: number
}

export const SHELLS = ['bash', 'zsh'] as const
export type Shell = (typeof SHELLS)[number]

/** How the completion script that yargs writes asks: this flag, the program, and the words so far. */
export const COMPLETING = '--get-yargs-completions'

/** Beside the program that was built; nothing is there beside the sources. */
export const ANSWERS = new URL('../cli/answers.json', import.meta.url)

/** Prints the answer to `words`. False if the build made none. Throws what the system says if it cannot be printed. */
export async function answer(words: readonly string[]): Promise<boolean> {
  const answers = readAnswers()
  if (answers === undefined) return false
  const text = await answerOf(words, answers)
  // Help is wrapped to the terminal.
  if (text === undefined || (isatty(1) && process.stdout.columns < answers.width)) return false
  write(text)
  return true
}

async function answerOf(words: readonly string[], answers: Answers): Promise<string | undefined> {
  if (words[0] === COMPLETING) {
    const { completionsOf } = await import('../completion.ts')
    const offered = completionsOf(words.slice(2), answers.completion)
    return offered.map((word) => `${word}\n`).join('')
  }
  const shell = shellIn(words)
  if (shell !== undefined) return answers.scripts[shell as Shell]
  return answers.texts[JSON.stringify(words.map((word) => (word === '-h' ? '--help' : word)))]
}

/** The shell whose completion script `words` ask for, whether there is one or not: the one they name, or the user's. */
export function shellIn([command, shell, ...others]: readonly string[]): string | undefined {
  if (command !== 'completion' || shell?.startsWith('-') || others.length > 0) return undefined
  return shell ?? shellOf(process.env)
}

function shellOf({ SHELL = '', ZSH_NAME = '' }: NodeJS.ProcessEnv): string {
  if (SHELL.includes('zsh') || ZSH_NAME.includes('zsh')) return 'zsh'
  return SHELL.includes('fish') ? 'fish' : 'bash'
}

function readAnswers(): Answers | undefined {
  try {
    return JSON.parse(readFileSync(ANSWERS, 'utf8'))
  } catch {
    return undefined
  }
}

/** To stdout, as print() does: a reader that has seen enough is no error, and one that is slow is waited for. */
function write(text: string): void {
  const bytes = Buffer.from(text)
  let written = 0
  try {
    while (written < bytes.length) written += writeSync(1, bytes, written)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EPIPE') return
    if (code !== 'EAGAIN') throw error
    process.stdout.write(bytes.subarray(written))
  }
}
