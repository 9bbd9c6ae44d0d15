/** createFile: writes a file that does not exist yet, or leaves none. Throws FileError, with the code EEXIST if it does. */
import { rmSync, writeFileSync } from 'node:fs'
import { FileError } from './file-error.ts'

export function createFile(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: 'wx' })
  } catch (error) {
    // Whoever was there first stays.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') rmSync(path, { force: true })
    throw new FileError(path, 'written', error)
  }
}
