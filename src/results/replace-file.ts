/** replaceFile: puts a whole file in place at once, so that a crash leaves the old file or the new one. */
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs'

export function replaceFile(path: string, text: string): void {
  const partial = `${path}.partial`
  const fd = openSync(partial, 'w')
  try {
    writeWhole(fd, path, text)
  } finally {
    closeSync(fd)
  }
  renameSync(partial, path)
}

/** The disk is full, the user's share of it is used up, or no file may be so large. */
const NO_SPACE = ['ENOSPC', 'EDQUOT', 'EFBIG']

/** Writes all of `text` to disk. Throws Error in one line that names the file `path` if there is no space for it. */
export function writeWhole(fd: number, path: string, text: string): void {
  const bytes = Buffer.from(text)
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done)
    fsyncSync(fd)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (!NO_SPACE.includes(code)) throw error
    throw new Error(`missing space: ${path} cannot be written (${code})`)
  }
}
