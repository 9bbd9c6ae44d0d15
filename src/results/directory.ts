/** Results directory: when one may be written to, and what is removed first. */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expectUnused, isMark, takeForUse } from './in-use.ts'
import { JOURNAL } from './journal.ts'

export const MANIFEST = 'manifest.json'

/** All that a run and its report leave in a results directory. */
const OURS = [MANIFEST, JOURNAL, 'rows.csv', 'summary.csv', 'charts', 'report.html']
/** The end of a file's name while it is written. */
const PARTIAL = '.partial'
/** Either shows that a run made the directory: one that was killed at its very beginning may have left the second. */
const MARKS = [MANIFEST, MANIFEST + PARTIAL]

export type IfExists = 'refuse' | 'overwrite' | 'resume'

/**
 * Makes `dir` ready for results, and this process's until it ends. Throws Error in one line if it exists and must not be
 * touched: without permission, because another process has it, or because it holds something that no run wrote.
 */
export function claimDirectory(dir: string, ifExists: IfExists): void {
  if (existsSync(dir)) {
    const files = listing(dir).filter((file) => !isMark(file))
    if (files.length > 0 && !MARKS.some((mark) => files.includes(mark))) {
      throw new Error(`invalid results directory: ${dir}; expected one that run made, or none`)
    }
    expectUnused(dir)
    if (files.length > 0 && ifExists === 'refuse') {
      throw new Error(
        `invalid results directory: ${dir} exists; expected another --name, --overwrite or --resume`,
      )
    }
  }
  makeFolder(dir)
  takeForUse(dir)
  if (ifExists === 'overwrite') {
    for (const file of OURS.flatMap((name) => [name, name + PARTIAL])) {
      rmSync(join(dir, file), { recursive: true, force: true })
    }
  }
}

/** As mkdirSync with `recursive`, which never returns where folders cannot be made though their parent exists (/proc). */
function makeFolder(dir: string): void {
  if (existsSync(dir)) return
  const parent = dirname(dir)
  if (parent !== dir) makeFolder(parent)
  try {
    mkdirSync(dir)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EEXIST') {
      throw new Error(`invalid results directory: ${dir} cannot be made (${code})`)
    }
  }
}

function listing(dir: string): string[] {
  try {
    return readdirSync(dir)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Error(`invalid results directory: ${dir} cannot be read (${code})`)
  }
}
