/**
 * page-size: which base pages the recording machine had, from the alignment of everything that it mapped.
 *
 * perf script prints no page size. With pages of 64 KiB every mapping begins and ends at a multiple of that; with
 * 4 KiB a program's own segments and libraries already do not.
 */
import type { MappingRecord } from './perf-line.ts'
import { USER_END } from './place-fault.ts'

const KIB = 1024
/** Pages of 16 and of 64 KiB exist. */
const LARGEST = 64 * KIB
const ALIGNED_TO = [64 * KIB, 16 * KIB] as const
/** Fewer mappings may be aligned by chance. */
const ENOUGH = 8

export class PageSize {
  #mappings = 0
  /** Bits below 64 KiB that any start or length had. */
  #bits = 0

  take({ start, length }: MappingRecord): void {
    if (start >= USER_END) return
    this.#mappings++
    this.#bits |= (start % LARGEST) | (length % LARGEST)
  }

  /** Throws Error in one line, naming `file`, if the pages cannot have been of 4 KiB. */
  refuseLarge(file: string): void {
    const size = ALIGNED_TO.find((bytes) => this.#bits % bytes === 0)
    if (size === undefined || this.#mappings < ENOUGH) return
    throw new Error(
      `unsupported page size: ${size / KIB} KiB, by the alignment of all ${this.#mappings} mappings in ${file}; ` +
        'available: 4 KiB',
    )
  }
}
