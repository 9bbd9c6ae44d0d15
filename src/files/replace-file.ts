/** replaceFile: puts a whole file in place at once, so that a crash or a full disk leaves the old file or the new one. */
import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { FileError } from './file-error.ts'

/** Throws FileError if that cannot be done. */
export function replaceFile(path: string, content: string | Uint8Array): void {
  try {
    const old = statSync(path, { throwIfNoEntry: false })
    // A device or a pipe is written to; in its place a file would serve nobody.
    if (old !== undefined && !old.isFile()) writeFileSync(path, content)
    else replace(old === undefined ? path : writable(path), Buffer.from(content), old?.mode)
  } catch (error) {
    throw new FileError(path, 'written', error)
  }
}

/** The file itself, not a link to it. Throws if it is write-protected: a rename would not mind. */
function writable(path: string): string {
  accessSync(path, constants.W_OK)
  return realpathSync(path)
}

function replace(path: string, bytes: Uint8Array, mode: number | undefined): void {
  const partial = `${path}.partial`
  const fd = openSync(partial, 'w', mode)
  try {
    try {
      writeAll(fd, bytes)
    } finally {
      closeSync(fd)
    }
    renameSync(partial, path)
  } catch (error) {
    rmSync(partial, { force: true })
    throw error
  }
}

/** Writes all of `text` to disk. Throws FileError that names the file `path` if that cannot be done. */
export function writeWhole(fd: number, path: string, text: string): void {
  try {
    writeAll(fd, Buffer.from(text))
  } catch (error) {
    throw new FileError(path, 'written', error)
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done)
  fsyncSync(fd)
}
