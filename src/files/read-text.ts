/** readText: the text of a file that the user named. Throws FileError if it cannot be read. */
import { readFileSync } from 'node:fs'
import { FileError } from './file-error.ts'

export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new FileError(file, 'read', error)
  }
}
