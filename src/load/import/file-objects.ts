/**
 * file-objects: the numbers by which the trace names files and shared objects.
 */
import type { MappingRecord } from './perf-line.ts'

export class FileObjects {
  readonly #numbers = new Map<string, number>()

  /** The number of what a record maps: 0 for private memory without a file. */
  number({ file, name, flags }: MappingRecord): number {
    if (file) return this.#of(`file ${file}`)
    // The kernel's own pages, the same in every process: nobody writes them.
    if (/^\[(vdso|vvar|vsyscall|uprobes)/.test(name)) return this.#of(name)
    return flags.endsWith('s') ? this.unnamed() : 0
  }

  /** A number for a file whose identity was not recorded. */
  unnamed(): number {
    return this.#of(`unnamed ${this.#numbers.size}`)
  }

  #of(key: string): number {
    let number = this.#numbers.get(key)
    if (number === undefined) {
      number = this.#numbers.size + 1
      this.#numbers.set(key, number)
    }
    return number
  }
}
