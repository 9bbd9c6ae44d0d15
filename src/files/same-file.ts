/** isSameFile: do two paths lead to one file, by whatever links? False if there is none at the end of one. */
import { statSync } from 'node:fs'

export function isSameFile(path: string, other: string): boolean {
  const [a, b] = [path, other].map((each) => statSync(each, { throwIfNoEntry: false }))
  return a !== undefined && b !== undefined && a.isFile() && a.dev === b.dev && a.ino === b.ino
}
