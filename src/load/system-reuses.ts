/**
 * system-reuses: what the kernel counted while a recording was made, which its text cannot say; this file reads the
 * note beside it: `X.json` next to the recording `X`.
 */
import { readFileSync } from 'node:fs'
import type { SystemReuses } from '../trace/recording.ts'

/**
 * The note beside the recording `path`, if there is one.
 * @throws Error in one line that names the note and what is wrong with it.
 */
export function systemReusesBeside(path: string): SystemReuses | undefined {
  const note = `${path}.json`
  let text: string
  try {
    text = readFileSync(note, 'utf8')
  } catch {
    return undefined
  }
  const { pgreuse, byOthers, others } = fieldsOf(text)
  if (!isCount(pgreuse) || (byOthers !== undefined && !isCount(byOthers))) {
    throw new Error(
      `invalid note: ${note}; expected: {"pgreuse": COUNT, "byOthers": COUNT, "others": "WHAT ELSE RAN"}`,
    )
  }
  return {
    pgreuse,
    ...(byOthers === undefined ? {} : { byOthers }),
    ...(typeof others === 'string' ? { others } : {}),
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function fieldsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return { ...value }
  } catch {
    // Refused by the caller, which knows the name of the file.
  }
  return {}
}
