/** replaceFile: puts a whole file in place at once, so that a crash leaves the old file or the new one. */
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs'

export function replaceFile(path: string, text: string): void {
  const partial = `${path}.partial`
  const fd = openSync(partial, 'w')
  try {
    const bytes = Buffer.from(text)
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  renameSync(partial, path)
}
