/** usage-error: a mistake of the user's, told in one line; and which other errors are mistakes of that kind. */
import { FileError } from '../../files/file-error.ts'
import { LitmusError } from '../../litmus/litmus-error.ts'
import { PolicyFailure } from '../../load/checked-policy.ts'
import { strayMessage } from '../../load/strays.ts'

export class UsageError extends Error {}

/** The words that begin every message about a mistake in what was asked for. */
const VOCABULARY = /^(unknown|missing|invalid|unsupported|truncated) /

/** Whatever their message begins with. */
const TOLD = [UsageError, LitmusError, FileError] as const

/** The line for an error that the user can mend, or undefined if it is the program's own. */
export function usageMessage(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if (error instanceof PolicyFailure) return `invalid policy: ${error.policy}: ${error.message}`
  if (TOLD.some((type) => error instanceof type)) return error.message
  if (VOCABULARY.test(error.message)) return error.message
  const stray = strayMessage(error)
  if (stray !== undefined) return stray
  const { code, syscall, path } = error as NodeJS.ErrnoException
  // A file that cannot be opened is named by the system call; anything else about files is not the user's doing.
  if (path !== undefined && (syscall === 'open' || syscall === 'scandir' || syscall === 'mkdir')) {
    return code === 'ENOENT' ? `missing file: ${path}` : `invalid path: ${path} (${code})`
  }
  return undefined
}
