/** library: litmus tests and truth files on disk. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readText } from '../files/read-text.ts'
import { parseExceptions, type ReviewedException } from './exceptions.ts'
import { type KnownFailure, parseKnownFailures } from './known-failures.ts'
import { parseLitmus } from './parse.ts'
import type { LitmusTest } from './program.ts'
import { parseTruth, type Truth } from './truth.ts'

/** The test in `file`. Throws LitmusError for a mistake in it. */
export function readTest(file: string): LitmusTest {
  return parseLitmus(readText(file), file)
}

/** The .cow files of one folder, not of those below it, by name and in its order. */
export function readTests(folder: string): Map<string, LitmusTest> {
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.cow'))
    .sort()
  return new Map(
    files.map((file) => {
      const test = readTest(join(folder, file))
      return [test.name, test]
    }),
  )
}

/** The record in `file`. Throws RangeError if it is none. */
export function readTruth(file: string): Truth {
  return parseTruth(readText(file), file)
}

/** The reviewed exceptions in `file`. Throws RangeError if it is no such file. */
export function readExceptions(file: string): ReviewedException[] {
  return parseExceptions(readText(file), file)
}

/** What is written down about the known failures in `folder`: its verdicts.json. Throws RangeError if that is none. */
export function readKnownFailures(folder: string): KnownFailure[] {
  const file = join(folder, 'verdicts.json')
  return parseKnownFailures(readText(file), file)
}
