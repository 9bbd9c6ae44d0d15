#!/usr/bin/env node
/**
 * main: the command line. What is the same every time is answered with text that the build made; the program, which
 * takes longer to load than Node.js itself, is for all else.
 */
import module from 'node:module'
import { answer } from './words/answers.ts'

const words = process.argv.slice(2)
const answered = await answer(words).catch(async (error: unknown) => {
  const { FileError } = await import('../files/file-error.ts')
  const { fail } = await import('./program.ts')
  fail(new FileError('standard output', 'written', error))
  return true
})
if (!answered) {
  // From Node.js 22.1 on, code that was compiled once need not be again.
  ;(module as { enableCompileCache?: () => void }).enableCompileCache?.()
  const { runProgram } = await import('./program.ts')
  await runProgram(words)
}
